"""Plain functions of NumPy arrays, with derivatives that are written by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from minigrad.errors import ShapeError, UsageError
from minigrad.testing.frameworks.framework import Framework
from minigrad.testing.frameworks.run import ArrayTuple, Pull, as_tuple
from minigrad.typing import Array, Function


class ByHand(Framework):
    """A function of arrays with any of: its gradient, its products with vectors from both sides, second derivatives.

    Args:
        grad: `grad(*args)`, for a function to one number; none unless given.
        vjp: `vjp(g, *args)`, J'g; none unless given.
        jvp: `jvp(v, *args)`, J v, with a tuple v for several arguments; none unless given.
        hvp: `hvp(v, *args)`, H v of a function to one number; none unless given.
        settings: passed to each of them by keyword; none unless given.

    Raises:
        UsageError: both `grad` and `vjp` are given.
    """

    name: ClassVar[str] = "NumPy"
    value_type = np.ndarray
    hands_out_views: ClassVar[bool] = False
    dtypes = (np.float16, np.float32, np.float64)
    result_kinds: ClassVar[str] = "fiub"

    def __init__(
        self,
        *,
        grad: Function | None = None,
        vjp: Function | None = None,
        jvp: Function | None = None,
        hvp: Function | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        if grad is not None and vjp is not None:
            raise UsageError("check_grads: give grad= or vjp=, not both")
        bound = settings or {}
        self._rules = [d for d in (grad, vjp, jvp, hvp) if d is not None]
        self.grad, self.pullback, self.push, self.hvp = (
            None if d is None else partial(d, **bound) if bound else d for d in (grad, vjp, jvp, hvp)
        )
        self.forward_mode = jvp is not None
        self.claims_gradient = self.grad is not None or self.pullback is not None or jvp is not None

    def constant(self, x: Array) -> Array:
        """The array itself."""
        return x

    def array(self, value: Any) -> Array:
        """The array itself, or that of numbers."""
        return np.asarray(value)

    def parts(self, z: Any) -> Array:
        """A complex array as a real one (..., 2)."""
        return np.stack([np.real(z), np.imag(z)], -1)

    def vjp(
        self, f: Function, args: Sequence[Any], positions: Sequence[int], *, record: bool = False
    ) -> tuple[Sequence[Any], Pull]:
        """Run f; what was written by hand pulls back."""
        out = f(*args)
        several = isinstance(out, (tuple, list))
        columns: list[list[list[Array]]] = []

        def pull(cotangents: Sequence[Array]) -> Sequence[Any]:
            if self.grad is not None:
                return [np.asarray(part) * np.reshape(cotangents[0], ()) for part in as_tuple(self.grad(*args))]
            if self.pullback is not None:
                return as_tuple(self.pullback(tuple(cotangents) if several else cotangents[0], *args))
            if not columns:
                columns.extend(self._columns(f, args, positions))
            return [
                np.array([sum(np.sum(a * g) for a, g in zip(column, cotangents, strict=True)) for column in of_x])
                .reshape(np.shape(args[i]))
                .astype(np.asarray(args[i]).dtype)
                for of_x, i in zip(columns, positions, strict=True)
            ]

        return as_tuple(out), pull

    def _columns(self, f: Function, args: Sequence[Any], positions: Sequence[int]) -> list[list[list[Array]]]:
        """For each argument, J times the direction of each of its elements: what `jvp=` alone tells of J'."""
        zeros = [np.zeros(np.shape(args[i]), np.asarray(args[i]).dtype) for i in positions]
        columns = []
        for k, zero in enumerate(zeros):
            directions = np.eye(zero.size, dtype=zero.dtype).reshape(zero.size, *zero.shape)
            moved = [[*zeros[:k], v, *zeros[k + 1 :]] for v in directions]
            columns.append([list(map(np.asarray, self.jvp(f, args, positions, vs))) for vs in moved])
        return columns

    def jvp(self, f: Function, args: Sequence[Any], positions: Sequence[int], tangents: Sequence[Any]) -> Sequence[Any]:
        """J v as it was written by hand."""
        assert self.push is not None
        return as_tuple(self.push(tuple(tangents) if len(positions) > 1 else tangents[0], *args))

    def second_derivative(
        self,
        f: Function,
        args: Sequence[Any],
        positions: Sequence[int],
        cotangents: Sequence[Array],
        tangents: Sequence[Array],
    ) -> ArrayTuple:
        """u H v as it was written by hand."""
        assert self.hvp is not None
        v = tuple(tangents) if len(positions) > 1 else tangents[0]
        return tuple([np.asarray(part) * np.reshape(cotangents[0], ()) for part in as_tuple(self.hvp(v, *args))])

    def rules(self, x: object) -> Sequence[Function]:
        """What was written by hand, whatever the function is."""
        return self._rules

    def require_results(self, values: ArrayTuple) -> None:
        """Real numbers, and with `grad=` or `hvp=` one of them.

        Raises:
            UsageError: the results are not real numbers.
            ShapeError: `grad=` or `hvp=` was given, and there is more than one number.
        """
        for value in values:
            if value.dtype.kind not in self.result_kinds:
                raise UsageError(f"the function must return real numbers, it returned {value.dtype}")
        size = sum(value.size for value in values)
        for name, given, way in (("grad", self.grad, "give vjp= instead"), ("hvp", self.hvp, "sum its results first")):
            if given is not None and size != 1:
                raise ShapeError(f"{name}= is for a function that returns one number, this one returned {size}: {way}")

"""Plain functions of NumPy arrays, with derivatives that are written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from minigrad.errors import ShapeError, UsageError
from minigrad.testing.frameworks.framework import Framework
from minigrad.testing.frameworks.run import ArrayTuple, Pull, as_tuple
from minigrad.typing import Array, Function, Settings


class ByHand(Framework):
    """A function of arrays with any of: its gradient, its products with vectors from both sides.

    Args:
        grad: `grad(*args)`, for a function to one number; none unless given.
        vjp: `vjp(g, *args)`, J'g; none unless given.
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
        self, *, grad: Function | None = None, vjp: Function | None = None, settings: Settings | None = None
    ) -> None:
        if grad is not None and vjp is not None:
            raise UsageError("check_grads: give grad= or vjp=, not both")
        bound = settings or {}
        self._rules = [d for d in (grad, vjp) if d is not None]
        self.grad, self.pullback = (None if d is None else partial(d, **bound) if bound else d for d in (grad, vjp))

    def constant(self, x: Array) -> Array:
        """The array itself."""
        return x

    def array(self, value: Any) -> Array:
        """The array itself, or that of numbers."""
        return np.asarray(value)

    def vjp(
        self, f: Function, args: Sequence[Any], positions: Sequence[int], *, record: bool = False
    ) -> tuple[Sequence[Any], Pull]:
        """Run f; what was written by hand pulls back."""
        out = f(*args)
        several = isinstance(out, (tuple, list))

        def pull(cotangents: Sequence[Array]) -> Sequence[Any]:
            if self.grad is not None:
                return [np.asarray(part) * np.reshape(cotangents[0], ()) for part in as_tuple(self.grad(*args))]
            assert self.pullback is not None
            return as_tuple(self.pullback(tuple(cotangents) if several else cotangents[0], *args))

        return as_tuple(out), pull

    def rules(self, x: object) -> Sequence[Function]:
        """What was written by hand, whatever the function is."""
        return self._rules

    def require_results(self, values: ArrayTuple) -> None:
        """Real numbers, and with `grad=` one of them.

        Raises:
            UsageError: the results are not real numbers.
            ShapeError: `grad=` was given, and there is more than one number.
        """
        for value in values:
            if value.dtype.kind not in self.result_kinds:
                raise UsageError(f"the function must return real numbers, it returned {value.dtype}")
        size = sum(value.size for value in values)
        if self.grad is not None and size != 1:
            raise ShapeError(
                f"grad= is for a function that returns one number, this one returned {size}: give vjp= instead"
            )

"""Opt-outs that are said: gradients that are meant not to be the derivative of the function.

`straight_through`: the gradient is that of another function, the surrogate. `symmetric`: an argument is taken for a
symmetric matrix, so the function is differentiated along symmetric directions only. Both stand in the report's note.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from minigrad.errors import UsageError
from minigrad.testing.frameworks.framework import Framework
from minigrad.testing.frameworks.run import ArrayTuple, Pull, Run
from minigrad.typing import Array, Function

_ATTRIBUTES = (
    "name", "value_type", "refusals", "hands_out_views", "dtypes", "result_kinds", "higher_order", "forward_mode",
    "claims_gradient", "hvp", "note",
)  # fmt: skip


def opted_out(
    framework: Framework, *, straight_through: bool | Function = False, symmetric: int | Sequence[int] | None = None
) -> Framework:
    """The framework with what was said about the function.

    Args:
        framework: what the function is written in.
        straight_through: a surrogate function whose derivative the gradient is; True for the identity of the first
            differentiated argument (default False).
        symmetric: positions of arguments that are taken for symmetric matrices; none unless given.
    """
    if straight_through:
        framework = StraightThrough(framework, None if straight_through is True else straight_through)
    if symmetric is not None:
        framework = Symmetric(framework, [symmetric] if isinstance(symmetric, int) else symmetric)
    return framework


class _Wrapped(Framework):
    """A framework that is another one but for some methods."""

    def __init__(self, inner: Framework, note: str) -> None:
        self.inner = inner
        for name in _ATTRIBUTES:
            setattr(self, name, getattr(inner, name))
        self.note = f"{inner.note}; {note}" if inner.note else note

    def constant(self, x: Array) -> Any:
        return self.inner.constant(x)

    def array(self, value: Any) -> Array:
        return self.inner.array(value)

    def vjp(
        self, f: Function, args: Sequence[Any], positions: Sequence[int], *, record: bool = False
    ) -> tuple[Sequence[Any], Pull]:
        return self.inner.vjp(f, args, positions, record=record)

    def jvp(self, f: Function, args: Sequence[Any], positions: Sequence[int], tangents: Sequence[Any]) -> Sequence[Any]:
        return self.inner.jvp(f, args, positions, tangents)

    def function(self, f: Any) -> Function:
        return self.inner.function(f)

    def rules(self, x: object) -> Sequence[Function]:
        return self.inner.rules(x)

    def module(self, make: Any) -> Any:
        return self.inner.module(make)

    def context(self) -> AbstractContextManager[object]:
        return self.inner.context()

    def require_results(self, values: ArrayTuple) -> None:
        self.inner.require_results(values)


class StraightThrough(_Wrapped):
    """The numbers of a surrogate, the gradient of the function itself (a straight-through estimator).

    Args:
        inner: what the function is written in.
        surrogate: the function whose derivative the gradient is; the identity unless given.

    Source: Y. Bengio, N. Leonard and A. Courville, Estimating or Propagating Gradients Through Stochastic Neurons for
    Conditional Computation (2013).
    """

    def __init__(self, inner: Framework, surrogate: Function | None = None) -> None:
        name = "the identity" if surrogate is None else getattr(surrogate, "__name__", "the surrogate")
        super().__init__(inner, f"straight-through: the gradient is held to that of {name}, not of the function")
        self.surrogate = surrogate

    def value(self, f: Function, args: Sequence[Any], positions: Sequence[int]) -> ArrayTuple:
        """The surrogate's results."""
        if self.surrogate is None:
            return (np.asarray(args[positions[0]]),)
        return self.inner.value(self.surrogate, args, positions)

    def linearize(self, f: Function, args: Sequence[Any], positions: Sequence[int]) -> Run:
        """The function itself."""
        return self.inner.linearize(f, args, positions)


class Symmetric(_Wrapped):
    """Some arguments are symmetric matrices, before the function sees them and in their gradients; order 1.

    Args:
        inner: what the function is written in.
        symmetric: the positions of these arguments.
    """

    def __init__(self, inner: Framework, symmetric: Sequence[int]) -> None:
        numbers = ", ".join(map(str, symmetric))
        super().__init__(inner, f"symmetric by assumption: argument {numbers}, differentiated at order 1")
        self.symmetric = frozenset(symmetric)
        self.higher_order = False

    def value(self, f: Function, args: Sequence[Any], positions: Sequence[int]) -> ArrayTuple:
        """The results for symmetric matrices."""
        return self.inner.value(f, self._symmetrized(args), positions)

    def linearize(self, f: Function, args: Sequence[Any], positions: Sequence[int]) -> Run:
        """The function at symmetric matrices, and the symmetric part of their gradients."""
        run = self.inner.linearize(f, self._symmetrized(args), positions)

        def pull(cotangents: Sequence[Array]) -> ArrayTuple:
            found = zip(run.pull(cotangents), positions, strict=True)
            return tuple([_symmetric_part(g) if i in self.symmetric else g for g, i in found])

        return Run(run.values, pull)

    def _symmetrized(self, args: Sequence[Any]) -> list[Any]:
        return [_symmetric_part(np.asarray(x)) if i in self.symmetric else x for i, x in enumerate(args)]


def _symmetric_part(x: Array) -> Array:
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise UsageError(f"symmetric=: an argument of shape {x.shape} is no square matrix")
    return np.asarray((x + np.swapaxes(x, -1, -2)) / 2)

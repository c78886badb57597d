"""Ops with several results: one node for the op, and one behind it for each result.

    whole (svd) <- u, s, vh

Each of these small nodes hands the cotangent that reaches it to the node of the op, which collects them: its rules get
one tuple, with zeros for the results that nothing depended on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.autograd.complex_numbers import DIFFERENTIABLE
from minigrad.autograd.tensor import wrap
from minigrad.errors import RuleError
from minigrad.typing import Array, Value

Shapes = tuple[tuple[int, ...], ...]


class Results:
    """The arrays that one call gave. The node of the op has all of their shapes for its shape."""

    def __init__(self, arrays: tuple[Any, ...]) -> None:
        self.arrays = arrays
        self.shape: Shapes = tuple([np.shape(array) for array in arrays])
        self.dtype = np.result_type(*([a.dtype for a in arrays if a.dtype.kind in DIFFERENTIABLE] or [arrays[0].dtype]))


class Cotangents:
    """The cotangents of the results of one call, as far as they have arrived. They can be added, as any cotangent."""

    __slots__ = ("dtype", "parts", "shape")

    def __init__(self, parts: dict[int, Any], shape: Shapes, dtype: Any) -> None:
        self.parts, self.shape, self.dtype = parts, shape, dtype

    def __add__(self, other: Cotangents) -> Cotangents:
        both = dict(self.parts)
        for k, g in other.parts.items():
            both[k] = both[k] + g if k in both else g
        return Cotangents(both, self.shape, self.dtype)

    def all(self, *, recorded: bool) -> tuple[Any, ...]:
        """One cotangent a result: zeros where none has arrived."""
        zeros = [np.zeros(shape, self.dtype) if k not in self.parts else None for k, shape in enumerate(self.shape)]
        wrapped = [wrap(z) if recorded and z is not None else z for z in zeros]
        return tuple([self.parts.get(k, zero) for k, zero in enumerate(wrapped)])


def split(result: Any, results: tuple[str, ...], residuals: tuple[str, ...]) -> tuple[Any, tuple[Array, ...]]:
    """What a forward function returned as its result (or all of them together), and the residuals behind.

    Raises:
        RuleError: it returned no tuple of these.
    """
    if not isinstance(result, tuple) or len(result) != (len(results) or 1) + len(residuals):
        names = (*(results or ("out",)), *residuals)
        stated = f"results={results}" if results else f"residuals={residuals}"
        raise RuleError(f"the forward function must return a tuple ({', '.join(names)}), as {stated} says")
    if results:
        return Results(result[: len(results)]), tuple(result[len(results) :])
    return result[0], tuple(result[1:])


def rule_of_result(k: int) -> Callable[[Value, Shapes], Cotangents]:
    """The rule of the op that picks result `k`: the cotangent takes its place among those of the other results."""

    def rule(g: Value, x_shape: Shapes) -> Cotangents:  # the shape of a call with several results has all of theirs
        return Cotangents({k: g}, x_shape, g.dtype)

    return rule

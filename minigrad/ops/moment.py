"""Variance and standard deviation."""

from __future__ import annotations

import math
from typing import Any

from minigrad.autograd.tensor import Tensor
from minigrad.ops.elementwise import divide, square, subtract
from minigrad.ops.norms import vector_norm
from minigrad.ops.reduce import mean, sum
from minigrad.shapes import canonical_axes, shape_of
from minigrad.typing import Value


def var(x: Value, *, axis: Value = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """Variance over axes: sum of (x - mean)^2 over (count - correction)."""
    deviation, freedom = _deviation(x, axis, correction)
    return divide(sum(square(deviation), axis=axis, keepdims=keepdims), freedom)


def std(x: Value, *, axis: Value = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """Standard deviation over axes: the square root of `var`.

    Where all elements are equal it is 0, and so is its gradient: a subgradient, as for every norm at 0.
    """
    deviation, freedom = _deviation(x, axis, correction)
    return divide(vector_norm(deviation, axis=axis, keepdims=keepdims), math.sqrt(freedom))


def _deviation(x: Value, axis: Value, correction: float) -> tuple[Any, float]:
    """The distance of each element from the mean, and the number of degrees of freedom."""
    axes = canonical_axes(axis, len(shape_of(x)))
    count = math.prod(shape_of(x)[i] for i in axes)
    return subtract(x, mean(x, axis=axes, keepdims=True)), max(count - correction, 0)

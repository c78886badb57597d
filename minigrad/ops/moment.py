"""The variance and the standard deviation."""

from __future__ import annotations

import math
from typing import Any

from minigrad.autograd.complex_numbers import require_real
from minigrad.autograd.tensor import Tensor
from minigrad.ops.elementwise import divide, square, subtract
from minigrad.ops.norms import vector_norm
from minigrad.ops.reduce import mean, sum
from minigrad.shapes import canonical_axes, shape_of
from minigrad.typing import Value


def var(x: Value, axis: Value = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """out = sum of (x - mean)^2 over the axes / (count - correction): the variance.

    Args:
        x: numbers.
        axis: the axis or axes along which to reduce (default None: all).
        correction: what is taken from the count; 1 gives the unbiased estimate (default 0.0).
        keepdims: whether the axes stay, with size 1 (default False).

    Shapes: x (...) -> x's without the axes, or with size 1 there.
    """
    deviation, freedom = _deviation(x, axis, correction)
    return divide(sum(square(deviation), axis=axis, keepdims=keepdims), freedom)


def std(x: Value, axis: Value = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """out = the square root of `var`: the standard deviation.

    Where all elements are equal it is 0, and so is its gradient: a subgradient, as for every norm at 0.

    Args:
        x: numbers.
        axis: the axis or axes along which to reduce (default None: all).
        correction: what is taken from the count; 1 gives the unbiased variance (default 0.0).
        keepdims: whether the axes stay, with size 1 (default False).

    Shapes: x (...) -> x's without the axes, or with size 1 there.
    """
    deviation, freedom = _deviation(x, axis, correction)
    return divide(vector_norm(deviation, axis=axis, keepdims=keepdims), math.sqrt(freedom))


def _deviation(x: Value, axis: Value, correction: float) -> tuple[Any, float]:
    """The distance of each element from the mean, and the number of degrees of freedom."""
    require_real("the variance", x)
    axes = canonical_axes(axis, len(shape_of(x)))
    count = math.prod(shape_of(x)[i] for i in axes)
    return subtract(x, mean(x, axis=axes, keepdims=True)), max(count - correction, 0)

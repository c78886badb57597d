"""Constants in the shape of another array."""

from __future__ import annotations

import numpy as np

from minigrad.autograd.registry import op
from minigrad.typing import Value


@op(non_differentiable=("x",))
def zeros_like(x: Value, *, dtype: Value = None) -> Value:
    """Zeros in the shape of x, and in its dtype unless another is named. Shapes: any -> the same."""
    return np.zeros_like(x, dtype)


@op(non_differentiable=("x",))
def ones_like(x: Value, *, dtype: Value = None) -> Value:
    """Ones in the shape of x, and in its dtype unless another is named. Shapes: any -> the same."""
    return np.ones_like(x, dtype)


@op(name="full_like", non_differentiable=("x",))
def _full_like(x: Value, *, fill_value: float, dtype: Value = None) -> Value:
    """One number everywhere, in the shape of x, and in its dtype unless another is named. Shapes: any -> the same."""
    return np.full_like(x, fill_value, dtype)


def full_like(x: Value, fill_value: float, dtype: Value = None) -> Value:
    """One number everywhere, in the shape of x.

    Args:
        x: an array.
        fill_value: the number.
        dtype: that of the result; x's unless given.

    Shapes: any -> the same.
    """
    return _full_like(x, fill_value=fill_value, dtype=dtype)

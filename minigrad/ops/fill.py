"""Constants in the shape of another array."""

from __future__ import annotations

import numpy as np

from minigrad.autograd.array_protocol import check_device
from minigrad.autograd.registry import op
from minigrad.typing import ArrayLike, DTypeLike, Settings, Value


def _filling(x: ArrayLike, *, dtype: DTypeLike | None = None, device: str | None = None) -> Settings:
    check_device(device)
    return {"dtype": dtype}


@op(canonical=_filling, non_differentiable=("x",), complex="holomorphic")
def zeros_like(x: Value, *, dtype: Value) -> Value:
    """Zeros in the shape of x, in its dtype unless another is named, on the device "cpu". Shapes: any -> the same."""
    return np.zeros_like(x, dtype)


@op(canonical=_filling, non_differentiable=("x",), complex="holomorphic")
def ones_like(x: Value, *, dtype: Value) -> Value:
    """Ones in the shape of x, in its dtype unless another is named, on the device "cpu". Shapes: any -> the same."""
    return np.ones_like(x, dtype)


@op(name="full_like", non_differentiable=("x",), complex="holomorphic")
def _full_like(x: Value, *, fill_value: float, dtype: Value = None) -> Value:
    """One number everywhere, in the shape of x, and in its dtype unless another is named. Shapes: any -> the same."""
    return np.full_like(x, fill_value, dtype)


def full_like(x: Value, fill_value: float, dtype: DTypeLike | None = None, *, device: str | None = None) -> Value:
    """One number everywhere, in the shape of x.

    Args:
        x: an array.
        fill_value: the number.
        dtype: that of the result; x's unless given.
        device: "cpu", the only one (default None: the same).

    Shapes: any -> the same.

    Raises:
        UsageError: another device.
    """
    check_device(device)
    return _full_like(x, fill_value=fill_value, dtype=dtype)

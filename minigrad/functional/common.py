"""What several of these functions share: a batch of one for a single sample, an image one row high for a sequence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minigrad import ops
from minigrad.autograd.tensor import Tensor, as_operand, wrap
from minigrad.errors import ShapeError
from minigrad.shapes import per_axis, shape_of
from minigrad.typing import Array, ArrayLike, Pair, PairLike

SIDES = {1: "T", 2: "H, W", 3: "D, H, W"}
"""By their number, the letters of the sides of sequences, images and volumes."""

VOLUME = 5
"""The dimensions of a batch of volumes (N, C, D, H, W)."""


def tensor_or_array(x: ArrayLike) -> Tensor | Array:
    """Tensors and arrays as they are, lists and numbers as Tensors."""
    return x if isinstance(x, (Tensor, np.ndarray)) else wrap(as_operand(x))


def on_batch(function: Callable[[ArrayLike], Tensor], x: ArrayLike, ndim: int) -> Tensor:
    """Run a function of a batch also on a single sample.

    Raises:
        ShapeError: x has dimensions of volumes, but the function is not of those, or the other way around.
    """
    dims = len(shape_of(x))
    if dims == ndim - 1:
        return ops.squeeze(function(ops.expand_dims(x, axis=0)), axis=0)
    if dims != ndim and VOLUME in (dims, ndim):
        letters = SIDES[ndim - 2]
        raise ShapeError(f"expected x (N, C, {letters}) or (C, {letters}), got shape {shape_of(x)}")
    return function(x)


def on_rows(function: Callable[[ArrayLike], Tensor], x: ArrayLike) -> Tensor:
    """Run a function of images on sequences (N, C, T) or (C, T): images that are one row high."""
    return ops.squeeze(function(ops.expand_dims(x, axis=-2)), axis=-2)


def row_setting(value: PairLike, height: int = 1) -> Pair:
    """The setting of a function of images that stands for one of a function of sequences: (height, value).

    Raises:
        UsageError: it is not one integer.
    """
    (width,) = per_axis(value, 1)
    return height, width


def row_stride(stride: int | None) -> Pair | None:
    """The stride along sequences that are images one row high."""
    return None if stride is None else row_setting(stride)

"""What several of these functions share: a batch of one for a single sample, an image one row high for a sequence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minigrad import ops
from minigrad.autograd.tensor import Tensor, as_operand, wrap
from minigrad.shapes import per_axis, shape_of
from minigrad.typing import Array, ArrayLike, Pair, PairLike


def tensor_or_array(x: ArrayLike) -> Tensor | Array:
    """Tensors and arrays as they are, lists and numbers as Tensors."""
    return x if isinstance(x, (Tensor, np.ndarray)) else wrap(as_operand(x))


def on_batch(function: Callable[[ArrayLike], Tensor], x: ArrayLike, ndim: int) -> Tensor:
    """Run a function of a batch also on a single sample."""
    if len(shape_of(x)) == ndim - 1:
        return ops.squeeze(function(ops.expand_dims(x, axis=0)), axis=0)
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

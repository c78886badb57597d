"""Unfold and fold: the windows of an image side by side, and added back to the pixels that they were read from.

The windows are those of `window_geometry.py`. `count` says how many there are; they may hang over the bottom and right
edge.
"""

import numpy as np

from minigrad.typing import Array, Shape

from .array_utils import accumulation_dtype
from .window_geometry import crop_image, pad_image, padded_size, taps


def unfold(x: Array, *, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, count: Shape) -> Array:
    """What each window reads: x (N, C, H, W) -> (N, C, P, Q, I, J)."""
    padded = pad_image(x, padding, padded_size(count, kernel, stride, dilation))
    out = np.empty((*x.shape[:2], *kernel, *count), x.dtype)
    for place, view in taps(padded, count, kernel, stride, dilation):
        at: tuple[slice | int, ...] = (slice(None), slice(None), *place)
        out[at] = view
    return out


def fold(y: Array, *, shape: Shape, stride: Shape, padding: Shape, dilation: Shape) -> Array:
    """The transpose of `unfold`: y (N, C, P, Q, I, J) added to the pixels of `shape` (N, C, H, W)."""
    sides = len(shape) - 2
    kernel, count = y.shape[2 : 2 + sides], y.shape[2 + sides :]
    padded = np.zeros((*shape[:2], *padded_size(count, kernel, stride, dilation)), accumulation_dtype(y.dtype))
    for place, view in taps(padded, count, kernel, stride, dilation):
        at: tuple[slice | int, ...] = (slice(None), slice(None), *place)
        view += y[at]
    out = np.zeros(shape, y.dtype)
    crop_image(padded, padding, out)
    return out

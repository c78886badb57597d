"""Unfold and fold: the windows of an image side by side, and added back to the pixels that they were read from.

The windows are those of `window_geometry.py`. `count` says how many there are; they may hang over the bottom and right
edge.
"""

import numpy as np

from minigrad.typing import Array, Pair, Shape

from .array_utils import accumulation_dtype
from .window_geometry import crop_image, pad_image, padded_size, taps


def unfold(x: Array, *, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, count: Pair) -> Array:
    """What each window reads: x (N, C, H, W) -> (N, C, P, Q, I, J)."""
    padded = pad_image(x, padding, padded_size(count, kernel, stride, dilation))
    out = np.empty((*x.shape[:2], *kernel, *count), x.dtype)
    for p, q, view in taps(padded, count, kernel, stride, dilation):
        out[:, :, p, q] = view
    return out


def fold(y: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair) -> Array:
    """The transpose of `unfold`: y (N, C, P, Q, I, J) added to the pixels of `shape` (N, C, H, W)."""
    kernel, count = (y.shape[2], y.shape[3]), (y.shape[4], y.shape[5])
    padded = np.zeros((*shape[:2], *padded_size(count, kernel, stride, dilation)), accumulation_dtype(y.dtype))
    for p, q, view in taps(padded, count, kernel, stride, dilation):
        view += y[:, :, p, q]
    out = np.zeros(shape, y.dtype)
    crop_image(padded, padding, out)
    return out

"""Windows laid out side by side (im2col), and added back to the pixels that they were read from (col2im).

The windows are those of `windows.py`. `count` says how many there are; they may hang over the bottom and right edge.
"""

import numpy as np

from .windows import Array, Pair, Shape, frame, reach, taps, unframe, working_dtype


def unfold(x: Array, *, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, count: Pair) -> Array:
    """What each window reads: x (N, C, H, W) -> (N, C, P, Q, I, J)."""
    framed = frame(x, padding, reach(count, kernel, stride, dilation))
    out = np.empty((*x.shape[:2], *kernel, *count), x.dtype)
    for p, q, view in taps(framed, count, kernel, stride, dilation):
        out[:, :, p, q] = view
    return out


def fold(y: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair) -> Array:
    """The transpose of `unfold`: y (N, C, P, Q, I, J) added to the pixels of `shape` (N, C, H, W)."""
    kernel, count = (y.shape[2], y.shape[3]), (y.shape[4], y.shape[5])
    framed = np.zeros((*shape[:2], *reach(count, kernel, stride, dilation)), working_dtype(y.dtype))
    for p, q, view in taps(framed, count, kernel, stride, dilation):
        view += y[:, :, p, q]
    out = np.zeros(shape, y.dtype)
    unframe(framed, padding, out)
    return out

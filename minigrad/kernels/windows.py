"""The geometry that convolution and pooling share: windows that slide over a framed image.

Along one axis, window i reads the pixels

    stride * i + dilation * p - padding        for p = 0 .. kernel - 1

and a pixel outside the image reads as a fill value. So an image is put in a frame once; after that
*tap* (p, q), the pixel that every window reads at its place (p, q), is a strided slice of the frame.
To read all taps is to gather; to add to all taps is the transpose of that.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any]
Pair: TypeAlias = tuple[int, int]
Shape: TypeAlias = tuple[int, ...]


def window_count(size: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair = (1, 1)) -> Pair:
    """How many windows fit along H and W: floor((size + 2 pad - dilation (kernel - 1) - 1) / stride) + 1."""
    rows, columns = (
        (n + 2 * pad - d * (k - 1) - 1) // s + 1
        for n, k, s, pad, d in zip(size, kernel, stride, padding, dilation, strict=True)
    )
    return rows, columns


def reach(count: Pair, kernel: Pair, stride: Pair, dilation: Pair) -> Pair:
    """The height and width of the frame that `count` windows read, from its first pixel to its last."""
    axes = zip(count, kernel, stride, dilation, strict=True)
    height, width = (s * (n - 1) + d * (k - 1) + 1 for n, k, s, d in axes)
    return height, width


def overlap(size: int, padding: int, framed: int) -> tuple[slice, slice]:
    """The part of an image's axis that its frame holds: where it lies in the image, where in the frame."""
    stop = max(0, min(size, framed - padding))
    return slice(0, stop), slice(min(padding, framed), min(padding, framed) + stop)


def frame(x: Array, padding: Pair, size: Pair, fill: float = 0, dtype: Any = None) -> Array:
    """x (N, C, H, W) in a frame of `size`, `padding` pixels from its top and left; or x itself if that will do.

    Pixels beyond the frame, which no window reads, are cut off.
    """
    dtype = x.dtype if dtype is None else dtype
    if padding == (0, 0) and size[0] <= x.shape[2] and size[1] <= x.shape[3]:
        return x[:, :, : size[0], : size[1]].astype(dtype, copy=False)
    framed = np.full(x.shape[:2] + size, fill, dtype)
    (h, i), (w, j) = (overlap(*axis) for axis in zip(x.shape[2:], padding, size, strict=True))
    framed[:, :, i, j] = x[:, :, h, w]
    return framed


def unframe(framed: Array, padding: Pair, out: Array) -> None:
    """Write to `out` (N, C, H, W), zero so far, the pixels that the frame holds: the transpose of `frame`."""
    (h, i), (w, j) = (overlap(*axis) for axis in zip(out.shape[2:], padding, framed.shape[2:], strict=True))
    out[:, :, h, w] = framed[:, :, i, j]


def taps(
    framed: Array, count: Pair, kernel: Pair, stride: Pair, dilation: Pair = (1, 1)
) -> Iterator[tuple[int, int, Array]]:
    """Yield (p, q, view): what each of `count` windows reads at its place (p, q), as a view (N, C, I, J)."""
    (i, j), (s, t) = count, stride
    for p in range(kernel[0]):
        for q in range(kernel[1]):
            top, left = dilation[0] * p, dilation[1] * q
            yield p, q, framed[:, :, top : top + s * (i - 1) + 1 : s, left : left + t * (j - 1) + 1 : t]


def chunks(total: int, step: int) -> Iterator[slice]:
    """Cut range(total) into slices of at most `step`."""
    for start in range(0, total, step):
        yield slice(start, min(start + step, total))


def working_dtype(dtype: Any) -> Any:
    """Sums of half-precision numbers are made in single precision."""
    return np.dtype(np.float32) if dtype == np.float16 else dtype


def owned(x: Array) -> Array:
    """x itself, or a copy, such that kernels are compiled for one kind of array only: dense and writable."""
    return np.require(x, requirements=["C", "W", "A"])

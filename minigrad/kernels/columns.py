"""im2col and col2im: what each window of an image reads, as a column of a matrix; and columns added to an image.

    columns[c, p, q, n, i, j]  =  x[n, c, s (first + i) + d p - pad, s j + d q - pad]

and 0 where that is outside of the image. Seen as a matrix, (C P Q) x (N R J), it turns a convolution of the rows
first ... first + R of all windows into one product.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from minigrad.typing import Array, Pair

from .jit import with_compiled_variant


@dataclass(frozen=True, slots=True)
class Windows:
    """Where windows lie. A padding may be negative: then the windows leave out the image's border."""

    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    count: Pair

    @property
    def is_pointwise(self) -> bool:
        """Whether each window is one pixel, and each pixel a window."""
        return self.kernel == self.stride == (1, 1) and self.padding == (0, 0)


@with_compiled_variant
def im2col(x: Array, columns: Array, windows: Windows, first: int) -> None:
    """Fill columns (C, P, Q, N, R, J) from x (N, C, H, W)."""
    for column, pixels, (rows, lines) in _taps(x, columns, windows, first):
        column[:, :, : rows.start] = column[:, :, rows.stop :] = 0
        column[:, :, :, : lines.start] = column[:, :, :, lines.stop :] = 0
        column[:, :, rows, lines] = pixels


@with_compiled_variant
def col2im(columns: Array, x: Array, windows: Windows, first: int) -> None:
    """Add columns (C, P, Q, N, R, J) to x (N, C, H, W): the transpose of `im2col`."""
    for column, pixels, (rows, lines) in _taps(x, columns, windows, first):
        pixels += column[:, :, rows, lines]


def _taps(x: Array, columns: Array, windows: Windows, first: int) -> Iterator[tuple[Array, Array, tuple[slice, slice]]]:
    """For each tap (p, q): its columns (C, N, R, J), the pixels that they read, and which of them are in the image."""
    (s, t), (d, e), (a, b) = windows.stride, windows.dilation, windows.padding
    for p in range(windows.kernel[0]):
        rows, i = valid_range(x.shape[2], columns.shape[4], s, s * first + d * p - a)
        for q in range(windows.kernel[1]):
            lines, j = valid_range(x.shape[3], columns.shape[5], t, e * q - b)
            yield columns[:, p, q], x[:, :, i, j].swapaxes(0, 1), (rows, lines)


def valid_range(size: int, count: int, stride: int, offset: int) -> tuple[slice, slice]:
    """Of `count` windows that read the pixels stride * i + offset: those that read one of `size`, and these pixels."""
    start = min(count, max(0, -(offset // stride)))
    stop = max(start, min(count, (size - 1 - offset) // stride + 1))
    at = stride * start + offset
    return slice(start, stop), slice(at, at + stride * (stop - start - 1) + 1 if stop > start else at, stride)

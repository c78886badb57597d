"""im2col and col2im in a few threads, each with channels of its own."""

from minigrad.typing import Array, Pair

from .columns import Windows
from .jit import VariantResult, compiled
from .threads import Kernel, parallel

GRAIN = 1 << 15  # numbers for which a thread pays


def im2col(x: Array, columns: Array, windows: Windows, first: int) -> VariantResult:
    """See `columns.im2col`."""
    return _run(im2col_channels, x, columns, windows, first)


def col2im(columns: Array, x: Array, windows: Windows, first: int) -> VariantResult:
    """See `columns.col2im`."""
    return _run(col2im_channels, x, columns, windows, first)


def _run(kernel: Kernel, x: Array, columns: Array, windows: Windows, first: int) -> VariantResult:
    dense = x.flags.carray and columns.flags.carray  # the one kind that kernels are compiled for
    if x.dtype != columns.dtype or x.dtype.kind != "f" or x.itemsize < 4 or not dense:
        return NotImplemented
    channels, size = len(columns), max(1, columns.size // max(1, len(columns)))
    (s, t), (d, e), (a, b) = windows.stride, windows.dilation, windows.padding
    parallel(kernel, channels, x, columns, s, t, d, e, s * first - a, -b, grain=max(1, GRAIN // size))
    return None


@compiled
def im2col_channels(
    x: Array, columns: Array, s: int, t: int, d: int, e: int, top: int, left: int, start: int, stop: int
) -> None:
    """`im2col`, for the channels from start to stop."""
    _, kernel_height, kernel_width, images, rows, width = columns.shape
    for c in range(start, stop):
        for p in range(kernel_height):
            for q in range(kernel_width):
                begin, end = valid_range(x.shape[3], width, t, e * q + left)
                for n in range(images):
                    for i in range(rows):
                        line = columns[c, p, q, n, i]
                        h = s * i + d * p + top
                        if h < 0 or h >= x.shape[2]:
                            line[:] = 0
                            continue
                        line[:begin] = 0
                        line[end:] = 0
                        at = t * begin + e * q + left
                        # From 0 on: an index that could be negative would keep the loop from being vectorized.
                        line, pixels = line[begin:end], x[n, c, h, at:]
                        if t == 1:
                            for j in range(len(line)):
                                line[j] = pixels[j]
                        else:
                            for j in range(len(line)):
                                line[j] = pixels[t * j]


@compiled
def col2im_channels(
    x: Array, columns: Array, s: int, t: int, d: int, e: int, top: int, left: int, start: int, stop: int
) -> None:
    """`col2im`, for the channels from start to stop."""
    _, kernel_height, kernel_width, images, rows, width = columns.shape
    for c in range(start, stop):
        for n in range(images):
            for p in range(kernel_height):
                for i in range(rows):
                    h = s * i + d * p + top
                    if h < 0 or h >= x.shape[2]:
                        continue
                    for q in range(kernel_width):
                        begin, end = valid_range(x.shape[3], width, t, e * q + left)
                        line, pixels = columns[c, p, q, n, i, begin:end], x[n, c, h, t * begin + e * q + left :]
                        for j in range(len(line)):
                            pixels[t * j] += line[j]


@compiled
def valid_range(size: int, count: int, stride: int, offset: int) -> Pair:
    """See `columns.valid_range`."""
    start = min(count, max(0, -(offset // stride)))
    return start, max(start, min(count, (size - 1 - offset) // stride + 1))

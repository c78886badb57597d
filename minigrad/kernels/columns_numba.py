"""Columns in a few threads, each with channels of its own."""

from typing import Any

from .columns import Windows
from .jit import Answer, compiled
from .threads import parallel
from .windows import Array

GRAIN = 1 << 15  # numbers for which a thread pays


def gather(x: Array, columns: Array, windows: Windows, first: int) -> Answer:
    """See `columns.gather`."""
    return _run(gather_channels, x, columns, windows, first)


def scatter(columns: Array, x: Array, windows: Windows, first: int) -> Answer:
    """See `columns.scatter`."""
    return _run(scatter_channels, x, columns, windows, first)


def _run(kernel: Any, x: Array, columns: Array, windows: Windows, first: int) -> Answer:
    dense = x.flags.carray and columns.flags.carray  # the one kind that kernels are compiled for
    if x.dtype != columns.dtype or x.dtype.kind != "f" or x.itemsize < 4 or not dense:
        return NotImplemented
    channels, size = len(columns), max(1, columns.size // max(1, len(columns)))
    (s, t), (d, e), (a, b) = windows.stride, windows.dilation, windows.padding
    parallel(kernel, channels, x, columns, s, t, d, e, s * first - a, -b, grain=max(1, GRAIN // size))
    return None


@compiled
def gather_channels(
    x: Any, columns: Any, s: Any, t: Any, d: Any, e: Any, top: Any, left: Any, start: Any, stop: Any
) -> None:
    """`gather`, for the channels from start to stop."""
    _, kernel_height, kernel_width, images, rows, width = columns.shape
    for c in range(start, stop):
        for p in range(kernel_height):
            for q in range(kernel_width):
                begin, end = bounds(x.shape[3], width, t, e * q + left)
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
def scatter_channels(
    x: Any, columns: Any, s: Any, t: Any, d: Any, e: Any, top: Any, left: Any, start: Any, stop: Any
) -> None:
    """`scatter`, for the channels from start to stop."""
    _, kernel_height, kernel_width, images, rows, width = columns.shape
    for c in range(start, stop):
        for n in range(images):
            for p in range(kernel_height):
                for i in range(rows):
                    h = s * i + d * p + top
                    if h < 0 or h >= x.shape[2]:
                        continue
                    for q in range(kernel_width):
                        begin, end = bounds(x.shape[3], width, t, e * q + left)
                        line, pixels = columns[c, p, q, n, i, begin:end], x[n, c, h, t * begin + e * q + left :]
                        for j in range(len(line)):
                            pixels[t * j] += line[j]


@compiled
def bounds(size: Any, count: Any, stride: Any, offset: Any) -> Any:
    """See `columns.inside`."""
    start = min(count, max(0, -(offset // stride)))
    return start, max(start, min(count, (size - 1 - offset) // stride + 1))

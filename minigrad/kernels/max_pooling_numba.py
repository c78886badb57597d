"""Max pooling of whole planes (n, c), in SIMD vectors of neighboring windows.

In an image padded with -inf and ordered as in `padded_buffer_numba`, what a tap (p, q) reads in a row of windows is a
single stretch of memory.

Where the pixels are in the image is known: at the window's origin, plus a step for each tap. A step is held as an
integer as wide as a pixel, so that a vector has as many of them.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from minigrad.typing import Array, DType, Shape

from . import buffers
from .array_utils import as_contiguous
from .jit import VariantResult, compiled
from .padded_buffer_numba import PlaneLayout, pack_pixels
from .partial_vectors_numba import load_part, store_part
from .simd import BYTES, add, load, load_scalar, select_greater, splat
from .threads import parallel


class Plan(NamedTuple):
    """The windows of a plane, in integers as wide as its pixels."""

    layout: PlaneLayout
    first: Array  # of each window: the position of its first pixel in the image, -1 where there is none; less `origin`
    origin: Array  # of each window: the position of tap (0, 0), which may be outside of the image
    starts: Array  # of each tap: where its stretch begins in the buffer
    steps: Array  # of each tap: its position less the origin's


def max_pool(x: Array, count: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape) -> VariantResult:
    """See `pooling.max_pool`: x (N, C, H, W) in single or double precision, and `count` windows."""
    plan = plan_of((x.shape[2], x.shape[3]), count, kernel, stride, padding, dilation, x.dtype)
    out = buffers.empty(x.shape[:2] + count, x.dtype)
    positions = buffers.empty(out.shape, np.dtype(np.int32))
    planes = x.shape[0] * x.shape[1]
    x = as_contiguous(x).reshape(planes, *x.shape[2:])
    nothing = np.array([-np.inf], x.dtype)
    parallel(pool_planes, planes, x, out.reshape(-1), positions.reshape(-1), *plan, nothing, count)
    return out, positions


@lru_cache(256)  # a network asks for the same few, in every step
def plan_of(
    image: Shape, count: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, dtype: DType
) -> Plan:
    """Where the windows of an image lie."""
    axes = zip(count, kernel, stride, dilation, strict=True)
    rows, columns = (n + d * (k - 1) // s for n, k, s, d in axes)
    h, i = _places(image[0], count[0], kernel[0], stride[0], padding[0], dilation[0])
    w, j = _places(image[1], count[1], kernel[1], stride[1], padding[1], dilation[1])
    first = np.where((h[:, None] < 0) | (w < 0), -1, h[:, None] * image[1] + w)
    origin = i[:, None] * image[1] + j
    down, right = (d * np.arange(k) for d, k in zip(dilation, kernel, strict=True))
    part = (down % stride[0])[:, None] * stride[1] + right % stride[1]
    starts = part * (rows * columns) + (down // stride[0])[:, None] * columns + right // stride[1]
    integer = f"i{dtype.itemsize}"
    return Plan(
        PlaneLayout((rows, columns), (stride[0], stride[1]), (padding[0], padding[1])),
        (first - origin).astype(integer).ravel(),
        origin.astype(integer).ravel(),
        starts.ravel(),
        (down[:, None] * image[1] + right).astype(integer).ravel(),
    )


def _places(size: int, windows: int, kernel: int, stride: int, padding: int, dilation: int) -> tuple[Array, Array]:
    """Along an axis, the first pixel in the image that each window reads, -1 where there is none; and its origin."""
    origin = stride * np.arange(windows) - padding
    pixels = origin[:, None] + dilation * np.arange(kernel)
    inside = (pixels >= 0) & (pixels < size)
    first = pixels[np.arange(windows), inside.argmax(axis=1)]
    return np.where(inside.any(axis=1), first, -1), origin


@compiled
def pool_planes(
    x: Array, out: Array, positions: Array, layout: PlaneLayout, first: Array, origin: Array, starts: Array,
    steps: Array, nothing: Array, count: Shape, start: int, stop: int,
) -> None:  # fmt: skip
    """`max_pool` of the planes from start to stop; `nothing` holds what no window would choose, -inf."""
    (rows, pitch), stride, _ = layout
    height, width = count
    buffer = np.full(stride[0] * stride[1] * rows * pitch + BYTES, nothing[0])
    for plane in range(start, stop):
        pack_pixels(x[plane], buffer, 0, layout)
        for i in range(height):
            for j in range(0, width, BYTES // x.itemsize):
                at, window, rest = i * pitch + j, i * width + j, width - j
                largest, where = splat(nothing, 0), load_part(first, window, rest)
                for k in range(len(starts)):
                    pixels = load(buffer, load_scalar(starts, k) + at)
                    where = select_greater(pixels, largest, splat(steps, k), where)
                    largest = select_greater(pixels, largest, pixels, largest)
                result = plane * height * width + window
                store_part(out, result, largest, rest)
                store_part(positions, result, add(where, load_part(origin, window, rest)), rest)

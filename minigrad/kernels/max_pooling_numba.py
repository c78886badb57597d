"""Max pooling of whole planes (n, c), in SIMD vectors.

In an image padded with -inf and ordered as in `padded_buffer_numba`, what a tap (p, q) reads in all windows is a single
stretch of memory. (Across the end of each row lie a few windows that do not exist; they are computed and dropped.)

Where the pixels are in the image is known: at the window's origin, plus a step for each tap. A step is held as a
floating number, so that a vector has as many of them as of pixels.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from minigrad.typing import Array, Shape

from . import buffers
from .array_utils import as_contiguous
from .jit import VariantResult, compiled
from .padded_buffer_numba import PlaneLayout, pack_pixels
from .simd import BYTES, load, select_greater, splat, store
from .threads import parallel

EXACT = 1 << 24  # integers up to which single precision holds


class Plan(NamedTuple):
    """Windows of a plane. Those of a row are `pitch` apart from those of the next, in flat arrays."""

    layout: PlaneLayout
    first: Array  # of each window: the position of its first pixel in the image, -1 where there is none
    origin: Array  # of each window: the position of tap (0, 0), which may be outside of the image
    starts: Array  # of each tap: where its stretch begins
    steps: Array  # of each tap: its position less the origin's


def max_pool(x: Array, count: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape) -> VariantResult:
    """See `pooling.max_pool`: x (N, C, H, W) in single or double precision, and `count` windows."""
    plan = plan_of((x.shape[2], x.shape[3]), count, kernel, stride, padding, dilation)
    if plan.steps[-1] > EXACT:
        return NotImplemented
    out = buffers.empty(x.shape[:2] + count, x.dtype)
    positions = buffers.empty(out.shape, np.dtype(np.int32))
    planes = x.shape[0] * x.shape[1]
    parts = [a.reshape(planes, *a.shape[2:]) for a in (as_contiguous(x), out, positions)]
    steps, limits = plan.steps.astype(x.dtype), np.array([-np.inf, -1], x.dtype)
    parallel(pool_planes, planes, *parts, *plan[:4], steps, limits)
    return out, positions


@lru_cache(256)  # a network asks for the same few, in every step
def plan_of(image: Shape, count: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape) -> Plan:
    """Where the windows of an image lie."""
    axes = zip(count, kernel, stride, dilation, strict=True)
    rows, columns = (n + d * (k - 1) // s for n, k, s, d in axes)
    h, i = _places(image[0], rows, kernel[0], stride[0], padding[0], dilation[0])
    w, j = _places(image[1], columns, kernel[1], stride[1], padding[1], dilation[1])
    first = np.where((h[:, None] < 0) | (w < 0), -1, h[:, None] * image[1] + w)
    down, right = (d * np.arange(k) for d, k in zip(dilation, kernel, strict=True))
    part = (down % stride[0])[:, None] * stride[1] + right % stride[1]
    starts = part * (rows * columns) + (down // stride[0])[:, None] * columns + right // stride[1]
    return Plan(
        PlaneLayout((rows, columns), (stride[0], stride[1]), (padding[0], padding[1])),
        first.astype(np.int32).ravel(),
        (i[:, None] * image[1] + j).astype(np.int32).ravel(),
        starts.ravel(),
        (down[:, None] * image[1] + right).astype(np.int32).ravel(),
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
    steps: Array, limits: Array, start: int, stop: int,
) -> None:  # fmt: skip
    """`max_pool` of the planes from start to stop."""
    (rows, pitch), stride, _ = layout
    length = pitch * (out.shape[1] - 1) + out.shape[2]
    buffer = np.empty(stride[0] * stride[1] * rows * pitch + BYTES, x.dtype)
    buffer[:] = limits[0]
    best, step = np.empty(length + BYTES, x.dtype), np.empty(length + BYTES, x.dtype)
    place = np.empty(length, np.int32)
    for plane in range(start, stop):
        pack_pixels(x[plane], buffer, 0, layout)
        read_windows(buffer, starts, steps, limits, best, step)
        for i in range(length):
            place[i] = first[i] if step[i] < 0 else origin[i] + np.int32(step[i])
        for i in range(out.shape[1]):
            values, indices = best[i * pitch :], place[i * pitch :]
            line, where = out[plane, i], positions[plane, i]
            for j in range(len(line)):
                line[j], where[j] = values[j], indices[j]


@compiled
def read_windows(buffer: Array, starts: Array, steps: Array, limits: Array, best: Array, step: Array) -> None:
    """The largest pixel of each window, and the step to the first tap that reads it; `limits` if all are -inf."""
    for at in range(0, len(best) - BYTES, BYTES // buffer.itemsize):
        largest, where = splat(limits, 0), splat(limits, 1)
        for k in range(len(starts)):
            pixels = load(buffer, starts[k] + at)
            where = select_greater(pixels, largest, splat(steps, k), where)
            largest = select_greater(pixels, largest, pixels, largest)
        store(best, at, largest)
        store(step, at, where)

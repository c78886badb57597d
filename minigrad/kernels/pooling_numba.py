"""Pooling in one pass over the image, in a few threads, each with planes (n, c) of its own.

A volume takes two passes: its slices are images, and then what is left of it, seen as an image with a slice in each
row, is pooled from row to row. Both the largest element, the first one at a tie, and the mean come out as in one pass.
"""

import math
from functools import lru_cache

import numpy as np

from minigrad.typing import Array, DType, Shape

from . import buffers, max_pooling_numba
from .array_utils import as_contiguous
from .average_pooling_numba import WindowSizes, mean_planes, mean_squares, spread_planes, spread_squares
from .jit import VariantResult, compiled
from .pooling import window_areas
from .simd import load_scalar, store_scalar
from .threads import parallel
from .window_geometry import output_size


def max_pool(
    x: Array, *, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, out_size: Shape | None = None
) -> VariantResult:
    """See `pooling.max_pool`."""
    if x.dtype not in (np.float32, np.float64):
        return NotImplemented
    count = out_size or output_size(x.shape[2:], kernel, stride, padding, dilation)
    if x.ndim == 5:
        return _max_pool_volumes(x, count, kernel, stride, padding, dilation)
    return max_pooling_numba.max_pool(x, count, kernel, stride, padding, dilation)


def _max_pool_volumes(
    x: Array, count: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape
) -> VariantResult:
    n, c, depth, *image = x.shape
    size = math.prod(count[1:])
    first = max_pooling_numba.max_pool(_slices(x), count[1:], kernel[1:], stride[1:], padding[1:], dilation[1:])
    if first is NotImplemented:
        return NotImplemented
    values, places = (y.reshape(n, c, depth, size) for y in first)
    second = max_pooling_numba.max_pool(
        values, (count[0], size), (kernel[0], 1), (stride[0], 1), (padding[0], 0), (dilation[0], 1)
    )
    if second is NotImplemented:
        return NotImplemented
    out, winners = (y.reshape(n, c, count[0], size) for y in second)  # a winner is at d * size + window
    slices = winners // max(1, size)
    places = np.take_along_axis(places, np.maximum(slices, 0), axis=2)
    positions = np.where((slices < 0) | (places < 0), -1, slices * math.prod(image) + places).astype(np.int32)
    return out.reshape(n, c, *count), positions.reshape(n, c, *count)


def max_pool_input(g: Array, positions: Array, *, shape: Shape) -> VariantResult:
    """See `pooling.max_pool_input`."""
    if g.dtype not in (np.float32, np.float64) or positions.dtype != np.int32:
        return NotImplemented
    out = buffers.empty(shape, g.dtype)
    parallel(scatter_planes, planes(out), flat(out), flat(g), flat(positions))
    return out


def max_pool_take(x: Array, positions: Array) -> VariantResult:
    """See `pooling.max_pool_take`."""
    if x.dtype not in (np.float32, np.float64) or positions.dtype != np.int32:
        return NotImplemented
    out = buffers.empty(positions.shape, x.dtype)
    parallel(take_planes, planes(x), flat(out), flat(x), flat(positions))
    return out


def avg_pool(
    x: Array, *, kernel: Shape, stride: Shape, padding: Shape, count_include_pad: bool, out_size: Shape | None = None
) -> VariantResult:
    """See `pooling.avg_pool`."""
    if x.dtype not in (np.float32, np.float64):
        return NotImplemented
    size = x.shape[2:]
    count = out_size or output_size(size, kernel, stride, padding)
    if x.ndim == 5:
        pixels = math.prod(count[1:])
        images = avg_pool(
            _slices(x), kernel=kernel[1:], stride=stride[1:], padding=padding[1:], count_include_pad=count_include_pad,
            out_size=count[1:],
        ).reshape(*x.shape[:3], pixels)  # fmt: skip
        means: Array = avg_pool(
            images, kernel=(kernel[0], 1), stride=(stride[0], 1), padding=(padding[0], 0),
            count_include_pad=count_include_pad, out_size=(count[0], pixels),
        )  # fmt: skip
        return means.reshape(*x.shape[:2], *count)
    sizes, shares, squares = _windows(size, count, kernel, stride, padding, count_include_pad, x.dtype)
    out = buffers.empty(x.shape[:2] + count, x.dtype)
    parallel(mean_squares if squares else mean_planes, planes(x), as_contiguous(x).reshape(-1), out.reshape(-1), shares,
             sizes)  # fmt: skip
    return out


def avg_pool_input(
    g: Array, *, shape: Shape, kernel: Shape, stride: Shape, padding: Shape, count_include_pad: bool
) -> VariantResult:
    """See `pooling.avg_pool_input`."""
    if g.dtype not in (np.float32, np.float64):
        return NotImplemented
    size, count = shape[2:], g.shape[2:]
    if g.ndim == 5:
        pixels = math.prod(count[1:])
        images = avg_pool_input(
            g.reshape(*g.shape[:3], pixels), shape=(*shape[:3], pixels), kernel=(kernel[0], 1), stride=(stride[0], 1),
            padding=(padding[0], 0), count_include_pad=count_include_pad,
        )  # fmt: skip
        pixels_of_slices: Array = avg_pool_input(
            _slices(images.reshape(*shape[:3], *count[1:])), shape=(shape[0], shape[1] * shape[2], *shape[3:]),
            kernel=kernel[1:], stride=stride[1:], padding=padding[1:], count_include_pad=count_include_pad,
        )  # fmt: skip
        return pixels_of_slices.reshape(shape)
    sizes, shares, squares = _windows(size, count, kernel, stride, padding, count_include_pad, g.dtype)
    out = buffers.empty(shape, g.dtype)
    parallel(spread_squares if squares else spread_planes, planes(out), out.reshape(-1), as_contiguous(g).reshape(-1),
             shares, sizes)  # fmt: skip
    return out


@lru_cache(256)  # a network asks for the same few, in every step
def _windows(
    size: Shape, count: Shape, kernel: Shape, stride: Shape, padding: Shape, include_pad: bool, dtype: DType
) -> tuple[WindowSizes, Array, bool]:
    """The windows of a mean, the share of each sum, and whether they are squares."""
    sizes = WindowSizes(size, count, kernel, stride, padding)
    shares: Array = 1 / window_areas(size, count, kernel, stride, padding, include_pad, dtype)
    return sizes, shares.ravel(), sizes.are_squares


def planes(x: Array) -> int:
    """How many images there are in x (N, C, H, W)."""
    return int(x.shape[0] * x.shape[1])


def flat(x: Array) -> Array:
    """x (N, C, H, W) as (N C, H W)."""
    return as_contiguous(x).reshape(planes(x), math.prod(x.shape[2:]))


def _slices(x: Array) -> Array:
    """The slices of volumes (N, C, D, H, W) as images (N, C D, H, W)."""
    return x.reshape(x.shape[0], x.shape[1] * x.shape[2], *x.shape[3:])


@compiled
def scatter_planes(out: Array, g: Array, positions: Array, start: int, stop: int) -> None:
    """`max_pool_input` of the planes from start to stop."""
    for plane in range(start, stop):
        pixels = out[plane]
        pixels[:] = 0
        for i in range(plane * g.shape[1], (plane + 1) * g.shape[1]):
            place = load_scalar(positions, i)
            if place >= 0:
                store_scalar(pixels, place, load_scalar(pixels, place) + load_scalar(g, i))


@compiled
def take_planes(out: Array, x: Array, positions: Array, start: int, stop: int) -> None:
    """`max_pool_take` of the planes from start to stop."""
    for plane in range(start, stop):
        values, pixels, places = out[plane], x[plane], positions[plane]
        for i in range(len(values)):
            values[i] = pixels[places[i]] if places[i] >= 0 else 0

"""Max and average pooling of images and of volumes, and their transposes.

The windows are those of `window_geometry.py`. `out_size` overrides their number (ceil_mode is resolved above): then
windows may hang over the bottom and right edge. What lies outside the image is never the largest, and adds 0
to a mean; `window_areas` says where it counts in the mean's divisor.

Shapes are those of images. In volumes there is a depth in front of rows and columns, and a position is its index in
row-major order as well: (d H + h) W + w.
"""

import math
from functools import lru_cache, reduce

import numpy as np

from minigrad.typing import Array, DType, Shape

from .array_utils import accumulation_dtype
from .jit import with_compiled_variant
from .window_geometry import crop_image, output_size, pad_image, padded_size, taps


@with_compiled_variant
def max_pool(
    x: Array, *, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, out_size: Shape | None = None
) -> tuple[Array, Array]:
    """The largest pixel of each window and where it is: x (N, C, H, W) -> out, positions (N, C, I, J).

    A position is the index h W + w of the window's first maximum in row-major order, the first NaN if
    there is one, and -1 for a window that lies outside the image.
    """
    size = x.shape[2:]
    count = out_size or output_size(size, kernel, stride, padding, dilation)
    padded = pad_image(x, padding, padded_size(count, kernel, stride, dilation), fill=-np.inf)
    pixels = np.arange(math.prod(size), dtype=np.int32).reshape(1, 1, *size)
    pixels = pad_image(pixels, padding, padded.shape[2:], fill=-1)

    out = np.full(x.shape[:2] + count, -np.inf, x.dtype)
    positions = np.full(out.shape, -1, np.int32)
    windows = (count, kernel, stride, dilation)
    for (_, values), (_, indices) in zip(taps(padded, *windows), taps(pixels, *windows), strict=True):
        better = ~(values <= out) & (out == out)  # NaN is better than any number, and nothing better than it
        better |= (positions < 0) & (indices >= 0)
        np.copyto(out, values, where=better)
        np.copyto(positions, indices, where=better)
    return out, positions


@with_compiled_variant
def max_pool_input(g: Array, positions: Array, *, shape: Shape) -> Array:
    """Add each g (N, C, I, J) to the pixel at its position, in zeros of `shape` (N, C, H, W)."""
    n, c, *sides = shape
    pixels = math.prod(sides)
    out = np.zeros((n * c, pixels + 1), g.dtype)  # position -1 is the pixel behind the last, which is cut off
    images = np.arange(n * c).reshape(n, c, *[1] * len(sides)) * (pixels + 1)
    places = images + np.where(positions < 0, pixels, positions)
    np.add.at(out.reshape(-1), places.reshape(-1), g.reshape(-1))
    return np.ascontiguousarray(out[:, :pixels]).reshape(shape)


@with_compiled_variant
def max_pool_take(x: Array, positions: Array) -> Array:
    """x (N, C, H, W) at positions (N, C, I, J); 0 where there is none. The transpose of `max_pool_input`."""
    n, c, *sides = x.shape
    places = positions.reshape(n, c, math.prod(positions.shape[2:]))
    out = np.take_along_axis(x.reshape(n, c, math.prod(sides)), places, axis=2).reshape(positions.shape)
    return np.where(positions < 0, np.zeros((), x.dtype), out)


def adaptive_positions(x: Array, *, size: Shape) -> Array:
    """Where the largest pixel of each cell of an I x J grid over the image is: x (N, C, H, W) -> (N, C, I, J)."""
    places = cell_places(x.shape[2:], size)
    pixels = x.reshape(*x.shape[:2], math.prod(x.shape[2:]))[:, :, places]
    first = np.argmax(pixels, axis=-1)
    winners = np.take_along_axis(places[None, None], first[..., None], axis=-1)[..., 0]
    positions: Array = winners.astype(np.int32)
    return positions


def cell_places(sides: Shape, size: Shape) -> Array:
    """The positions of the pixels of each cell, in row-major order: (I, J, longest); a pixel may be there twice."""
    dims, places = len(sides), np.zeros((1,) * 2 * len(sides), np.intp)
    for axis, (n, cells) in enumerate(zip(sides, size, strict=True)):
        along = cell_pixels(*adaptive_bounds(n, cells))
        shape = [1] * 2 * dims
        shape[axis], shape[dims + axis] = along.shape
        places = places * n + along.reshape(shape)
    return places.reshape(*size, math.prod(places.shape[dims:]))


def adaptive_bounds(size: int, cells: int) -> tuple[Array, Array]:
    """Where each of `cells` cells, about equally long and together all of an axis, begins and ends.

    Where the size is no multiple of their number, neighbors share a pixel.
    """
    cell = np.arange(cells)
    return cell * size // cells, -(-(cell + 1) * size // cells)


def cell_pixels(start: Array, stop: Array) -> Array:
    """The places of each cell in a row; in shorter cells the last one again: (cells, longest)."""
    longest = int(np.max(stop - start, initial=0))
    places: Array = np.minimum(start[:, None] + np.arange(longest), stop[:, None] - 1)
    return places


@with_compiled_variant
def avg_pool(
    x: Array, *, kernel: Shape, stride: Shape, padding: Shape, count_include_pad: bool, out_size: Shape | None = None
) -> Array:
    """The mean of each window: x (N, C, H, W) -> (N, C, I, J)."""
    size = x.shape[2:]
    count = out_size or output_size(size, kernel, stride, padding)
    divisor = window_areas(size, count, kernel, stride, padding, count_include_pad, accumulation_dtype(x.dtype))
    padded = pad_image(x, padding, padded_size(count, kernel, stride))
    out = np.zeros(x.shape[:2] + count, accumulation_dtype(x.dtype))
    for _, view in taps(padded, count, kernel, stride):
        out += view
    out /= divisor
    return out.astype(x.dtype, copy=False)


@with_compiled_variant
def avg_pool_input(
    g: Array, *, shape: Shape, kernel: Shape, stride: Shape, padding: Shape, count_include_pad: bool
) -> Array:
    """The transpose of `avg_pool`: each g (N, C, I, J) spread evenly over its window in `shape` (N, C, H, W)."""
    count, size = g.shape[2:], shape[2:]
    divisor = window_areas(size, count, kernel, stride, padding, count_include_pad, accumulation_dtype(g.dtype))
    shares = g / divisor
    padded = np.zeros(shape[:2] + padded_size(count, kernel, stride), shares.dtype)
    for _, view in taps(padded, count, kernel, stride):
        view += shares
    out = np.zeros(shape, g.dtype)
    crop_image(padded, padding, out)
    return out


@lru_cache(256)  # a network asks for the same few, in every step
def window_areas(
    size: Shape, count: Shape, kernel: Shape, stride: Shape, padding: Shape, include_pad: bool, dtype: DType
) -> Array:
    """The divisor of each window's mean (I, J).

    What hangs over the padded image never counts; the padding itself counts if `include_pad`.
    """
    sides = []
    for n, windows, k, s, pad in zip(size, count, kernel, stride, padding, strict=True):
        start = np.arange(windows) * s - pad
        stop = np.minimum(start + k, n + pad)
        sides.append(stop - start if include_pad else np.minimum(stop, n) - np.maximum(start, 0))
    areas: Array = reduce(np.multiply.outer, sides).astype(dtype)
    return areas

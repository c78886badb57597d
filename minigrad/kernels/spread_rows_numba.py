"""The gradient of images with few channels, for stride 1: rows of the cotangent one behind the other fill vectors.

    s[c, q, i, j]  =  sum_op  g[o, i - p, j] * w[o, c, p, q]         i and j in one stretch of lanes, w in all lanes
    x[c, i, j]     =  sum_q   s[c, q, i, j - q]

Most of the work is in the first line, in which columns of nothing but padding have no part.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from minigrad.typing import Array, Pair, Shape

from . import buffers
from .array_utils import as_contiguous
from .jit import compiled
from .partial_vectors_numba import load_part, store_part
from .register_tiles_numba import (
    HAS_AVX512,
    add_outer_product,
    load_contiguous,
    splat_tile,
    store_column,
    zero_tile,
)
from .simd import BYTES, add, load, store, zeros
from .threads import parallel

PAIRS = 10 if HAS_AVX512 else 5  # of a channel and a column of kernels, whose sums are in registers
ADDED = 8  # what it costs to add a vector to a row of the result, in multiply-adds


def conv_input(g: Array, w: Array, *, shape: Shape, padding: Pair, dilation: Pair) -> Array:
    """See `convolution.conv_input`, for a stride of 1 and one group."""
    outs, ins, rows, columns = w.shape
    pairs = ins * columns
    tiles = np.zeros((outs, rows, -(-pairs // PAIRS) * PAIRS), w.dtype)
    tiles[:, :, :pairs] = w.swapaxes(1, 2).reshape(outs, rows, pairs)
    tiles = np.ascontiguousarray(tiles.reshape(outs, rows, -1, PAIRS).transpose(2, 0, 1, 3)).reshape(-1)
    out = buffers.empty(shape, g.dtype)
    parallel(spread_images, len(g), as_contiguous(g), tiles, out, (rows, columns), padding, dilation)
    return out


@lru_cache(256)
def cost(g: Shape, w: Shape, shape: Shape, padding: Pair, dilation: Pair, itemsize: int) -> float:
    """The multiply-adds of vectors for one image; infinite where there is more padding than a vector is long."""
    lanes, pairs = BYTES // itemsize, w[1] * w[3]
    if padding[1] > lanes:
        return np.inf
    rows = 0
    for first in range(0, (g[2] + dilation[0] * (w[2] - 1)) * g[3], lanes):
        low, high = rows_read(first, first + lanes, g[2], g[3], w[2], dilation[0])
        rows += high - low
    return rows * -(-pairs // PAIRS) * PAIRS * g[1] + ADDED * pairs * shape[2] * -(-g[3] // lanes)


@compiled
def rows_read(first: int, last: int, height: int, width: int, taps: int, dilation: int) -> Pair:
    """From which row of kernels to which the numbers from first to last are sums of."""
    low = max(0, -((height - 1 - first // width) // dilation))
    return low, max(low, min(taps, (last - 1) // width // dilation + 1))


@compiled
def spread_images(
    g: Array, w: Array, out: Array, kernel: Pair, padding: Pair, dilation: Pair, start: int, stop: int
) -> None:
    """`conv_input` of the images from start to stop."""
    lanes = BYTES // g.itemsize
    outs, height, width = g.shape[1:]
    ins, pairs = out.shape[1], out.shape[1] * kernel[1]
    rows, area = height + dilation[0] * (kernel[0] - 1), height * width
    margin, step = dilation[0] * (kernel[0] - 1) * width, dilation[0] * width
    plane, stretch = 2 * margin + area, -(-rows * width // lanes) * lanes
    source = np.zeros(outs * plane + lanes, g.dtype)
    sums = np.zeros(-(-pairs // PAIRS) * PAIRS * stretch, g.dtype)
    pitch = out.shape[3] + 4 * lanes
    placed = np.zeros(out.shape[2] * kernel[1] * pitch, g.dtype)
    flat, cotangent = out.reshape(-1), g.reshape(-1)
    for n in range(start, stop):
        for o in range(outs):
            line, values = source[o * plane + margin :], cotangent[(n * outs + o) * area :]
            for k in range(area):
                line[k] = values[k]
        for pair in range(0, pairs, PAIRS):
            for first in range(0, rows * width, lanes):
                low, high = rows_read(first, first + lanes, height, width, kernel[0], dilation[0])
                s = zero_tile(g, PAIRS, 1)
                for o in range(outs):
                    at, weight = o * plane + margin + first - low * step, pair * outs * kernel[0]
                    weight += (o * kernel[0] + low) * PAIRS
                    for _ in range(low, high):
                        s = add_outer_product(s, splat_tile(w, weight, PAIRS), load_contiguous(source, at, 1))
                        weight += PAIRS
                        at -= step
                store_column(sums, pair * stretch + first, stretch, s)
        for c in range(ins):
            # Each row goes where its column of the kernels puts it, between zeros; then those of all columns are added.
            for q in range(kernel[1]):
                place = lanes + q * dilation[1] - padding[1]
                for h in range(out.shape[2]):
                    row = (c * kernel[1] + q) * stretch + (h + padding[0]) * width
                    for j in range(0, width, lanes):
                        store(placed, (h * kernel[1] + q) * pitch + place + j, load_part(sums, row + j, width - j))
            for h in range(out.shape[2]):
                at = ((n * ins + c) * out.shape[2] + h) * out.shape[3]
                for j in range(0, out.shape[3], lanes):
                    total = zeros(g)
                    for q in range(kernel[1]):
                        total = add(total, load(placed, (h * kernel[1] + q) * pitch + lanes + j))
                    store_part(flat, at + j, total, out.shape[3] - j)

"""Convolution of few channels with stride 1: the pixels of a row in the lanes of vectors, a few rows at a time.

    conv           y[o, i, j..]  =  b[o] + sum_cpq  x[c, i + p, j + q..] * w[o, c, p, q]        w in all lanes
    conv_input     the same of a padded cotangent, with kernels that are flipped; or by `spread_rows_numba`

Sums stay in registers until they are complete, and are written once. The last vector of a row overlaps the one before
it, if there is one.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod

import numpy as np

from minigrad.typing import Array, Pair, Shape

from . import buffers, spread_rows_numba
from .array_utils import as_contiguous
from .finish import Finish, in_groups_of_images
from .jit import VariantResult, compiled
from .register_tiles_numba import (
    HAS_AVX512,
    add_outer_product,
    load_column,
    splat_tile,
    store_grid,
    zero_tile,
)
from .simd import BYTES
from .threads import parallel

OUTS, ROWS = (6, 2) if HAS_AVX512 else (6, 1)  # channels of the result, and rows of each, whose sums are in registers


def conv(
    x: Array, w: Array, b: Array | None, *, stride: Pair, padding: Pair, dilation: Pair, groups: int, count: Pair,
    limit: float = np.inf, finish: Finish | None = None,
) -> VariantResult:  # fmt: skip
    """See `convolution.conv`; `count` is the size of the result, and `limit` what it may cost."""
    shape = (len(x), len(w), *count)
    if (stride, groups) != ((1, 1), 1) or cost(x.shape, w.shape, shape, padding, dilation, x.itemsize) > limit:
        return NotImplemented
    out = buffers.empty(shape, x.dtype)
    bias = np.zeros(-(-len(w) // OUTS) * OUTS, x.dtype)
    if b is not None:
        bias[: len(w)] = b
    arguments = (as_contiguous(x), in_tiles(w), bias, out, w.shape[2:], padding, dilation, False)
    if finish is None:
        parallel(convolve_rows, len(x), *arguments)
        return out

    def compute(first: int, last: int) -> None:
        convolve_rows(*arguments, first, last)

    def in_parts(start: int, stop: int) -> None:
        in_groups_of_images(compute, finish, out, start, stop)

    parallel(in_parts, len(x))
    return out


def conv_input(
    g: Array, w: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int,
    limit: float = np.inf,
) -> VariantResult:  # fmt: skip
    """See `convolution.conv_input`; `limit` is what it may cost."""
    if (stride, groups) != ((1, 1), 1):
        return NotImplemented
    around = dilation[0] * (w.shape[2] - 1) - padding[0], dilation[1] * (w.shape[3] - 1) - padding[1]
    own = cost(g.shape, w.shape, shape, around, dilation, g.itemsize, sparse=True)
    spread = spread_rows_numba.cost(g.shape, w.shape, shape, padding, dilation, g.itemsize)
    if spread <= min(own, limit):
        return spread_rows_numba.conv_input(g, w, shape=shape, padding=padding, dilation=dilation)
    if own > limit:
        return NotImplemented
    out = buffers.empty(shape, g.dtype)
    bias = np.zeros(-(-shape[1] // OUTS) * OUTS, g.dtype)
    flipped = w[:, :, ::-1, ::-1].swapaxes(0, 1)
    parallel(convolve_rows, len(g), as_contiguous(g), in_tiles(flipped), bias, out, w.shape[2:], around, dilation, True)
    return out


def in_tiles(w: Array) -> Array:
    """Kernels (O, ...) flat, for each few outputs (c, p, q, o); those of outputs that do not exist are 0."""
    tiles = w.reshape(len(w), -1)
    if len(w) % OUTS:
        tiles = np.zeros((-(-len(w) // OUTS) * OUTS, prod(w.shape[1:])), w.dtype)
        tiles[: len(w)] = w.reshape(len(w), -1)
    return np.ascontiguousarray(tiles.reshape(-1, OUTS, tiles.shape[1]).swapaxes(1, 2)).reshape(-1)


@lru_cache(256)
def cost(
    x: Shape, w: Shape, out: Shape, padding: Pair, dilation: Pair, itemsize: int, *, sparse: bool = False
) -> float:
    """The multiply-adds of vectors for one image; infinite where this is no way. See `convolve_rows`."""
    if out[2] < ROWS or min(padding) < 0:
        return np.inf
    rows = 0
    for start in range(0, out[2], ROWS):
        i = min(start, out[2] - ROWS)
        taps = [i + dilation[0] * p - padding[0] for p in range(w[2])]
        rows += sum(-ROWS < row < x[2] for row in taps) if sparse else w[2]
    vectors = -(-out[3] // (BYTES // itemsize))
    return rows * ROWS * vectors * -(-out[1] // OUTS) * OUTS * x[1] * w[3]


@compiled
def convolve_rows(
    x: Array, w: Array, bias: Array, out: Array, kernel: Pair, padding: Pair, dilation: Pair, sparse: bool,
    start: int, stop: int,
) -> None:  # fmt: skip
    """Convolve the images from start to stop; `sparse`: rows of nothing but padding are left out."""
    lanes = BYTES // x.itemsize
    ins, (outs, height, width) = x.shape[1], out.shape[1:]
    pitch = x.shape[3] + 2 * padding[1]
    plane = (x.shape[2] + 2 * padding[0]) * pitch
    source = np.zeros(ins * plane + lanes, x.dtype)  # behind: what the vectors of short rows read
    target = np.zeros(OUTS * ROWS * lanes, x.dtype)
    ones = np.ones(lanes, x.dtype)
    flat = out.reshape(-1)
    for n in range(start, stop):
        for c in range(ins):
            for h in range(x.shape[2]):
                at = c * plane + (h + padding[0]) * pitch + padding[1]
                line, pixels = source[at : at + x.shape[3]], x[n, c, h]
                for k in range(len(line)):
                    line[k] = pixels[k]
        for o in range(0, outs, OUTS):
            for row in range(0, height, ROWS):
                i, low, high = min(row, height - ROWS), 0, kernel[0]
                if sparse:
                    low = max(0, -((i + ROWS - 1 - padding[0]) // dilation[0]))
                    high = min(high, (x.shape[2] - 1 + padding[0] - i) // dilation[0] + 1)
                for column in range(0, width, lanes):
                    j = max(0, min(column, width - lanes))
                    s = zero_tile(x, OUTS, ROWS)
                    s = add_outer_product(s, splat_tile(bias, o, OUTS), load_column(ones, 0, 0, ROWS))
                    for c in range(ins):
                        weight = ((o // OUTS * ins + c) * kernel[0] + low) * kernel[1] * OUTS
                        for p in range(low, high):
                            at = c * plane + (i + p * dilation[0]) * pitch + j
                            for _ in range(kernel[1]):
                                pixels_of_rows = load_column(source, at, pitch, ROWS)
                                s = add_outer_product(s, splat_tile(w, weight, OUTS), pixels_of_rows)
                                weight += OUTS
                                at += dilation[1]
                    first = ((n * outs + o) * height + i) * width + j
                    if width >= lanes and o + OUTS <= outs:
                        store_grid(flat, first, height * width, width, s, OUTS)
                        continue
                    store_grid(target, 0, ROWS * lanes, lanes, s, OUTS)
                    for a in range(min(OUTS, outs - o)):
                        for b in range(ROWS):
                            at, begin = first + (a * height + b) * width, (a * ROWS + b) * lanes
                            for k in range(min(lanes, width)):
                                flat[at + k] = target[begin + k]

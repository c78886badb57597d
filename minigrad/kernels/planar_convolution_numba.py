"""Convolution of few channels, as a network's first one is: outputs in the lanes of vectors, pixels one by one.

Strips of images are laid out as in `lane_convolution_numba`, but in planes, one for each channel: few channels do not
fill a vector. What one tap (c, p, q) reads in windows one after the other are numbers one after the other. Outputs are
a multiple of 16, and there are `places` of taps k in all channels:

    conv           y[o, l]   +=  sum_k  x[places[k] + l] * w[k, o]          x in all lanes, o a vector
    conv_weight    w[k, o]   +=  sum_l  x[places[k] + l] * g[o, l]

The gradient of the images is left to others: a first convolution needs none.
"""

from __future__ import annotations

from math import prod

import numpy as np

from minigrad.typing import Array, Pair, Shape

from . import buffers
from .array_utils import as_contiguous
from .finish import Finish
from .jit import VariantResult, compiled
from .lane_convolution_numba import SUMS, StripPlan, in_strips
from .lane_taps_numba import TILE, Strips
from .register_tiles_numba import (
    HAS_AVX512,
    add_outer_product,
    load_column,
    load_contiguous,
    splat_at_offsets,
    splat_tile,
    store_column,
)
from .simd import BYTES, load_scalar, store_scalar
from .threads import parallel
from .winograd_blocks_numba import pack, unpack

WINDOWS = 10 if HAS_AVX512 else 6  # of a product in registers; 10 rather than 12, for rows of 10, 20 and 28
MAX_TAPS = 512  # in all channels: the kernels of a vector of outputs stay in the first cache


def conv(
    x: Array, w: Array, b: Array | None, *, stride: Pair, padding: Pair, dilation: Pair, groups: int,
    finish: Finish | None = None,
) -> VariantResult:  # fmt: skip
    """See `convolution.conv`."""
    if not suits(x, w, w.shape, groups):
        return NotImplemented
    plan = StripPlan.forward(x.shape, w.shape, stride, padding, dilation, x.dtype, planar=True)
    if not plan.pays:
        return NotImplemented
    out = buffers.empty((len(x), len(w), *plan.count), x.dtype)
    bias = np.zeros(len(w), x.dtype) if b is None else b.astype(x.dtype)
    lanes = BYTES // x.itemsize
    kernels = np.ascontiguousarray(w.reshape(len(w) // lanes, lanes, -1).swapaxes(1, 2)).reshape(-1)
    arguments = (as_contiguous(x), kernels, bias, out, plan.reads, plan.writes, places(plan, x.shape[1]),
                 tile_starts(plan), plan.strips)  # fmt: skip
    in_strips(sweep_planes, len(x), arguments, out, plan.strips, finish)
    return out


def conv_weight(
    x: Array, g: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> VariantResult:
    """See `convolution.conv_weight`."""
    if not suits(x, g, shape, groups):
        return NotImplemented
    plan = StripPlan.forward(x.shape, shape, stride, padding, dilation, x.dtype, planar=True)
    if not plan.pays:
        return NotImplemented
    lanes, units = BYTES // x.itemsize, len(x) * plan.strips.per_image
    taps = places(plan, x.shape[1])
    filled = np.append(taps, np.zeros(-len(taps) % TILE, taps.dtype))
    each = max(1, -(-units // SUMS))
    # One sum for each few strips, then the sum of those: the same order for any number of threads.
    sums = buffers.scratch((-(-units // each), shape[0] * len(filled)), x.dtype)
    parallel(correlate_planes, len(sums), sums, as_contiguous(x), as_contiguous(g), plan.reads, plan.writes, filled,
             plan.strips, each)  # fmt: skip
    total = sums.sum(axis=0).reshape(-1, len(filled), lanes)[:, : len(taps)]
    return np.ascontiguousarray(total.swapaxes(1, 2)).reshape(shape)


def suits(x: Array, y: Array, w: Shape, groups: int) -> bool:
    """Whether this may be the way, for arguments x and y and weights of shape w."""
    lanes = BYTES // x.itemsize
    return (
        groups == 1
        and w[0] % lanes == 0
        and w[1] % lanes != 0
        and x.dtype == y.dtype
        and x.dtype in (np.float32, np.float64)
        and prod(w[1:]) <= MAX_TAPS
        and w[2] * w[3] > 1  # else columns are the image itself
    )


def places(plan: StripPlan, channels: int) -> Array:
    """How far from a window the pixel of each tap is, of all channels."""
    return (np.arange(channels)[:, None] * plan.strips.plane + plan.taps).ravel()


def tile_starts(plan: StripPlan) -> Array:
    """The first window of each tile: all in one stretch, or row by row where that takes fewer of them.

    At the end of a row a tile may reach into the next one, whose own tiles come later.
    """
    strips, width = plan.strips, plan.count[1]
    rows, columns = np.arange(strips.rows), np.arange(0, width, WINDOWS)
    by_rows = (rows[:, None] * strips.width + columns).ravel()
    stretch = np.arange(0, (strips.rows - 1) * strips.width + width, WINDOWS)
    return by_rows if len(by_rows) < len(stretch) else stretch


@compiled
def sweep_planes(
    x: Array, u: Array, bias: Array, out: Array, reads: Array, writes: Array, taps: Array, starts: Array,
    strips: Strips, start: int, stop: int,
) -> None:  # fmt: skip
    """Convolve, for the pairs of an image and a strip from start to stop."""
    lanes = BYTES // x.itemsize
    outs, plane = out.shape[1] // lanes, out.shape[2] * out.shape[3]
    source = np.zeros(x.shape[1] * strips.plane + WINDOWS, x.dtype)
    target = np.zeros((strips.room + WINDOWS) * lanes, x.dtype)
    for unit in range(start, stop):
        n, first = unit // strips.per_image, unit % strips.per_image * strips.rows
        read_planes(x, n, first, reads, source, strips)
        end = min(out.shape[2], first + strips.rows)
        for o in range(outs):
            for window in starts:
                s = load_column(bias, o * lanes, 0, WINDOWS)
                weight = o * len(taps) * lanes
                for k in range(len(taps)):
                    pixels = splat_tile(source, taps[k] + window, WINDOWS)
                    s = add_outer_product(s, pixels, load_contiguous(u, weight, 1))
                    weight += lanes
                store_column(target, window * lanes, lanes, s)
            unpack(out, (n * outs + o) * lanes * plane, plane, lanes, target, writes, first * out.shape[3],
                   end * out.shape[3], -first * strips.width * lanes)  # fmt: skip


@compiled
def correlate_planes(
    sums: Array, x: Array, g: Array, reads: Array, writes: Array, taps: Array, strips: Strips, each: int,
    start: int, stop: int,
) -> None:  # fmt: skip
    """`conv_weight`, for the sums from start to stop, of so many strips each."""
    lanes = BYTES // x.itemsize
    outs, plane = g.shape[1] // lanes, g.shape[2] * g.shape[3]
    source = np.zeros(x.shape[1] * strips.plane, x.dtype)
    slopes = np.zeros(strips.room * lanes, x.dtype)
    for which in range(start, stop):
        sums[which] = 0
        for unit in range(which * each, min((which + 1) * each, len(x) * strips.per_image)):
            n, first = unit // strips.per_image, unit % strips.per_image * strips.rows
            read_planes(x, n, first, reads, source, strips)
            rows = min(strips.rows, strips.height - first)
            for o in range(outs):
                pack(g, (n * outs + o) * lanes * plane, plane, lanes, slopes, writes, first * g.shape[3],
                     (first + rows) * g.shape[3], -first * strips.width * lanes)  # fmt: skip
                correlate(source, slopes, sums[which], taps, o * len(taps) * lanes, (rows, g.shape[3]), strips.width)


@compiled
def correlate(source: Array, slopes: Array, sums: Array, taps: Array, base: int, windows: Pair, width: int) -> None:
    """sums[base + k] += sum_l source[taps[k] + l] * slopes[l], for so many rows and columns of windows l.

    Those at the end of a row that do not exist are left out: 0 times what they read may be NaN.
    """
    lanes = BYTES // source.itemsize
    for k in range(0, len(taps), TILE):
        s = load_column(sums, base + k * lanes, lanes, TILE)
        for i in range(windows[0]):
            slope = i * width * lanes
            for pixel in range(i * width, i * width + windows[1]):
                pixels = splat_at_offsets(source, taps, k, pixel, TILE)
                s = add_outer_product(s, pixels, load_contiguous(slopes, slope, 1))
                slope += lanes
        store_column(sums, base + k * lanes, lanes, s)


@compiled
def read_planes(x: Array, n: int, first: int, reads: Array, source: Array, strips: Strips) -> None:
    """Write the pixels of image n that the strip reads which begins with row `first`."""
    plane = x.shape[2] * x.shape[3]
    if strips.per_image > 1:  # else the same places are written in each image, and the others stay 0
        source[:] = 0
    begin = max(0, strips.read_step * first - strips.read_before)
    end = min(x.shape[2], strips.read_step * (first + strips.rows) + strips.read_after)
    for c in range(x.shape[1]):
        at, base = (n * x.shape[1] + c) * plane, c * strips.plane - first * strips.width
        for f in range(begin * x.shape[3], end * x.shape[3]):
            store_scalar(source, base + reads[f], load_scalar(x, at + f))

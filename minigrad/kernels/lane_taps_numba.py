"""The compiled loops of `lane_convolution_numba`: a strip of pixels is packed, multiplied tap by tap, and unpacked."""

from typing import NamedTuple

import numpy as np

from minigrad.typing import Array, Pair

from .jit import compiled
from .register_tiles_numba import (
    HAS_AVX512,
    add_outer_product,
    load_column,
    load_contiguous,
    splat_column,
    store_column,
)
from .simd import BYTES
from .winograd_blocks_numba import pack, unpack

TILE = 12 if HAS_AVX512 else 6  # windows of a product in registers
CHANNELS = 8 if HAS_AVX512 else 4  # likewise, of `correlate`; a divisor of the lanes


class Strips(NamedTuple):
    """How images are cut into strips: rows of the result, of which `step` a pixel row, or of its parts.

    A strip that begins with row i reads the source's rows from read_step i - read_before up to
    read_step (i + rows) + read_after, and gives the result's from write_step i - write_before on.
    """

    per_image: int
    rows: int
    width: int  # vectors from a row to the next
    plane: int  # from the pixels of some channels to those of the next
    room: int  # of a part of the result
    read_step: int
    read_before: int
    read_after: int
    write_step: int
    write_before: int
    height: int  # the result's rows


@compiled
def sweep_strips(
    x: Array, u: Array, bias: Array, out: Array, reads: Array, writes: Array, taps: Array, starts: Array,
    strips: Strips, start: int, stop: int,
) -> None:  # fmt: skip
    """Convolve, for the pairs of an image and a strip from start to stop."""
    lanes = BYTES // x.itemsize
    parts = len(starts) - 1
    ins, outs = x.shape[1] // lanes, out.shape[1] // lanes
    plane = out.shape[2] * out.shape[3]
    source = np.zeros(ins * strips.plane * lanes, x.dtype)
    target = np.zeros(parts * strips.room * lanes, x.dtype)
    for unit in range(start, stop):
        n, first = unit // strips.per_image, unit % strips.per_image * strips.rows
        read_strip(x, n, first, reads, source, strips)
        begin = max(0, strips.write_step * first - strips.write_before)
        end = min(out.shape[2], strips.write_step * (first + strips.rows) - strips.write_before)
        for o in range(outs):
            for part in range(parts):
                multiply(source, u, bias, target, taps, starts[part], starts[part + 1], o, part, ins, outs, strips)
            unpack(out, (n * outs + o) * lanes * plane, plane, lanes, target, writes, begin * out.shape[3],
                   end * out.shape[3], -first * strips.width * lanes)  # fmt: skip


@compiled
def multiply(
    source: Array, u: Array, bias: Array, target: Array, taps: Array, begin: int, end: int, o: int, part: int, ins: int,
    outs: int, strips: Strips,
) -> None:  # fmt: skip
    """The taps from begin to end, which make one part of the result, for the outputs of one vector."""
    lanes = BYTES // source.itemsize
    for window in range(0, strips.room, TILE):
        s = load_column(bias, o * lanes, 0, TILE)
        weight = (begin * outs + o * (end - begin)) * ins * lanes * lanes
        for k in range(begin, end):
            for c in range(ins):
                at = taps[k] + (c * strips.plane + window) * lanes
                for i in range(lanes):
                    s = add_outer_product(s, splat_column(source, at + i, lanes, TILE), load_contiguous(u, weight, 1))
                    weight += lanes
        store_column(target, (part * strips.room + window) * lanes, lanes, s)


@compiled
def correlate_strips(
    sums: Array, x: Array, g: Array, reads: Array, writes: Array, taps: Array, strips: Strips, each: int,
    start: int, stop: int,
) -> None:  # fmt: skip
    """`conv_weight`, for the sums from start to stop, of so many strips each."""
    lanes = BYTES // x.itemsize
    ins, outs = x.shape[1] // lanes, g.shape[1] // lanes
    plane = g.shape[2] * g.shape[3]
    source = np.zeros(ins * strips.plane * lanes, x.dtype)
    slopes = np.zeros(outs * strips.room * lanes, x.dtype)
    for s in range(start, stop):
        sums[s] = 0
        for unit in range(s * each, min((s + 1) * each, len(x) * strips.per_image)):
            n, first = unit // strips.per_image, unit % strips.per_image * strips.rows
            read_strip(x, n, first, reads, source, strips)
            rows = min(strips.rows, strips.height - first)
            for o in range(outs):
                pack(g, (n * outs + o) * lanes * plane, plane, lanes, slopes, writes, first * g.shape[3],
                     (first + rows) * g.shape[3], (o * strips.room - first * strips.width) * lanes)  # fmt: skip
            correlate(source, slopes, sums[s], taps, ins, outs, (rows, g.shape[3]), strips)


@compiled
def correlate(
    source: Array, slopes: Array, sums: Array, taps: Array, ins: int, outs: int, windows: Pair, strips: Strips
) -> None:
    """sums[k, o, c] += sum_l source[c, taps[k] + l] * slopes[o, l], for so many rows and columns of windows l.

    Those at the end of a row that do not exist are left out: 0 times what they read may be NaN.
    """
    lanes = BYTES // source.itemsize
    for k in range(len(taps)):
        for c in range(0, ins * lanes, CHANNELS):
            first = taps[k] + c // lanes * strips.plane * lanes + c % lanes
            for o in range(outs):
                at = ((k * outs + o) * ins * lanes + c) * lanes
                s = load_column(sums, at, lanes, CHANNELS)
                for i in range(windows[0]):
                    pixel, slope = first + i * strips.width * lanes, (o * strips.room + i * strips.width) * lanes
                    for _ in range(windows[1]):
                        pixels = splat_column(source, pixel, 1, CHANNELS)
                        s = add_outer_product(s, pixels, load_contiguous(slopes, slope, 1))
                        pixel += lanes
                        slope += lanes
                store_column(sums, at, lanes, s)


@compiled
def read_strip(x: Array, n: int, first: int, reads: Array, source: Array, strips: Strips) -> None:
    """Pack what the strip that begins with row `first` reads of image n."""
    lanes = BYTES // x.itemsize
    plane = x.shape[2] * x.shape[3]
    if strips.per_image > 1:  # else the same places are written in each image, and the others stay 0
        source[:] = 0
    begin = max(0, strips.read_step * first - strips.read_before)
    end = min(x.shape[2], strips.read_step * (first + strips.rows) + strips.read_after)
    for c in range(x.shape[1] // lanes):
        pack(x, (n * x.shape[1] + c * lanes) * plane, plane, lanes, source, reads, begin * x.shape[3], end * x.shape[3],
             (c * strips.plane - first * strips.width) * lanes)  # fmt: skip

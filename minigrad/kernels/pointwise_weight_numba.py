"""The gradient of the weights of a convolution by kernels of one pixel.

    w[o, c]  =  sum_l  g[o, l] * x[c, l]        over the pixels l of all images

Both factors lie along the sum. Of the narrow one, which has fewer channels, those of a pixel are laid side by side, in
the lanes of vectors; numbers of the wide one are spread over all lanes:

    sums[a, b]  +=  wide[a, l] * narrow[b, l]        a few a, and a vector or two of b, in registers

A unit of work is some strips of pixels and a part of the wide factor's channels. The sums of a strip are made first and
then added to those of the unit: long sums of short ones are more exact than those of single products.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numba import literally  # type: ignore[attr-defined, unused-ignore]

from minigrad.typing import Array, Pair, Shape

from . import buffers
from .array_utils import as_contiguous
from .jit import VariantResult, compiled, inlined
from .partial_vectors_numba import load_part, store_part
from .pointwise_convolution_numba import suits
from .register_tiles_numba import (
    HAS_AVX512,
    add_outer_product,
    load_contiguous,
    load_grid,
    splat_column,
    splat_tile,
    store_grid,
    zero_tile,
)
from .simd import BYTES, add, load, load_scalar, prefetch, store, store_scalar
from .threads import parallel
from .winograd_blocks_numba import pack

ROWS, VECTORS = (12, 2) if HAS_AVX512 else (6, 1)
"""Channels of the wide factor, and vectors of the narrow one's, whose sums are in registers."""

MAX_PIXELS: Final = 256
"""Of a strip."""

PITCH: Final = MAX_PIXELS + 16
"""From one channel of a strip to the next: an odd number of cache lines, so that channels share no place of a cache."""

STRIP_BYTES: Final = 1 << 18
"""Of a strip of the narrow factor."""

SUM_PIXELS: Final = 1 << 10
"""Of a unit, at least: fewer are summed up in less time than it takes to write their sums to memory."""

UNITS: Final = 16
"""Into which the work is cut, where it is large enough."""

PART_CHANNELS: Final = 96
"""Of a part of the wide factor, at least."""

SUM_GRAIN: Final = 1 << 15
"""Sums for which a thread pays."""

MIN_CHANNELS: Final = 16
"""Of input and output: those of a vector."""

MIN_WEIGHTS: Final = 1 << 11
"""With fewer, numbers take part in too few sums for what it costs to copy them."""


class Strips(NamedTuple):
    """How pixels and channels are cut."""

    images: int  # of a strip
    cuts: int  # or of an image, into as many strips
    total: int  # strips
    each: int  # strips of a unit
    parts: int  # of the wide factor's channels
    channels: int  # of a part
    vectors: int  # of the narrow factor's channels
    size: int  # numbers of a strip of the narrow factor


def conv_weight(
    x: Array, g: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> VariantResult:
    """See `convolution.conv_weight`."""
    few = min(shape[:2]) < MIN_CHANNELS or shape[0] * shape[1] < MIN_WEIGHTS
    if few or not suits(x, g, shape, stride, padding, groups):
        return NotImplemented
    flipped = x.shape[1] > g.shape[1]
    wide, narrow = map(as_contiguous, (x, g) if flipped else (g, x))
    sizes = wide.shape[1], narrow.shape[1]
    strips = strips_of(wide.shape, sizes[1], x.itemsize)
    # One sum for each few strips, then the sum of those: the same order for any number of threads.
    numbers = strips.channels * strips.vectors * BYTES // x.itemsize
    sums = buffers.scratch((-(-strips.total // strips.each), strips.parts, numbers), x.dtype)
    lined = buffers.scratch((strips.total if strips.parts > 1 else 0, strips.size), x.dtype)
    if strips.parts > 1:  # who would all lay the same channels side by side
        parallel(line_up, strips.total, narrow, lined, strips)
    parallel(correlate_units, len(sums) * strips.parts, wide, narrow, lined, sums, strips)
    out, tiles = np.empty(shape, x.dtype), -(-sizes[0] // ROWS)
    parallel(add_up, tiles, sums, out.reshape(-1), sizes, flipped, grain=-(-SUM_GRAIN * tiles // sums.size))
    return out


@lru_cache(256)  # a network asks for the same few, in every step
def strips_of(wide: Shape, narrow: int, itemsize: int) -> Strips:
    """The strips for the wide factor (N, C, H, W), and so many channels of the narrow one."""
    images, channels, plane = wide[0], wide[1], wide[2] * wide[3]
    lanes = BYTES // itemsize
    most = min(MAX_PIXELS, max(lanes, STRIP_BYTES // (narrow * itemsize)))
    together, cuts = max(1, min(images, most // plane)), -(-plane // most)
    total = images * cuts if cuts > 1 else -(-images // together)
    each = max(-(-total // UNITS), -(-SUM_PIXELS * total // (images * plane)))
    parts = max(1, min(-(-UNITS * each // total), channels // PART_CHANNELS))
    step = -(-channels // (parts * ROWS)) * ROWS
    vectors = -(-narrow // lanes)
    size = max(together * plane if cuts == 1 else 0, -(-plane // cuts)) * vectors * lanes
    return Strips(together, cuts, total, each, -(-channels // step), step, vectors, size)


def correlate_units(
    wide: Array, narrow: Array, lined: Array, sums: Array, strips: Strips, start: int, stop: int
) -> None:
    """Make the sums of the units from start to stop."""
    own = strips.size if strips.parts == 1 else 0
    room = buffers.scratch((ROWS * PITCH + own,), wide.dtype)
    correlate_strips(wide, narrow, lined, sums, room[: ROWS * PITCH], room[ROWS * PITCH :], strips, start, stop)


@compiled
def span(strips: Strips, strip: int, images: int, plane: int) -> tuple[int, int, int, int]:
    """The images of a strip, from a first to a last one that is none, and the pixels of each, likewise."""
    first, cut = strip // strips.cuts * strips.images, strip % strips.cuts
    return first, min(first + strips.images, images), plane * cut // strips.cuts, plane * (cut + 1) // strips.cuts


@compiled
def line_up(narrow: Array, lined: Array, strips: Strips, start: int, stop: int) -> None:
    """Lay the channels of each pixel side by side, for the strips from start to stop."""
    for strip in range(start, stop):
        line_up_strip(narrow, lined[strip], strips, strip)


@compiled
def line_up_strip(narrow: Array, lined: Array, strips: Strips, strip: int) -> None:
    """lined[c, l, :] = the numbers of pixel l in the channels of a register tile that begin with c.

    The channels of the next vector are fetched meanwhile.
    """
    lanes, ins, plane = BYTES // narrow.itemsize, narrow.shape[1], narrow.shape[2] * narrow.shape[3]
    first, last, begin, end = span(strips, strip, len(narrow), plane)
    flat, count = narrow.reshape(-1), end - begin
    for c in range(0, ins, lanes):
        of_tile = c // lanes % VECTORS
        width = min(VECTORS, strips.vectors - c // lanes + of_tile) * lanes
        places = np.arange(0, count * width, width)
        to = (c - of_tile * lanes) * (last - first) * count + of_tile * lanes
        for n in range(first, last):
            of = (n * ins + c) * plane + begin
            for row in range(of + lanes * plane, of + 2 * lanes * plane, plane):
                for j in range(0, count, lanes):
                    prefetch(flat, row + j)
            pack(flat, of, plane, ins - c, lined, places, 0, count, to)
            to += count * width


@compiled
def correlate_strips(
    wide: Array, narrow: Array, lined: Array, sums: Array, rows: Array, room: Array, strips: Strips, start: int,
    stop: int,
) -> None:  # fmt: skip
    """`correlate_units`; `rows` is for some channels of a strip of the wide factor, `room` for the narrow one."""
    lanes, vectors = BYTES // wide.itemsize, strips.vectors
    outs, plane = wide.shape[1], wide.shape[2] * wide.shape[3]
    flat, one = wide.reshape(-1), np.ones(1, wide.dtype)
    for unit in range(start, stop):
        which, part = unit // strips.parts, unit % strips.parts
        total = sums[which, part]
        total[:] = 0
        for strip in range(which * strips.each, min((which + 1) * strips.each, strips.total)):
            first, last, begin, end = span(strips, strip, len(wide), plane)
            pixels, at = (last - first) * (end - begin), 0
            if strips.parts == 1:
                line_up_strip(narrow, room, strips, strip)
            source = room if strips.parts == 1 else lined[strip]
            for o in range(part * strips.channels, min((part + 1) * strips.channels, outs), ROWS):
                read_rows(flat, rows, outs, plane, o, (first, last), (begin, end))
                for b in range(0, vectors, VECTORS):
                    if vectors - b >= VECTORS:
                        multiply(rows, source, b * lanes * pixels, pixels, total, at, one, VECTORS)
                        at += ROWS * VECTORS * lanes
                    else:
                        multiply(rows, source, b * lanes * pixels, pixels, total, at, one, 1)
                        at += ROWS * lanes


@compiled
def read_rows(x: Array, rows: Array, outs: int, plane: int, o: int, images: Pair, pixels: Pair) -> None:
    """Write the pixels of ROWS channels, from o on, to rows that are PITCH apart; those of the next ones are fetched.

    Where there are fewer channels, the last one is repeated.
    """
    lanes, count = BYTES // x.itemsize, pixels[1] - pixels[0]
    for a in range(ROWS):
        to = a * PITCH
        for n in range(images[0], images[1]):
            of = (n * outs + min(o + a, outs - 1)) * plane + pixels[0]
            for j in range(0, count, lanes):
                prefetch(x, of + ROWS * plane + j)
                store(rows, to + j, load_part(x, of + j, count - j))
            to += count


@inlined
def multiply(rows: Array, lined: Array, at: int, pixels: int, sums: Array, to: int, one: Array, vectors: int) -> None:
    """Add the products of a register tile, with so many vectors, to its sums."""
    literally(vectors)
    lanes = BYTES // rows.itemsize
    width = vectors * lanes
    s = zero_tile(rows, ROWS, vectors)
    for k in range(pixels):
        s = add_outer_product(s, splat_column(rows, k, PITCH, ROWS), load_contiguous(lined, at, vectors))
        at += width
    s = add_outer_product(load_grid(sums, to, width, lanes, ROWS, vectors), s, splat_tile(one, 0, 1))
    store_grid(sums, to, width, lanes, s, ROWS)


@compiled
def add_up(sums: Array, out: Array, shape: Pair, flipped: bool, start: int, stop: int) -> None:
    """Add up the sums of some tiles of rows, and write them to out (rows, columns), or its transpose if flipped."""
    rows, columns = shape
    lanes = BYTES // out.itemsize
    vectors, flat = (columns + lanes - 1) // lanes, sums.reshape(-1)
    size, target = sums.shape[1] * sums.shape[2], np.empty(ROWS * lanes, out.dtype)
    for tile in range(start, stop):
        count = min(ROWS, rows - tile * ROWS)
        for b in range(vectors):
            of_tile = b % VECTORS
            width, c = min(VECTORS, vectors - b + of_tile) * lanes, b * lanes
            at = (tile * vectors + b - of_tile) * ROWS * lanes + of_tile * lanes
            for a in range(count):
                s = load(flat, at)
                for place in range(at + size, len(flat), size):
                    s = add(s, load(flat, place))
                if flipped:
                    store(target, a * lanes, s)
                else:
                    store_part(out, (tile * ROWS + a) * columns + c, s, columns - c)
                at += width
            if flipped:
                for k in range(min(lanes, columns - c)):
                    to = (c + k) * rows + tile * ROWS
                    for a in range(count):
                        store_scalar(out, to + a, load_scalar(target, a * lanes + k))

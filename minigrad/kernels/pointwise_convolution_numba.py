"""Convolution by kernels of one pixel: at each pixel, a product of a matrix and the vector of its channels.

    conv           y[o, l]   =  b[o] + sum_c  w[o, c] * x[c, l]        w in all lanes, pixels l of some rows in vectors
    conv_input     x[c, l]   =  sum_o  w[o, c] * g[o, l]               the same with the transpose of w

A strip is some rows of pixels, those of all images counted, so that small images lie side by side. Its pixels are
copied to panels of a register tile's width, in which those of all channels follow each other; a panel then serves all
outputs from a near cache, and results are written once, to where they belong. `pointwise_weight_numba` has the
gradient of w.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numba import literally  # type: ignore[attr-defined, unused-ignore]

from minigrad.typing import Array, Pair, Shape

from . import buffers
from .array_utils import as_contiguous, flat
from .finish import Finish, in_groups
from .jit import VariantResult, compiled, inlined
from .partial_vectors_numba import load_part, store_part
from .register_tiles_numba import (
    HAS_AVX512,
    add_outer_product,
    load_column,
    load_contiguous,
    splat_tile,
    store_grid,
    zero_tile,
)
from .simd import BYTES, load, load_scalar, prefetch, store, store_scalar
from .threads import parallel

OUTS, VECTORS = (8, 3) if HAS_AVX512 else (6, 1)
"""Outputs, and vectors of pixels of each, whose sums are in registers."""

PANEL: Final = 3
"""Vectors of a panel."""

STRIP_BYTES: Final = 1 << 18
"""Of a strip's panels: half of a small second cache."""

MIN_PIXELS: Final = 256
"""Of all images: with fewer, there are not as many strips as threads."""

MIN_CHANNELS: Final = 64
"""Of input and output: a number that is copied to a panel takes part in as many sums as there are outputs, and one that
is written is a sum over all inputs. With fewer, what is copied costs more than tiles gain over those of BLAS."""


AHEAD: Final = 4
"""Channels by which pixels are fetched before they are copied."""

PACK_GRAIN: Final = 1 << 15
"""Weights for which a thread pays."""


AT, IMAGE, PIXEL, SIZE, ROOM, SOURCE = range(6)
"""Of a piece of pixels: where it begins in the panels, its image, its first pixel there, how many pixels it has, for
how many there is room, and where it begins in x."""


class Strips(NamedTuple):
    """How rows of pixels are cut."""

    rows: int  # of a strip
    width: int  # pixels of a row
    plane: int  # pixels of an image
    total: int  # rows of all images


def conv(
    x: Array, w: Array, b: Array | None, *, stride: Pair, padding: Pair, dilation: Pair, groups: int,
    finish: Finish | None = None,
) -> VariantResult:  # fmt: skip
    """See `convolution.conv`."""
    if min(w.shape[:2]) < MIN_CHANNELS or not suits(x, w, w.shape, stride, padding, groups):
        return NotImplemented
    bias = np.zeros(len(w), x.dtype) if b is None else b.astype(x.dtype)
    return convolve(x, w, bias, finish)


def conv_input(
    g: Array, w: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> VariantResult:
    """See `convolution.conv_input`."""
    if min(w.shape[:2]) < MIN_CHANNELS or not suits(g, w, w.shape, stride, padding, groups):
        return NotImplemented
    return convolve(g, w, np.zeros(shape[1], g.dtype), transposed=True)


def suits(x: Array, y: Array, w: Shape, stride: Pair, padding: Pair, groups: int) -> bool:
    """Whether this may be the way, for arguments x and y and weights of shape w."""
    return (
        w[2:] == (1, 1)
        and stride == (1, 1)
        and padding == (0, 0)
        and groups == 1
        and x.dtype == y.dtype
        and x.dtype in (np.float32, np.float64)
        and len(x) * x.shape[2] * x.shape[3] >= MIN_PIXELS
    )


def convolve(x: Array, w: Array, bias: Array, finish: Finish | None = None, *, transposed: bool = False) -> Array:
    """out[n] = w x[n] + bias for x (N, C, H, W), w (O, C), or (C, O) where it is `transposed`."""
    out = buffers.empty((len(x), len(bias), *x.shape[2:]), x.dtype)
    tiles = -(-len(bias) // OUTS)
    weights = buffers.scratch((tiles * OUTS * x.shape[1],), x.dtype)
    steps = (1, len(bias)) if transposed else (x.shape[1], 1)
    parallel(pack_weights, tiles, flat(w), weights, (len(bias), x.shape[1]), steps,
             grain=-(-PACK_GRAIN // (OUTS * x.shape[1])))  # fmt: skip
    # Behind the bias: ones, a vector, to make vectors of it.
    numbers = np.concatenate([bias, np.zeros(-len(bias) % OUTS), np.ones(BYTES // x.itemsize)], dtype=x.dtype)
    strips = strips_of(x.shape, x.itemsize)
    parallel(convolve_units, -(-strips.total // strips.rows), as_contiguous(x), weights, numbers, out, strips, finish)
    return out


def convolve_units(
    x: Array, weights: Array, bias: Array, out: Array, strips: Strips, finish: Finish | None, start: int, stop: int
) -> None:
    """`convolve` the strips from start to stop, and finish each while it is in the cache."""
    most = -(-strips.rows * strips.width // (PANEL * BYTES // x.itemsize))
    panels = buffers.scratch((most * panel_size(x),), x.dtype)

    def compute(first: int, last: int) -> None:
        convolve_strips(x, weights, bias, out, panels, strips, first, last)

    if finish is None:
        compute(start, stop)
    else:
        unit_bytes = out.nbytes * strips.rows // strips.total
        in_groups(compute, finish, out, unit_bytes, lambda unit: min(unit * strips.rows, strips.total), start, stop)


@lru_cache(256)  # a network asks for the same few, in every step
def strips_of(x: Shape, itemsize: int) -> Strips:
    """The strips of x (N, C, H, W)."""
    panel, total = PANEL * BYTES // itemsize, x[0] * x[2]
    most = max(panel, STRIP_BYTES // (x[1] * itemsize))
    largest = max(1, min(most // x[3], total))

    def panels(rows: int) -> int:
        return total // rows * -(-rows * x[3] // panel) + -(-total % rows * x[3] // panel)

    # Of strips that are nearly as large, those that leave the least of their last panels empty.
    rows = min(range(-(-largest // 2), largest + 1), key=lambda n: (panels(n), -n))
    return Strips(rows, x[3], x[2] * x[3], total)


@compiled
def pack_weights(w: Array, packed: Array, shape: Pair, steps: Pair, start: int, stop: int) -> None:
    """packed[tile, c, o] = w[tile OUTS + o, c], or 0 for outputs that do not exist, for w with such steps."""
    outs, ins = shape
    at = start * OUTS * ins
    for tile in range(start * OUTS, stop * OUTS, OUTS):
        for c in range(ins):
            for o in range(tile, tile + OUTS):
                value = load_scalar(w, o * steps[0] + c * steps[1]) if o < outs else packed.dtype.type(0)
                store_scalar(packed, at, value)
                at += 1


@compiled
def panel_size(x: Array) -> int:
    """Numbers of a panel, and of a vector behind: what one that is not full writes."""
    size: int = (x.shape[1] * PANEL + 1) * BYTES // x.itemsize
    return size


@compiled
def convolve_strips(
    x: Array, w: Array, bias: Array, out: Array, source: Array, strips: Strips, start: int, stop: int
) -> None:
    """`convolve` the strips from start to stop."""
    lanes = BYTES // x.itemsize
    ins, outs, plane, panel = x.shape[1], out.shape[1], strips.plane, panel_size(x)
    length, pixels, results = strips.rows * strips.width, x.reshape(-1), out.reshape(-1)
    width = PANEL * lanes
    most, target = (length + width - 1) // width, np.empty(OUTS * width, x.dtype)
    pieces, firsts = np.empty((most + length // plane + 2, 6), np.intp), np.empty(most + 1, np.intp)
    for unit in range(start, stop):
        first = unit * length
        count = cut(first, min(first + length, strips.total * strips.width), x.shape, width, pieces, firsts)
        read_pieces(pixels, source, pieces, firsts[count], ins, plane, width)
        for o in range(0, outs, OUTS):
            for k in range(count):
                begin, end, at = firsts[k], firsts[k + 1], k * panel
                vectors = (pieces[end - 1, AT] + pieces[end - 1, SIZE] - at + lanes - 1) // lanes
                place = (pieces[begin, IMAGE] * outs + o) * plane + pieces[begin, PIXEL]
                for row in range(place, place + OUTS * plane, plane):
                    for j in range(0, width, lanes):
                        prefetch(results, row + j)
                whole = pieces[begin, SIZE] == width and o + OUTS <= outs
                into, index, step = (results, place, plane) if whole else (target, 0, width)
                for v in range(0, vectors, VECTORS):
                    column, to = at + v * lanes, index + v * lanes
                    if vectors - v >= VECTORS:
                        multiply(w, bias, o, source, column, ins, into, to, step, VECTORS)
                    elif vectors - v == 2:
                        multiply(w, bias, o, source, column, ins, into, to, step, 2)
                    else:
                        multiply(w, bias, o, source, column, ins, into, to, step, 1)
                if not whole:
                    write_pieces(target, results, pieces, begin, end, at, o, outs, plane, width)


@inlined
def multiply(
    w: Array, bias: Array, o: int, x: Array, at: int, ins: int, out: Array, index: int, step: int, vectors: int
) -> None:
    """Write a tile of outputs, of so many vectors of a panel, to rows of out that are `step` apart."""
    literally(vectors)
    lanes = BYTES // x.itemsize
    ones = load_column(bias, len(bias) - lanes, 0, vectors)
    s = add_outer_product(zero_tile(x, OUTS, vectors), splat_tile(bias, o, OUTS), ones)
    weight = o * ins
    for _ in range(ins):
        s = add_outer_product(s, splat_tile(w, weight, OUTS), load_contiguous(x, at, vectors))
        weight += OUTS
        at += PANEL * lanes
    store_grid(out, index, step, lanes, s, OUTS)


@compiled
def cut(first: int, last: int, shape: tuple[int, ...], width: int, pieces: Array, firsts: Array) -> int:
    """Cut the pixels from first to last of x, of such a shape, into panels, and these where an image ends.

    The pieces of panel k are those from firsts[k] to firsts[k + 1]; how many panels there are is returned.
    """
    ins, plane = shape[1], shape[2] * shape[3]
    count, k, panel = 0, 0, ins * width + width // PANEL
    for begin in range(first, last, width):
        firsts[k] = count
        end, f = min(begin + width, last), begin
        while f < end:
            piece, n, pixel = pieces[count], f // plane, f % plane
            size = min(plane - pixel, end - f)
            piece[AT], piece[IMAGE], piece[PIXEL], piece[SIZE] = k * panel + f - begin, n, pixel, size
            piece[ROOM] = size if f + size < end else begin + width - f
            piece[SOURCE] = n * ins * plane + pixel
            f += size
            count += 1
        k += 1
    firsts[k] = count
    return k


@compiled
def read_pieces(x: Array, source: Array, pieces: Array, count: int, ins: int, plane: int, width: int) -> None:
    """Copy the pieces of each channel to the panels.

    A vector that is not full is written before what lies behind it: the next piece, and then the next channel.
    """
    lanes = BYTES // x.itemsize
    for c in range(ins):
        for p in range(count):
            piece = pieces[p]
            to, of, size = piece[AT] + c * width, piece[SOURCE] + c * plane, piece[SIZE]
            for j in range(0, piece[ROOM], lanes):
                prefetch(x, of + AHEAD * plane + j)
                store(source, to + j, load_part(x, of + j, size - j))


@compiled
def write_pieces(
    target: Array, out: Array, pieces: Array, begin: int, end: int, base: int, first: int, outs: int, plane: int,
    width: int,
) -> None:  # fmt: skip
    """Copy the pieces from begin to end of a tile of outputs to where they belong; their panel begins at `base`."""
    lanes = BYTES // out.itemsize
    for p in range(begin, end):
        piece = pieces[p]
        for o in range(first, min(first + OUTS, outs)):
            of, to = (o - first) * width + piece[AT] - base, (piece[IMAGE] * outs + o) * plane + piece[PIXEL]
            for j in range(0, piece[SIZE], lanes):
                store_part(out, to + j, load(target, of + j), piece[SIZE] - j)

"""Convolution by kernels of one pixel: at each pixel, a product of a matrix and the vector of its channels.

    conv           y[o, l]   =  b[o] + sum_c  w[o, c] * x[c, l]        w in all lanes, pixels l of some rows in vectors
    conv_input     x[c, l]   =  sum_o  w[o, c] * g[o, l]               the same with the transpose of w

A strip is some rows of pixels, those of all images counted, so that small images lie side by side. Its pixels are
copied to panels of a register tile's width, in which those of all channels follow each other; a panel then serves all
outputs from a near cache, and results are written once, to where they belong. Channels of x may lie in several arrays,
and so may those of y: see `sibling_convolutions`. `pointwise_weight_numba` has the gradient of w.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Final, NamedTuple

import numpy as np
from numba import literally  # type: ignore[attr-defined, unused-ignore]

from minigrad.typing import Array, Pair, Shape

from . import buffers
from .array_utils import as_contiguous, flat
from .finish import Finish, in_groups
from .jit import VariantResult, compiled, inlined
from .pixel_pieces_numba import AT, IMAGE, PIXEL, SIZE, cut, read_pieces, write_pieces
from .register_tiles_numba import (
    HAS_AVX512,
    add_outer_product,
    load_column,
    load_contiguous,
    splat_tile,
    store_grid,
    zero_tile,
)
from .simd import BYTES, load_scalar, prefetch, store_scalar
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

PACK_GRAIN: Final = 1 << 15
"""Weights for which a thread pays."""


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
    out = buffers.empty((len(x), len(w), *x.shape[2:]), x.dtype)
    convolve([x], [w], [out], b, finish)
    return out


def conv_input(
    g: Array, w: Array, *, shape: Shape, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> VariantResult:
    """See `convolution.conv_input`."""
    if min(w.shape[:2]) < MIN_CHANNELS or not suits(g, w, w.shape, stride, padding, groups):
        return NotImplemented
    out = buffers.empty(shape, g.dtype)
    convolve([g], [w], [out], transposed=True)
    return out


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


def convolve(
    xs: Sequence[Array], ws: Sequence[Array], outs: Sequence[Array], b: Array | None = None,
    finish: Finish | None = None, *, transposed: bool = False,
) -> None:  # fmt: skip
    """outs[k] = ws[k] xs[0] + b for each k; or, `transposed`, outs[0] = sum_k ws[k]' xs[k].

    Shapes: xs (N, C, H, W), ws (O, C, 1, 1), outs (N, O, H, W); `transposed` xs (N, O, H, W) and outs (N, C, H, W).
    """
    x, out, sources = xs[0], outs[0], [*map(as_contiguous, xs)]
    ins = sum([each.shape[1] for each in xs])
    tiles = [*accumulate([-(-each.shape[1] // OUTS) for each in outs], initial=0)]
    weights, begin = buffers.scratch((tiles[-1] * OUTS * ins,), x.dtype), 0
    for k, w in enumerate(ws):
        shape, steps = ((w.shape[1], len(w)), (1, w.shape[1])) if transposed else (w.shape[:2], (w.shape[1], 1))
        first, last = (0, tiles[-1]) if transposed else tiles[k : k + 2]
        parallel(pack_weights, last - first, flat(w), weights[first * OUTS * ins :], shape, steps, ins, begin,
                 grain=-(-PACK_GRAIN // (OUTS * shape[1])))  # fmt: skip
        begin += shape[1] if transposed else 0
    # Behind the bias: ones, a vector, to make vectors of it.
    bias = np.ones(tiles[-1] * OUTS + BYTES // x.itemsize, x.dtype)
    bias[: tiles[-1] * OUTS] = 0
    if b is not None:
        bias[: len(b)] = b
    strips = strips_of((len(x), ins, *x.shape[2:]), x.itemsize)
    parallel(convolve_units, -(-strips.total // strips.rows), sources[0], offsets(sources), weights, bias, out,
             offsets(outs), strips, finish)  # fmt: skip


def offsets(arrays: Sequence[Array]) -> Array:
    """Of arrays (N, C, H, W), which must be kept: how far each lies behind the first one, and its channels."""
    base, itemsize = arrays[0].ctypes.data, arrays[0].itemsize
    return np.array([((each.ctypes.data - base) // itemsize, each.shape[1]) for each in arrays], np.intp)


def convolve_units(
    x: Array, sources: Array, weights: Array, bias: Array, out: Array, targets: Array, strips: Strips,
    finish: Finish | None, start: int, stop: int,
) -> None:  # fmt: skip
    """`convolve` the strips from start to stop, and finish each while it is in the cache."""
    most = -(-strips.rows * strips.width // (PANEL * BYTES // x.itemsize))
    panels = buffers.scratch((most * panel_size(x, sources),), x.dtype)

    def compute(first: int, last: int) -> None:
        convolve_strips(x, sources, weights, bias, out, targets, panels, strips, first, last)

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
def pack_weights(
    w: Array, packed: Array, shape: Pair, steps: Pair, depth: int, begin: int, start: int, stop: int
) -> None:
    """packed[tile, begin + c, o] = w[tile OUTS + o, c], or 0 for outputs that do not exist, for w with such steps.

    A tile of `packed` has so many inputs, its `depth`.
    """
    outs, ins = shape
    for tile in range(start, stop):
        at = (tile * depth + begin) * OUTS
        for c in range(ins):
            for o in range(tile * OUTS, tile * OUTS + OUTS):
                value = load_scalar(w, o * steps[0] + c * steps[1]) if o < outs else packed.dtype.type(0)
                store_scalar(packed, at, value)
                at += 1


@compiled
def panel_size(x: Array, sources: Array) -> int:
    """Numbers of a panel, and of a vector behind: what one that is not full writes."""
    size: int = (sources[:, 1].sum() * PANEL + 1) * BYTES // x.itemsize
    return size


@compiled
def convolve_strips(
    x: Array, sources: Array, w: Array, bias: Array, out: Array, targets: Array, source: Array, strips: Strips,
    start: int, stop: int,
) -> None:  # fmt: skip
    """`convolve` the strips from start to stop."""
    lanes = BYTES // x.itemsize
    ins, plane, panel = sources[:, 1].sum(), strips.plane, panel_size(x, sources)
    length, pixels, results = strips.rows * strips.width, x.reshape(-1), out.reshape(-1)
    width = PANEL * lanes
    most, target = (length + width - 1) // width, np.empty(OUTS * width, x.dtype)
    pieces, firsts = np.empty((most + length // plane + 2, 5), np.intp), np.empty(most + 1, np.intp)
    for unit in range(start, stop):
        first = unit * length
        count = cut(first, min(first + length, strips.total * strips.width), plane, panel, width, pieces, firsts)
        read_pieces(pixels, sources, source, pieces, firsts[count], plane, width)
        tile = 0
        for t in range(len(targets)):
            base, outs = targets[t, 0], targets[t, 1]
            for o in range(0, outs, OUTS):
                for k in range(count):
                    begin, end, at = firsts[k], firsts[k + 1], k * panel
                    vectors = (pieces[end - 1, AT] + pieces[end - 1, SIZE] - at + lanes - 1) // lanes
                    place = base + (pieces[begin, IMAGE] * outs + o) * plane + pieces[begin, PIXEL]
                    for row in range(place, place + OUTS * plane, plane):
                        for j in range(0, width, lanes):
                            prefetch(results, row + j)
                    whole = pieces[begin, SIZE] == width and o + OUTS <= outs
                    into, index, step = (results, place, plane) if whole else (target, 0, width)
                    for v in range(0, vectors, VECTORS):
                        column, to = at + v * lanes, index + v * lanes
                        if vectors - v >= VECTORS:
                            multiply(w, bias, tile, source, column, ins, into, to, step, VECTORS)
                        elif vectors - v == 2:
                            multiply(w, bias, tile, source, column, ins, into, to, step, 2)
                        else:
                            multiply(w, bias, tile, source, column, ins, into, to, step, 1)
                    if not whole:
                        write_pieces(target, results, pieces, begin, end, at, base, o, min(o + OUTS, outs), outs, plane,
                                     width)  # fmt: skip
                tile += 1


@inlined
def multiply(
    w: Array, bias: Array, tile: int, x: Array, at: int, ins: int, out: Array, index: int, step: int, vectors: int
) -> None:
    """Write a tile of outputs, of so many vectors of a panel, to rows of out that are `step` apart."""
    literally(vectors)
    lanes = BYTES // x.itemsize
    ones = load_column(bias, len(bias) - lanes, 0, vectors)
    s = add_outer_product(zero_tile(x, OUTS, vectors), splat_tile(bias, tile * OUTS, OUTS), ones)
    weight = tile * OUTS * ins
    for _ in range(ins):
        s = add_outer_product(s, splat_tile(w, weight, OUTS), load_contiguous(x, at, vectors))
        weight += OUTS
        at += PANEL * lanes
    store_grid(out, index, step, lanes, s, OUTS)

"""Products whose sums go over the rows of a matrix: its rows lie in lanes, and are read once and in order.

The other factor is the small one, whose numbers are spread over all lanes, in register tiles of some rows of the result
and one vector.
"""

import numpy as np

from minigrad.typing import Array

from . import buffers
from .array_utils import flat, one_of
from .jit import VariantResult, compiled
from .register_tiles_numba import (
    HAS_AVX512,
    add_outer_product,
    load_column,
    load_contiguous,
    splat_tile,
    store_column,
    zero_tile,
)
from .simd import BYTES, load, load_scalar, prefetch, store, store_scalar
from .threads import parallel

ROWS = 16 if HAS_AVX512 else 6
"""Of the result, whose sums are in registers together."""

TERMS = 32
"""Rows of the large factor that are read side by side, each in order."""

AHEAD = 4
"""Vectors by which these are fetched before they are needed."""

SUMS_BYTES = 1 << 18
"""Of the sums that are kept in a near cache while the rows of the large factor are added to them."""

GRAIN = 1 << 21
"""Multiply-adds for which a thread pays."""


def few_rows(g: Array, w: Array, out: Array | None = None) -> VariantResult:
    """g w for contiguous g (I, K), w (K, J), of which w is the large one; written to `out` where it is given."""
    (rows, depth), columns = g.shape, w.shape[1]
    lanes = BYTES // w.itemsize
    if columns < lanes:
        return NotImplemented
    out, units = buffers.empty((rows, columns), w.dtype) if out is None else out, -(-columns // lanes)
    packed = buffers.scratch((-(-rows // ROWS) * depth * ROWS,), w.dtype)
    pack_tiles(flat(g), packed, rows, depth)
    parallel(add_rows, units, packed, flat(w), one_of(w.dtype), flat(out), out.shape, depth,
             grain=-(-GRAIN * units // (depth * out.size)))  # fmt: skip
    return out


def few_terms(g: Array, x: Array, out: Array | None = None) -> VariantResult:
    """g' x for contiguous g (K, I), x (K, J), of which the result is the large one; likewise."""
    (depth, rows), columns = g.shape, x.shape[1]
    lanes = BYTES // x.itemsize
    if rows < 2 * ROWS or columns < lanes:  # the last tile may make many sums once more
        return NotImplemented
    out, units = buffers.empty((rows, columns), x.dtype) if out is None else out, -(-rows // ROWS)
    packed = buffers.scratch((-(-columns // lanes) * depth * lanes,), x.dtype)
    pack_columns(flat(x), packed, depth, columns)
    parallel(outer_products, units, flat(g), packed, flat(out), out.shape, depth,
             grain=-(-GRAIN * units // (depth * out.size)))  # fmt: skip
    return out


@compiled
def pack_tiles(g: Array, packed: Array, rows: int, depth: int) -> None:
    """packed[tile, k, i] = g[tile * ROWS + i, k], and 0 behind the last row."""
    at = 0
    for tile in range(0, rows, ROWS):
        for k in range(depth):
            for i in range(tile, tile + ROWS):
                store_scalar(packed, at, load_scalar(g, i * depth + k) if i < rows else packed.dtype.type(0))
                at += 1


@compiled
def pack_columns(x: Array, packed: Array, depth: int, columns: int) -> None:
    """packed[vector, k] = that vector of row k of x, the last one with the numbers at the end of the row."""
    lanes = BYTES // x.itemsize
    at = 0
    for first in range(0, columns, lanes):
        for k in range(depth):
            store(packed, at, load(x, k * columns + min(first, columns - lanes)))
            at += lanes


@compiled
def add_rows(
    packed: Array, w: Array, one: Array, out: Array, shape: tuple[int, int], depth: int, start: int, stop: int
) -> None:
    """Some vectors of each row of the result: the sums of a part of them are kept while all of w's rows are read."""
    tiles = (shape[0] + ROWS - 1) // ROWS
    width = max(SUMS_BYTES // (tiles * ROWS * BYTES), 2 * AHEAD)
    room = np.empty(min(width, stop - start) * tiles * ROWS * BYTES // w.itemsize, w.dtype)
    for first in range(start, stop, width):
        for k in range(0, depth, TERMS):
            add_terms(packed, w, one, room, shape, depth, k, first, min(first + width, stop))
        write_rows(room, out, shape, first, min(first + width, stop))


@compiled
def add_terms(
    packed: Array,
    w: Array,
    one: Array,
    room: Array,
    shape: tuple[int, int],
    depth: int,
    first: int,
    start: int,
    stop: int,
) -> None:
    """Add some rows of w, from `first` on, to the sums of the vectors from start to stop.

    Their own sum is made first: long sums of short ones are more exact than those of single products.
    """
    rows, columns = shape
    lanes = BYTES // w.itemsize
    last, at = min(first + TERMS, depth), 0
    for vector in range(start, stop):
        j = min(vector * lanes, columns - lanes)
        for tile in range((rows + ROWS - 1) // ROWS):
            s = zero_tile(room, ROWS, 1)
            factor = (tile * depth + first) * ROWS
            for k in range(first, last):
                if tile == 0:
                    prefetch(w, k * columns + j + AHEAD * lanes)
                s = add_outer_product(s, splat_tile(packed, factor, ROWS), load_contiguous(w, k * columns + j, 1))
                factor += ROWS
            if first > 0:
                s = add_outer_product(load_column(room, at, lanes, ROWS), s, splat_tile(one, 0, 1))
            store_column(room, at, lanes, s)
            at += ROWS * lanes


@compiled
def write_rows(room: Array, out: Array, shape: tuple[int, int], start: int, stop: int) -> None:
    """Write the sums of the vectors from start to stop to the rows of the result."""
    lanes = BYTES // out.itemsize
    tiles = (shape[0] + ROWS - 1) // ROWS
    for i in range(shape[0]):
        for vector in range(start, stop):
            at = (((vector - start) * tiles + i // ROWS) * ROWS + i % ROWS) * lanes
            store(out, i * shape[1] + min(vector * lanes, shape[1] - lanes), load(room, at))


@compiled
def outer_products(
    g: Array, packed: Array, out: Array, shape: tuple[int, int], depth: int, start: int, stop: int
) -> None:
    """Some tiles of rows of the result, all columns; the last tile may begin within the one before."""
    rows, columns = shape
    lanes = BYTES // out.itemsize
    factors = np.empty(depth * ROWS, g.dtype)  # of a tile, side by side: else they may share a small part of the cache
    for tile in range(start, stop):
        i, at = min(tile * ROWS, rows - ROWS), 0
        for k in range(depth):
            for a in range(ROWS):
                store_scalar(factors, k * ROWS + a, load_scalar(g, k * rows + i + a))
        for vector in range(0, columns, lanes):
            s = zero_tile(out, ROWS, 1)
            for k in range(depth):
                s = add_outer_product(s, splat_tile(factors, k * ROWS, ROWS), load_contiguous(packed, at, 1))
                at += lanes
            store_column(out, i * columns + min(vector, columns - lanes), columns, s)

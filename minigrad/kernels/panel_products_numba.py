"""Products of a matrix of many rows and a small one: register tiles of rows of the one and panels of the other.

    out[i, j]  =  b[j] + sum over k of x[i, k] * y[k, j]        y may lie transposed in memory

A panel is some vectors of columns of y, copied so that all its numbers follow each other. All panels stay in a near
cache, and are small beside x, which is read where it lies. The bias is there before the first product is added, so that
a result is written once.
"""

from typing import Final

import numpy as np
from numba import literally  # type: ignore[attr-defined, unused-ignore]

from minigrad.typing import Array, Pair

from . import buffers
from .array_utils import flat
from .dot_tiles_numba import LENGTH
from .jit import VariantResult, compiled, inlined_tile
from .register_tiles_numba import (
    HAS_AVX512,
    add_outer_product,
    load_contiguous,
    load_grid,
    splat_column,
    store_grid,
)
from .simd import BYTES, load, load_scalar, prefetch, store, store_scalar
from .threads import parallel
from .transposition_numba import transpose_square

HALF, VECTORS = (7, 2) if HAS_AVX512 else (3, 1)
"""Rows of half a tile, and vectors of each, whose sums are in registers. Addresses are found in parallel for halves."""

ROWS: Final = 2 * HALF

GRAIN = 1 << 20
"""Multiply-adds for which a thread pays."""


def by_panels(x: Array, y: Array, b: Array | None = None, out: Array | None = None) -> VariantResult:
    """x y + b for contiguous x (I, K), y (K, J) that is contiguous or the transpose of what is, and b (J)."""
    (rows, depth), columns = x.shape, y.shape[1]
    lanes = BYTES // x.itemsize
    if rows < ROWS or columns < lanes:
        return NotImplemented
    out = buffers.empty((rows, columns), x.dtype) if out is None else out
    vectors, units = -(-columns // lanes), -(-rows // ROWS)
    packed = buffers.scratch((vectors * lanes * depth,), x.dtype)
    if y.flags.c_contiguous:
        pack_columns(flat(y), packed, (depth, columns))
    else:
        pack_rows(flat(y.T), packed, (depth, columns))
    bias = np.zeros(columns, x.dtype) if b is None else flat(b)
    parallel(multiply_rows, units, flat(x), packed, bias, flat(out), out.shape, depth,
             grain=-(-GRAIN * units // (depth * out.size)))  # fmt: skip
    return out


@compiled
def pack_columns(y: Array, packed: Array, shape: Pair) -> None:
    """packed[panel, k] = the vectors of that panel in row k of y (K, J).

    The last vector of a row has the numbers at its end; the last panel may have fewer vectors.
    """
    depth, columns = shape
    lanes = BYTES // y.itemsize
    at = 0
    for first in range(0, columns, VECTORS * lanes):
        for k in range(depth):
            for j in range(first, min(first + VECTORS * lanes, columns), lanes):
                store(packed, at, load(y, k * columns + min(j, columns - lanes)))
                at += lanes


@compiled
def pack_rows(y: Array, packed: Array, shape: Pair) -> None:
    """Likewise of y' (J, K)."""
    depth, columns = shape
    lanes, size = BYTES // y.itemsize, LENGTH // y.itemsize
    whole = depth - depth % size
    for j in range(0, columns, lanes):
        panel = j - j % (VECTORS * lanes)
        at, step = panel * depth + j - panel, min(VECTORS, (columns - panel + lanes - 1) // lanes) * lanes
        first = min(j, columns - lanes)
        for c in range(0, lanes, size):
            for k in range(0, whole, size):
                transpose_square(packed, at + k * step + c, step, y, (first + c) * depth + k, depth)
        for c in range(lanes):
            for k in range(whole, depth):
                store_scalar(packed, at + k * step + c, load_scalar(y, (first + c) * depth + k))


@compiled
def multiply_rows(
    x: Array, packed: Array, bias: Array, out: Array, shape: Pair, depth: int, start: int, stop: int
) -> None:
    """Some tiles of rows, all columns; the last tile may begin within the one before, whose sums it makes once more."""
    lanes = BYTES // x.itemsize
    for unit in range(start, stop):
        i = min(unit * ROWS, shape[0] - ROWS)
        for j in range(0, shape[1], VECTORS * lanes):
            if j + (VECTORS - 1) * lanes < shape[1]:
                multiply_tile(x, packed, bias, out, i, j, shape[1], depth, VECTORS)
            else:
                multiply_tile(x, packed, bias, out, i, j, shape[1], depth, 1)


@inlined_tile
def multiply_tile(
    x: Array, packed: Array, bias: Array, out: Array, i: int, j: int, columns: int, depth: int, vectors: int
) -> None:
    """The rows from i on of the panel that begins with column j, which has so many vectors."""
    literally(vectors)
    lanes = BYTES // x.itemsize
    first = min(j, columns - lanes)
    step = min(j + (vectors - 1) * lanes, columns - lanes) - first if vectors > 1 else 0
    to, at = i * columns + first, j * depth
    for a in range(to, to + ROWS * columns, columns):
        for v in range(vectors):
            prefetch(out, a + v * lanes)
    s = load_grid(bias, first, 0, step, HALF, vectors)
    t = load_grid(bias, first, 0, step, HALF, vectors)
    upper, lower = i * depth, (i + HALF) * depth
    for k in range(depth):
        numbers = load_contiguous(packed, at, vectors)
        s = add_outer_product(s, splat_column(x, upper + k, depth, HALF), numbers)
        t = add_outer_product(t, splat_column(x, lower + k, depth, HALF), numbers)
        at += vectors * lanes
    store_grid(out, to, columns, step, s, HALF)
    store_grid(out, to + HALF * columns, columns, step, t, HALF)

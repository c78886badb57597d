"""What attention's compiled loops do with a block of weights, of ROWS columns: a column a query, a row a key.

So queries are the lanes of SIMD vectors. Maxima and sums of columns are vectors, which need nothing from one another,
and of a product's factors only the smaller one is packed for a block: queries, not keys and values.
"""

from typing import Any

import numpy as np

from minigrad.typing import Array

from .exponential_numba import exp_nonpositive
from .jit import compiled
from .matrix_layout import Matrices
from .partial_vectors_numba import load_part, store_part
from .register_tiles_numba import (
    HAS_AVX512,
    add_outer_product,
    load_contiguous,
    load_grid,
    splat_column,
    store_grid,
    zero_tile,
)
from .simd import BYTES, add, fill, fma, load, maximum, reduce_add, select_greater, splat, store, zeros

TILE_ROWS, TILE_REGISTERS = (8, 2) if HAS_AVX512 else (4, 1)
ROWS = 32
"""Queries of a block; a multiple of the rows of a tile and of a vector's lanes."""

DEPTH = 128
"""Of products along keys at a time: with so many, weights stay in the nearest cache."""


def _strip(registers: int) -> Any:
    """The product below for so many vectors of columns."""

    @compiled
    def strip(
        out: Array, to: int, out_row: int, a: Array, at: int, a_row: int, a_step: int, b: Array, b_at: int, b_row: int,
        rows: int, depth: int, add: bool,
    ) -> None:  # fmt: skip
        lanes = BYTES // b.itemsize
        for i in range(0, rows, TILE_ROWS):
            place, first = to + i * out_row, at + i * a_row
            s = zero_tile(out, TILE_ROWS, registers)
            if add:
                s = load_grid(out, place, out_row, lanes, TILE_ROWS, registers)
            for k in range(depth):
                ws = splat_column(a, first + k * a_step, a_row, TILE_ROWS)
                s = add_outer_product(s, ws, load_contiguous(b, b_at + k * b_row, registers))
            store_grid(out, place, out_row, lanes, s, TILE_ROWS)

    return strip


wide_strip, last_strip = _strip(TILE_REGISTERS), _strip(1)


@compiled
def product(
    out: Array, to: int, out_row: int, a: Array, at: int, a_row: int, a_step: int, b: Array, b_at: int, b_row: int,
    rows: int, depth: int, columns: int, add: bool,
) -> None:  # fmt: skip
    """out[to + i out_row + j] = sum over k of a[at + i a_row + k a_step] b[b_at + k b_row + j], or that added to it.

    Rows are a multiple of those of a tile, columns of a vector's lanes.
    """
    lanes = BYTES // b.itemsize
    whole = columns - columns % (TILE_REGISTERS * lanes)
    for j in range(0, whole, TILE_REGISTERS * lanes):
        wide_strip(out, to + j, out_row, a, at, a_row, a_step, b, b_at + j, b_row, rows, depth, add)
    if whole < columns:
        last_strip(out, to + whole, out_row, a, at, a_row, a_step, b, b_at + whole, b_row, rows, depth, add)


@compiled
def product_along_keys(
    out: Array, a: Array, a_width: int, w: Array, rows: int, depth: int, columns: int
) -> None:  # fmt: skip
    """out[i, j] = sum over k of a[k, i] w[k, j], where out and w have rows of ROWS numbers."""
    for k in range(0, depth, DEPTH):
        part = min(DEPTH, depth - k)
        product(out, 0, ROWS, a, k * a_width, 1, a_width, w, k * ROWS, ROWS, rows, part, columns, k > 0)


@compiled
def add_product_along_queries(
    out: Array, out_width: int, w: Array, b: Array, rows: int, depth: int, seen: int
) -> None:  # fmt: skip
    """out[i, j] += sum over k of w[i, k] b[k, j], where w has rows of ROWS numbers; row seen + i has none before i."""
    first = min(rows, rounded_up(seen, TILE_ROWS))
    product(out, 0, out_width, w, 0, ROWS, 1, b, 0, out_width, first, depth, out_width, True)
    for i in range(first, rows, TILE_ROWS):
        skipped = i - first
        product(
            out, i * out_width, out_width, w, i * ROWS + skipped, ROWS, 1, b, skipped * out_width, out_width,
            TILE_ROWS, depth - skipped, out_width, True,
        )  # fmt: skip


@compiled
def rounded_up(count: int, to: int) -> int:
    """The next multiple of `to`."""
    return (count + to - 1) // to * to


@compiled
def copy_in(
    out: Array, width: int, x: Matrices, m: int, row: int, count: int, size: int, factors: Array
) -> Any:  # fmt: skip
    """Rows of a matrix, from `row` on, to rows of another width, times the factors of the rows.

    Gives 0, or NaN where a number is not finite.
    """
    numbers, starts, step = x
    lanes = BYTES // out.itemsize
    nothing, even, odd = zeros(out), zeros(out), zeros(out)
    for i in range(0, count, 2):  # two at a time: what one waits for, the other does not
        other = min(i + 1, count - 1)
        at, to = starts[m] + (row + i) * step, starts[m] + (row + other) * step
        factor, other_factor = splat(factors, i), splat(factors, other)
        for j in range(0, size, lanes):
            y, z = load_part(numbers, at + j, size - j), load_part(numbers, to + j, size - j)
            even, odd = fma(even, nothing, y), fma(odd, nothing, z)
            store(out, i * width + j, fma(nothing, y, factor))
            store(out, other * width + j, fma(nothing, z, other_factor))
    return reduce_add(add(even, odd))


@compiled
def copy_out(
    x: Matrices, m: int, row: int, block: Array, width: int, count: int, size: int, factors: Array
) -> None:  # fmt: skip
    """Likewise the other way."""
    numbers, starts, step = x
    lanes = BYTES // block.itemsize
    nothing = zeros(block)
    for i in range(count):
        at, factor = starts[m] + (row + i) * step, splat(factors, i)
        for j in range(0, size, lanes):
            store_part(numbers, at + j, fma(nothing, load(block, i * width + j), factor), size - j)


@compiled
def keys_seen(mask: Array, depth: int, width: int) -> int:
    """How many keys there are up to the last one that a column sees, at least 1: rows behind it are -inf."""
    f = mask.dtype.type
    below, one, nothing = fill(mask, f(-np.inf)), fill(mask, f(1)), zeros(mask)
    for k in range(depth - 1, 0, -1):
        for at in range(k * ROWS, k * ROWS + width, BYTES // mask.itemsize):
            if reduce_add(select_greater(load(mask, at), below, one, nothing)) > 0:
                return k + 1
    return 1


@compiled
def add_mask(w: Array, mask: Array, depth: int) -> None:
    """w + mask."""
    for at in range(0, depth * ROWS, BYTES // w.itemsize):
        store(w, at, add(load(w, at), load(mask, at)))


@compiled
def exponentials(w: Array, largest: Array, total: Array, depth: int, width: int, seen: int, places: Array) -> None:
    """w = exp(w - the largest) in each column, and its sum; row seen + i has columns from i on only."""
    lanes, f = BYTES // w.itemsize, w.dtype.type
    nothing, minus_one, below = zeros(w), fill(w, f(-1)), fill(w, f(-np.inf))
    for j in range(0, width, lanes):
        for k in range(seen, depth):
            visible = select_greater(splat(places, k - seen), load(places, j), below, load(w, k * ROWS + j))
            store(w, k * ROWS + j, visible)
        s = t = u = v = load(w, j)
        whole = depth - depth % 4
        for at in range(j, j + whole * ROWS, 4 * ROWS):  # four at a time, as in `copy_in`
            s, t = maximum(load(w, at), s), maximum(load(w, at + ROWS), t)
            u, v = maximum(load(w, at + 2 * ROWS), u), maximum(load(w, at + 3 * ROWS), v)
        for at in range(j + whole * ROWS, j + depth * ROWS, ROWS):
            s = maximum(load(w, at), s)
        s = maximum(maximum(s, t), maximum(u, v))
        store(largest, j, s)
        minus, t = fma(nothing, select_greater(s, below, s, nothing), minus_one), nothing  # -inf - -inf is NaN
        for at in range(j, j + depth * ROWS, ROWS):
            u = exp_nonpositive(add(load(w, at), minus))
            store(w, at, u)
            t = add(t, u)
        store(total, j, t)
    for at in range(depth * ROWS, rounded_up(depth, TILE_ROWS) * ROWS):
        w[at] = 0


@compiled
def invert(per_total: Array, largest: Array, total: Array, count: int, masked: bool) -> bool:
    """per_total = 1 / total, or 0 in a masked column without any key; gives whether scores were finite."""
    f, finite = per_total.dtype.type, True
    for i in range(count):
        empty = masked and largest[i] == -np.inf
        finite &= (empty or abs(largest[i]) < np.inf) and total[i] < np.inf
        per_total[i] = f(0) if empty else f(1) / total[i]
    return finite


@compiled
def softmax_input(slopes: Array, w: Array, per_total: Array, depth: int, width: int) -> None:
    """slopes = w (slopes - the sum of w slopes in its column, divided by the sum of w)."""
    lanes = BYTES // w.itemsize
    nothing, minus_one = zeros(w), fill(w, w.dtype.type(-1))
    for j in range(0, width, lanes):
        s, t = nothing, nothing
        whole = depth - depth % 2
        for at in range(j, j + whole * ROWS, 2 * ROWS):
            s = fma(s, load(w, at), load(slopes, at))
            t = fma(t, load(w, at + ROWS), load(slopes, at + ROWS))
        if whole < depth:
            s = fma(s, load(w, j + whole * ROWS), load(slopes, j + whole * ROWS))
        minus = fma(nothing, fma(nothing, add(s, t), load(per_total, j)), minus_one)
        for at in range(j, j + depth * ROWS, ROWS):
            store(slopes, at, fma(nothing, load(w, at), add(load(slopes, at), minus)))
    for at in range(depth * ROWS, rounded_up(depth, TILE_ROWS) * ROWS):
        slopes[at] = 0

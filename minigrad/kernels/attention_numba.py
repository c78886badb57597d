"""Attention by compiled loops: all steps of some rows of weights while these are in a near cache.

A thread takes one matrix after the other. Its keys and values are packed, transposed or padded to whole vectors; then
for some rows of queries:

    weights    w = softmax(q k')           products in register tiles
    forward    w v
    backward   dv += w' g,  dw = g v',  slopes = w (dw - sum of w dw),  dq = slopes k,  dk += slopes' q

With `causal`, rows have the columns up to their last one only.
"""

from functools import cache
from math import prod
from types import SimpleNamespace
from typing import Any

import numpy as np

from minigrad.typing import Array

from .array_utils import one_of
from .fusion.vector_math_numba import library
from .jit import VariantResult, compiled
from .matrix_layout import Matrices, empty_ordered, matrices
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
from .row_sums_numba import row_maximum, row_product, row_sum
from .simd import BYTES, fill, fma, zeros
from .threads import parallel

TILE_ROWS, TILE_REGISTERS = (8, 2) if HAS_AVX512 else (4, 1)
ROWS = 32
"""Of queries at a time; a multiple of the rows of a tile."""

LEAST_MATRICES = 4
"""Threads take whole matrices: with fewer ones, BLAS is the faster."""


def attention(
    q: Array, k: Array, v: Array, mask: Array | None, *, scale: float, causal: bool
) -> VariantResult:  # fmt: skip
    """See `attention.attention`."""
    if not _suits(q, k, v, mask, causal):
        return NotImplemented
    out, failed = empty_ordered((*q.shape[:-1], v.shape[-1]), q.dtype, q), np.zeros(1, np.int8)
    _run("forward", (out, q, k, v), scale, causal, failed)
    return NotImplemented if failed[0] else out


def attention_gradients(
    g: Array, q: Array, k: Array, v: Array, mask: Array | None, *, scale: float, causal: bool
) -> VariantResult:
    """See `attention.attention_gradients`."""
    if not _suits(q, k, v, mask, causal) or g.dtype != q.dtype or not np.isfinite(g).all():
        return NotImplemented
    made, failed = [empty_ordered(x.shape, x.dtype, x) for x in (q, k, v)], np.zeros(1, np.int8)
    _run("backward", (*made, g, q, k, v), scale, causal, failed)
    return NotImplemented if failed[0] else tuple(made)


def _suits(q: Array, k: Array, v: Array, mask: Array | None, causal: bool) -> bool:
    """Whether there are many matrices of one dtype, none of them empty, that need not be repeated.

    Nor may there be values that are not finite where some are left out: 0 times NaN is NaN, in all rows or in none.
    """
    return (
        mask is None
        and q.dtype.char in "fd"
        and q.dtype == k.dtype == v.dtype
        and q.shape[:-2] == k.shape[:-2] == v.shape[:-2]
        and prod(q.shape[:-2]) >= LEAST_MATRICES
        and min(*q.shape, *k.shape, v.shape[-1]) > 0
        and (not causal or bool(np.isfinite(v).all()))
    )


def _run(name: str, arrays: tuple[Array, ...], scale: float, causal: bool, failed: Array) -> None:
    """Run a kernel on all matrices, q, k and v the last; `failed` tells whether a score was not finite."""
    q, k, v = arrays[-3:]
    sizes = q.shape[-2], k.shape[-2], q.shape[-1], v.shape[-1]
    step = TILE_REGISTERS * BYTES // q.dtype.itemsize
    padded = tuple([-(-size // step) * step for size in sizes[1:]])
    scalar = np.float32 if q.dtype.char == "f" else np.float64
    kernel = getattr(kernels(scalar), name)
    parallel(
        kernel,
        prod(q.shape[:-2]),
        *map(matrices, arrays),
        sizes,
        padded,
        scalar(scale),
        causal,
        one_of(q.dtype),
        failed,
    )


@compiled
def product(
    out: Array, to: int, out_row: int, a: Array, at: int, a_row: int, a_step: int, b: Array, b_row: int, rows: int,
    depth: int, columns: int, add: bool,
) -> None:  # fmt: skip
    """out[to + i out_row + j] = sum over k of a[at + i a_row + k a_step] b[k b_row + j], or that added to it.

    Rows are a multiple of those of a tile, columns of its registers.
    """
    lanes = BYTES // b.itemsize
    for j in range(0, columns, TILE_REGISTERS * lanes):
        for i in range(0, rows, TILE_ROWS):
            place, first = to + i * out_row + j, at + i * a_row
            s = zero_tile(out, TILE_ROWS, TILE_REGISTERS)
            if add:
                s = load_grid(out, place, out_row, lanes, TILE_ROWS, TILE_REGISTERS)
            for k in range(depth):
                ws = splat_column(a, first + k * a_step, a_row, TILE_ROWS)
                s = add_outer_product(s, ws, load_contiguous(b, k * b_row + j, TILE_REGISTERS))
            store_grid(out, place, out_row, lanes, s, TILE_ROWS)


@compiled
def whole_tiles(count: int) -> int:
    """So many rows, or more, that tiles have."""
    return (count + TILE_ROWS - 1) // TILE_ROWS * TILE_ROWS


@compiled
def copy_rows(
    out: Array, to: int, width: int, x: Array, at: int, from_width: int, count: int, size: int, factors: Array,
    scale: float,
) -> None:  # fmt: skip
    """Rows of `size` numbers, from rows of another width, times scale and the factors of the rows."""
    lanes = BYTES // x.itemsize
    nothing = zeros(x)
    for i in range(count):
        factor = fill(x, factors[i] * scale)
        for j in range(0, size, lanes):
            numbers = load_part(x, at + i * from_width + j, size - j)
            store_part(out, to + i * width + j, fma(nothing, numbers, factor), size - j)


@compiled
def copy_in(
    out: Array, width: int, x: Matrices, m: int, row: int, count: int, size: int, factors: Array
) -> None:  # fmt: skip
    """Rows of a matrix, from `row` on, to rows of another width, times the factors of the rows."""
    numbers, starts, step = x
    copy_rows(out, 0, width, numbers, starts[m] + row * step, step, count, size, factors, factors.dtype.type(1))


@compiled
def copy_out(
    x: Matrices, m: int, row: int, block: Array, width: int, count: int, size: int, factors: Array, scale: float
) -> None:
    """Likewise the other way, times scale."""
    numbers, starts, step = x
    copy_rows(numbers, starts[m] + row * step, step, block, 0, width, count, size, factors, scale)


@compiled
def copy_transposed(out: Array, width: int, x: Matrices, m: int, count: int, size: int, scale: float) -> None:
    """The columns of a matrix of `count` rows, of `size` numbers, as rows of another width, times scale."""
    numbers, starts, step = x
    for j in range(size):
        line, column = out[j * width : j * width + count], numbers[starts[m] + j :: step]
        for i in range(len(line)):
            line[i] = column[i] * scale


@cache
def kernels(f: Any) -> SimpleNamespace:
    """The kernels for a dtype, which take matrices from start to stop."""
    exp, nothing = library(f).exp_nonpositive, f(0)

    @compiled
    def exponentials(
        w: Array, width: int, per_total: Array, queries: Array, long: int, keys: Array, row: int, count: int,
        columns: int, size: int, causal: bool, one: Array, failed: Array,
    ) -> int:  # fmt: skip
        """exp(scores - the largest) of some rows, 0 where they do not look, and 1 / their sums; gives the columns.

        Rows end with a register's last number: loops over a part of one would take as long as those over many.
        """
        last = min(columns, row + count) if causal else columns
        step = TILE_REGISTERS * (BYTES // w.itemsize)
        padded = (last + step - 1) // step * step
        product(w, 0, width, queries, 0, long, 1, keys, width, whole_tiles(count), size, padded, False)
        for i in range(count):
            seen = min(last, row + i + 1) if causal else last
            whole, first = seen // step * step, w[i * width]
            for start in range(whole, padded, step):
                part = w[i * width + start : i * width + start + step]
                for j in range(step):
                    part[j] = part[j] if start + j < seen else first
            largest = row_maximum(w, i * width, padded)
            for start in range(i * width, i * width + padded, step):
                part = w[start : start + step]
                for j in range(step):
                    part[j] = exp(part[j] - largest)
            for start in range(whole, padded, step):
                part = w[i * width + start : i * width + start + step]
                for j in range(step):
                    part[j] = part[j] if start + j < seen else nothing
            total = f(row_sum(w, one, i * width, padded))
            if not (abs(largest) < np.inf and total < np.inf):
                failed[0] = 1
            per_total[i] = f(1) / total
        for j in range(count * width, whole_tiles(count) * width):
            w[j] = 0
        return padded

    @compiled
    def forward(
        out: Matrices, q: Matrices, k: Matrices, v: Matrices, sizes: tuple[int, int, int, int],
        padded: tuple[int, int, int], scale: float, causal: bool, one: Array, failed: Array, start: int, stop: int,
    ) -> None:  # fmt: skip
        rows, columns, size, values = sizes
        width, long, wide = padded
        ones = np.ones(max(width, ROWS), one.dtype)
        keys, packed = np.zeros(size * width, one.dtype), np.zeros(width * wide, one.dtype)
        queries, per_total = np.zeros(ROWS * long, one.dtype), np.ones(ROWS, one.dtype)
        w, block = np.empty(ROWS * width, one.dtype), np.empty(ROWS * wide, one.dtype)
        for m in range(start, stop):
            copy_transposed(keys, width, k, m, columns, size, scale)
            copy_in(packed, wide, v, m, 0, columns, values, ones)
            for row in range(0, rows, ROWS):
                count = min(ROWS, rows - row)
                copy_in(queries, long, q, m, row, count, size, ones)
                depth = exponentials(
                    w, width, per_total, queries, long, keys, row, count, columns, size, causal, one, failed
                )
                product(block, 0, wide, w, 0, width, 1, packed, wide, whole_tiles(count), depth, wide, False)
                copy_out(out, m, row, block, wide, count, values, per_total, f(1))

    @compiled
    def backward(
        to_q: Matrices, to_k: Matrices, to_v: Matrices, g: Matrices, q: Matrices, k: Matrices, v: Matrices,
        sizes: tuple[int, int, int, int], padded: tuple[int, int, int], scale: float, causal: bool, one: Array,
        failed: Array, start: int, stop: int,
    ) -> None:  # fmt: skip
        rows, columns, size, values = sizes
        width, long, wide = padded
        step, ones = TILE_REGISTERS * (BYTES // one.itemsize), np.ones(max(width, ROWS), one.dtype)
        keys, keys_in_rows = np.zeros(size * width, one.dtype), np.zeros(width * long, one.dtype)
        values_in_columns = np.zeros(values * width, one.dtype)
        queries, cotangent = np.zeros(ROWS * long, one.dtype), np.zeros(ROWS * wide, one.dtype)
        w, slopes, per_total = (
            np.empty(ROWS * width, one.dtype),
            np.empty(ROWS * width, one.dtype),
            np.ones(ROWS, one.dtype),
        )
        block, sum_k, sum_v = (
            np.empty(ROWS * long, one.dtype),
            np.empty(width * long, one.dtype),
            np.empty(width * wide, one.dtype),
        )
        for m in range(start, stop):
            copy_transposed(keys, width, k, m, columns, size, scale)
            copy_in(keys_in_rows, long, k, m, 0, columns, size, ones)
            copy_transposed(values_in_columns, width, v, m, columns, values, f(1))
            sum_k[:] = 0
            sum_v[:] = 0
            for row in range(0, rows, ROWS):
                count = min(ROWS, rows - row)
                used = whole_tiles(count)
                copy_in(queries, long, q, m, row, count, size, ones)
                depth = exponentials(
                    w, width, per_total, queries, long, keys, row, count, columns, size, causal, one, failed
                )
                copy_in(cotangent, wide, g, m, row, count, values, per_total)
                product(sum_v, 0, wide, w, 0, 1, width, cotangent, wide, depth, count, wide, True)
                product(slopes, 0, width, cotangent, 0, wide, 1, values_in_columns, width, used, values, depth, False)
                for i in range(count):
                    along = f(row_product(slopes, w, i * width, depth)) * per_total[i]
                    for start in range(i * width, i * width + depth, step):
                        part, weights = slopes[start : start + step], w[start : start + step]
                        for j in range(step):
                            part[j] = weights[j] * (part[j] - along)
                product(block, 0, long, slopes, 0, width, 1, keys_in_rows, long, used, depth, long, False)
                copy_out(to_q, m, row, block, long, count, size, ones, scale)
                product(sum_k, 0, long, slopes, 0, 1, width, queries, long, depth, count, long, True)
            copy_out(to_k, m, 0, sum_k, long, columns, size, ones, scale)
            copy_out(to_v, m, 0, sum_v, wide, columns, values, ones, f(1))

    return SimpleNamespace(forward=forward, backward=backward)

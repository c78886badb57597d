"""Attention by compiled loops: all steps of some queries' weights while these are in a near cache.

A thread takes one matrix after the other. Its keys and values are packed to whole vectors; then for some queries, which
are the columns of blocks (see `attention_blocks_numba`):

    weights    w = softmax(k q')           products in register tiles
    forward    v' w
    backward   dv += w g,  dw = v g',  slopes = w (dw - sum of w dw),  dq' = k' slopes,  dk += slopes q

Blocks have the keys up to the last one that one of their queries sees.
"""

from math import prod
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from minigrad.typing import Array, DType, Shape

from .attention_blocks_numba import (
    ROWS,
    TILE_ROWS,
    add_mask,
    add_product_along_queries,
    copy_in,
    copy_out,
    exponentials,
    invert,
    keys_seen,
    product,
    product_along_keys,
    rounded_up,
    softmax_input,
)
from .jit import VariantResult, compiled
from .matrix_layout import Matrices, empty_ordered, matrices, shared_matrices
from .simd import BYTES
from .threads import parallel
from .transposition_numba import transpose

Sizes: TypeAlias = tuple[int, int, int, int]
"""Queries, keys, and the numbers of a key and of a value."""

Widths: TypeAlias = tuple[int, int, int]
"""Keys, and the numbers of each and of a value, in whole vectors."""

LEAST_QUERIES = 10
"""Which fill half of a vector's lanes: with fewer ones, BLAS is the faster forward."""


def attention(
    q: Array, k: Array, v: Array, mask: Array | None, *, scale: float, causal: bool
) -> VariantResult:  # fmt: skip
    """See `attention.attention`."""
    lead = _lead(q, k, v, mask)
    if lead is None or q.shape[-2] < LEAST_QUERIES:
        return NotImplemented
    out = _empty((*lead, q.shape[-2], v.shape[-1]), q)
    return out if _run(forward, (out,), (q, k, v), mask, lead, scale, causal) else NotImplemented


def attention_gradients(
    g: Array, q: Array, k: Array, v: Array, mask: Array | None, *, scale: float, causal: bool
) -> VariantResult:
    """See `attention.attention_gradients`."""
    lead = _lead(q, k, v, mask)
    if lead is None or g.dtype != q.dtype:
        return NotImplemented
    made = tuple([_empty((*lead, *x.shape[-2:]), x) for x in (q, k, v)])
    return made if _run(backward, made, (g, q, k, v), mask, lead, scale, causal) else NotImplemented


def _lead(q: Array, k: Array, v: Array, mask: Array | None) -> Shape | None:
    """The leading dimensions of the result, if there are matrices of one dtype, none of them empty."""
    if q.dtype.char not in "fd" or not q.dtype == k.dtype == v.dtype or not min(*q.shape, *k.shape, v.shape[-1]):
        return None
    lead = np.broadcast_shapes(*[x.shape[:-2] for x in (q, k, v, mask) if x is not None])
    return lead if prod(lead) else None


def _empty(shape: Shape, x: Array) -> Array:
    """A new array in the order of `matrix_layout.ordered`."""
    return empty_ordered(shape, x.dtype, x) if len(shape) == x.ndim else np.empty(shape, x.dtype)


def _run(
    kernel: Any, made: tuple[Array, ...], given: tuple[Array, ...], mask: Array | None, lead: Shape, scale: float,
    causal: bool,
) -> bool:  # fmt: skip
    """Run a kernel on all matrices, q, k and v the last; gives whether all numbers and scores were finite."""
    q, k, v = given[-3:]
    dtype, failed = q.dtype, np.zeros(1, np.int8)
    lanes = BYTES // dtype.itemsize
    sizes = q.shape[-2], k.shape[-2], q.shape[-1], v.shape[-1]
    whole = [x if x.shape[:-2] == lead else np.broadcast_to(x, (*lead, *x.shape[-2:])) for x in given]
    parallel(
        kernel,
        prod(lead),
        *map(matrices, (*made, *whole)),
        _added(mask, dtype, (*lead, *sizes[:2])),
        mask is not None,
        sizes,
        tuple([-(-size // lanes) * lanes for size in sizes[1:]]),
        np.full(ROWS, scale, dtype),
        causal,
        failed,
    )
    return not failed[0]


def _added(mask: Array | None, dtype: DType, shape: Shape) -> Matrices:
    """What is added to scores; where there is no mask, nothing of it is read."""
    if mask is None:
        return shared_matrices(np.zeros((1, 1), dtype), (1, 1))
    if mask.dtype.kind == "b":
        distinct = tuple([slice(0, 1) if step == 0 else slice(None) for step in mask.strides])
        mask = np.where(mask[distinct], dtype.type(0), dtype.type(-np.inf))
    return shared_matrices(mask.astype(dtype, copy=False), shape)


class Work(NamedTuple):
    """The arrays of a thread: what is packed of a matrix, and what is made of some queries."""

    keys: Array
    values: Array
    query_rows: Array
    queries: Array
    weights: Array
    largest: Array  # of each query
    total: Array
    per_total: Array
    mask_rows: Array
    mask_columns: Array
    ones: Array
    places: Array


@compiled
def work_for(sizes: Sizes, padded: Widths, masked: bool, scales: Array) -> Work:
    """Those for matrices of such sizes."""
    dtype, (long, key_width, value_width) = scales.dtype, padded
    room = ROWS * long if masked else 0
    return Work(
        np.zeros(long * key_width, dtype), np.zeros(long * value_width, dtype),
        np.zeros(ROWS * key_width, dtype), np.zeros(key_width * ROWS, dtype), np.empty(long * ROWS, dtype),
        np.empty(ROWS, dtype), np.empty(ROWS, dtype), np.empty(ROWS, dtype),
        np.full(room, -np.inf, dtype), np.empty(room, dtype),
        np.ones(max(sizes[1], ROWS), dtype), np.arange(ROWS).astype(dtype),
    )  # fmt: skip


@compiled
def pack_keys(work: Work, k: Matrices, v: Matrices, m: int, sizes: Sizes, padded: Widths) -> Any:
    """Pack the keys and values of a matrix. Gives 0, or NaN where a number is not finite."""
    wrong = copy_in(work.keys, padded[1], k, m, 0, sizes[1], sizes[2], work.ones)
    return wrong + copy_in(work.values, padded[2], v, m, 0, sizes[1], sizes[3], work.ones)


@compiled
def make_weights(
    work: Work, q: Matrices, mask: Matrices, masked: bool, m: int, row: int, sizes: Sizes, padded: Widths,
    scales: Array, causal: bool,
) -> int:  # fmt: skip
    """weights = exp(scores - the largest) of some queries, and 1 / their sums.

    Gives how many keys these queries see; 0 where a number or a score is not finite.
    """
    count, lanes = min(ROWS, sizes[0] - row), BYTES // scales.itemsize
    depth = min(sizes[1], row + count) if causal else sizes[1]
    width = rounded_up(count, lanes)
    if masked:
        long = rounded_up(depth, lanes)
        copy_in(work.mask_rows, long, mask, m, row, count, depth, work.ones)
        transpose(work.mask_columns, ROWS, work.mask_rows, long, count, depth)
        depth = keys_seen(work.mask_columns, depth, width)
    wrong = copy_in(work.query_rows, padded[1], q, m, row, count, sizes[2], scales)
    transpose(work.queries, ROWS, work.query_rows, padded[1], count, sizes[2])
    product(work.weights, 0, ROWS, work.keys, 0, padded[1], 1, work.queries, 0, ROWS, rounded_up(depth, TILE_ROWS),
            sizes[2], width, False)  # fmt: skip
    if masked:
        add_mask(work.weights, work.mask_columns, depth)
    first = min(row, depth) if causal else depth
    exponentials(work.weights, work.largest, work.total, depth, width, first, work.places)
    finite = invert(work.per_total, work.largest, work.total, count, masked)
    return depth if finite and wrong == 0 else 0


@compiled
def forward(
    out: Matrices, q: Matrices, k: Matrices, v: Matrices, mask: Matrices, masked: bool, sizes: Sizes, padded: Widths,
    scales: Array, causal: bool, failed: Array, start: int, stop: int,
) -> None:  # fmt: skip
    """The results of the matrices from start to stop."""
    rows, _, _, values = sizes
    value_width, dtype = padded[2], scales.dtype
    work = work_for(sizes, padded, masked, scales)
    block, block_rows = np.zeros(value_width * ROWS, dtype), np.empty(ROWS * value_width, dtype)
    for m in range(start, stop):
        wrong = pack_keys(work, k, v, m, sizes, padded)
        for row in range(0, rows, ROWS):
            depth = make_weights(work, q, mask, masked, m, row, sizes, padded, scales, causal)
            if wrong != 0 or depth == 0:
                failed[0] = 1
                return
            count = min(ROWS, rows - row)
            width = rounded_up(count, BYTES // scales.itemsize)
            product_along_keys(block, work.values, value_width, work.weights, rounded_up(values, TILE_ROWS), depth,
                               width)  # fmt: skip
            transpose(block_rows, value_width, block, ROWS, values, count)
            copy_out(out, m, row, block_rows, value_width, count, values, work.per_total)


@compiled
def backward(
    to_q: Matrices, to_k: Matrices, to_v: Matrices, g: Matrices, q: Matrices, k: Matrices, v: Matrices, mask: Matrices,
    masked: bool, sizes: Sizes, padded: Widths, scales: Array, causal: bool, failed: Array, start: int, stop: int,
) -> None:  # fmt: skip
    """The gradients of the matrices from start to stop."""
    rows, columns, size, values = sizes
    long, key_width, value_width = padded
    dtype = scales.dtype
    work = work_for(sizes, padded, masked, scales)
    cotangent_rows, cotangents = np.zeros(ROWS * value_width, dtype), np.zeros(value_width * ROWS, dtype)
    block, block_rows = np.zeros(key_width * ROWS, dtype), np.empty(ROWS * key_width, dtype)
    slopes, sum_k, sum_v = (
        np.empty(long * ROWS, dtype), np.empty(long * key_width, dtype), np.empty(long * value_width, dtype),
    )  # fmt: skip
    for m in range(start, stop):
        wrong = pack_keys(work, k, v, m, sizes, padded)
        sum_k[:] = 0
        sum_v[:] = 0
        for row in range(0, rows, ROWS):
            count = min(ROWS, rows - row)
            depth = make_weights(work, q, mask, masked, m, row, sizes, padded, scales, causal)
            wrong += copy_in(cotangent_rows, value_width, g, m, row, count, values, work.per_total)
            if wrong != 0 or depth == 0:
                failed[0] = 1
                return
            seen = min(row, depth) if causal else depth
            width, used = rounded_up(count, BYTES // scales.itemsize), rounded_up(depth, TILE_ROWS)
            transpose(cotangents, ROWS, cotangent_rows, value_width, count, values)
            product(slopes, 0, ROWS, work.values, 0, value_width, 1, cotangents, 0, ROWS, used, values, width, False)
            softmax_input(slopes, work.weights, work.per_total, depth, width)
            product_along_keys(block, work.keys, key_width, slopes, rounded_up(size, TILE_ROWS), depth, width)
            transpose(block_rows, key_width, block, ROWS, size, count)
            copy_out(to_q, m, row, block_rows, key_width, count, size, scales)
            add_product_along_queries(sum_v, value_width, work.weights, cotangent_rows, used, count, seen)
            add_product_along_queries(sum_k, key_width, slopes, work.query_rows, used, count, seen)
        copy_out(to_k, m, 0, sum_k, key_width, columns, size, work.ones)
        copy_out(to_v, m, 0, sum_v, value_width, columns, values, work.ones)

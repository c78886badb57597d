"""Attention by compiled loops: all steps of some queries' weights while these are in a near cache.

A thread takes one matrix after the other. Its keys and values are packed to whole vectors; then for some queries, which
are the columns of blocks (see `attention_blocks_numba`):

    weights    w = softmax(k q')           products in register tiles
    forward    v' w
    backward   dv += w g,  dw = v g',  slopes = w (dw - sum of w dw),  dq' = k' slopes,  dk += slopes q

Blocks have the keys up to the last one that one of their queries sees.
"""

from math import prod
from typing import Any

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


@compiled
def mask_in(
    mask_columns: Array, mask_rows: Array, mask: Matrices, m: int, row: int, count: int, depth: int, ones: Array
) -> int:  # fmt: skip
    """Make a block of a mask columns; gives how many keys its queries see."""
    lanes = BYTES // ones.itemsize
    long = rounded_up(depth, lanes)
    copy_in(mask_rows, long, mask, m, row, count, depth, ones)
    transpose(mask_columns, ROWS, mask_rows, long, count, depth)
    return keys_seen(mask_columns, depth, rounded_up(count, lanes))


@compiled
def weights(
    w: Array, per_total: Array, queries: Array, keys: Array, key_width: int, size: int, mask: Array, masked: bool,
    row: int, count: int, depth: int, causal: bool, largest: Array, total: Array, places: Array,
) -> bool:  # fmt: skip
    """w = exp(scores - the largest) of some queries, and 1 / their sums; gives whether scores were finite."""
    width = rounded_up(count, BYTES // w.itemsize)
    product(w, 0, ROWS, keys, 0, key_width, 1, queries, 0, ROWS, rounded_up(depth, TILE_ROWS), size, width, False)
    if masked:
        add_mask(w, mask, depth)
    exponentials(w, largest, total, depth, width, min(row, depth) if causal else depth, places)
    return invert(per_total, largest, total, count, masked)


@compiled
def forward(
    out: Matrices, q: Matrices, k: Matrices, v: Matrices, mask: Matrices, masked: bool,
    sizes: tuple[int, int, int, int], padded: tuple[int, int, int], scales: Array, causal: bool, failed: Array,
    start: int, stop: int,
) -> None:  # fmt: skip
    """The results of the matrices from start to stop."""
    rows, columns, size, values = sizes
    long, key_width, value_width = padded
    dtype = scales.dtype
    ones, places = np.ones(max(columns, ROWS), dtype), np.arange(ROWS).astype(dtype)
    largest, total, per_total = np.empty(ROWS, dtype), np.empty(ROWS, dtype), np.empty(ROWS, dtype)
    keys, packed = np.zeros(long * key_width, dtype), np.zeros(long * value_width, dtype)
    query_rows, queries = np.zeros(ROWS * key_width, dtype), np.zeros(key_width * ROWS, dtype)
    w, block, block_rows = (
        np.empty(long * ROWS, dtype), np.zeros(value_width * ROWS, dtype), np.empty(ROWS * value_width, dtype),
    )  # fmt: skip
    room = ROWS * long if masked else 0
    mask_rows, mask_columns = np.full(room, -np.inf, dtype), np.empty(room, dtype)
    for m in range(start, stop):
        wrong = copy_in(keys, key_width, k, m, 0, columns, size, ones)
        wrong += copy_in(packed, value_width, v, m, 0, columns, values, ones)
        for row in range(0, rows, ROWS):
            count = min(ROWS, rows - row)
            depth = min(columns, row + count) if causal else columns
            if masked:
                depth = mask_in(mask_columns, mask_rows, mask, m, row, count, depth, ones)
            width = rounded_up(count, BYTES // w.itemsize)
            wrong += copy_in(query_rows, key_width, q, m, row, count, size, scales)
            transpose(queries, ROWS, query_rows, key_width, count, size)
            finite = weights(
                w, per_total, queries, keys, key_width, size, mask_columns, masked, row, count, depth, causal, largest,
                total, places,
            )  # fmt: skip
            if wrong != 0 or not finite:
                failed[0] = 1
                return
            product_along_keys(block, packed, value_width, w, rounded_up(values, TILE_ROWS), depth, width)
            transpose(block_rows, value_width, block, ROWS, values, count)
            copy_out(out, m, row, block_rows, value_width, count, values, per_total)


@compiled
def backward(
    to_q: Matrices, to_k: Matrices, to_v: Matrices, g: Matrices, q: Matrices, k: Matrices, v: Matrices, mask: Matrices,
    masked: bool, sizes: tuple[int, int, int, int], padded: tuple[int, int, int], scales: Array, causal: bool,
    failed: Array, start: int, stop: int,
) -> None:  # fmt: skip
    """The gradients of the matrices from start to stop."""
    rows, columns, size, values = sizes
    long, key_width, value_width = padded
    dtype = scales.dtype
    ones, places = np.ones(max(columns, ROWS), dtype), np.arange(ROWS).astype(dtype)
    largest, total, per_total = np.empty(ROWS, dtype), np.empty(ROWS, dtype), np.empty(ROWS, dtype)
    keys, packed = np.zeros(long * key_width, dtype), np.zeros(long * value_width, dtype)
    query_rows, queries = np.zeros(ROWS * key_width, dtype), np.zeros(key_width * ROWS, dtype)
    cotangent_rows, cotangents = np.zeros(ROWS * value_width, dtype), np.zeros(value_width * ROWS, dtype)
    block, block_rows = np.zeros(key_width * ROWS, dtype), np.empty(ROWS * key_width, dtype)
    w, slopes = np.empty(long * ROWS, dtype), np.empty(long * ROWS, dtype)
    sum_k, sum_v = np.empty(long * key_width, dtype), np.empty(long * value_width, dtype)
    room = ROWS * long if masked else 0
    mask_rows, mask_columns = np.full(room, -np.inf, dtype), np.empty(room, dtype)
    for m in range(start, stop):
        wrong = copy_in(keys, key_width, k, m, 0, columns, size, ones)
        wrong += copy_in(packed, value_width, v, m, 0, columns, values, ones)
        sum_k[:] = 0
        sum_v[:] = 0
        for row in range(0, rows, ROWS):
            count = min(ROWS, rows - row)
            depth = min(columns, row + count) if causal else columns
            if masked:
                depth = mask_in(mask_columns, mask_rows, mask, m, row, count, depth, ones)
            seen = min(row, depth) if causal else depth
            width, used = rounded_up(count, BYTES // w.itemsize), rounded_up(depth, TILE_ROWS)
            wrong += copy_in(query_rows, key_width, q, m, row, count, size, scales)
            transpose(queries, ROWS, query_rows, key_width, count, size)
            finite = weights(
                w, per_total, queries, keys, key_width, size, mask_columns, masked, row, count, depth, causal, largest,
                total, places,
            )  # fmt: skip
            wrong += copy_in(cotangent_rows, value_width, g, m, row, count, values, per_total)
            if wrong != 0 or not finite:
                failed[0] = 1
                return
            transpose(cotangents, ROWS, cotangent_rows, value_width, count, values)
            product(slopes, 0, ROWS, packed, 0, value_width, 1, cotangents, 0, ROWS, used, values, width, False)
            softmax_input(slopes, w, per_total, depth, width)
            product_along_keys(block, keys, key_width, slopes, rounded_up(size, TILE_ROWS), depth, width)
            transpose(block_rows, key_width, block, ROWS, size, count)
            copy_out(to_q, m, row, block_rows, key_width, count, size, scales)
            add_product_along_queries(sum_v, value_width, w, cotangent_rows, used, count, seen)
            add_product_along_queries(sum_k, key_width, slopes, query_rows, used, count, seen)
        copy_out(to_k, m, 0, sum_k, key_width, columns, size, ones)
        copy_out(to_v, m, 0, sum_v, value_width, columns, values, ones)

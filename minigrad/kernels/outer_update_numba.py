"""Updates of a matrix of parameters whose gradient is a product g' x: each block of its rows is made, and used at once.

The product is far larger than its factors. A block of its rows stays in a near cache until the update has read it, so
that memory and the slow caches see the factors, the parameters, and what the optimizer keeps, but no gradient.
"""

from functools import cache

import numpy as np

from minigrad.typing import Array

from . import buffers
from .jit import compiled, inlined
from .outer_product import OuterProduct
from .register_tiles_numba import HAS_AVX512, add_outer_product, load_contiguous, splat_tile, store_grid, zero_tile
from .simd import BYTES, load, load_scalar, prefetch, store, store_scalar
from .threads import Kernel, parallel

ROWS, VECTORS = (8, 3) if HAS_AVX512 else (6, 1)
"""Of the product, whose sums are in registers together."""

MOST_TILES = 4
"""Of rows in a block: a vector of x that comes from the second cache serves them all."""

BLOCK_BYTES = 1 << 17
"""Of a block of the product, if it has several tiles: with as much of the parameters and of each array that is kept for
them, it is to stay in the second cache."""

GRAIN = 1 << 21
"""Multiply-adds for which a thread pays."""


def update_by_blocks(
    update: Kernel, p: Array, g: OuterProduct, state: tuple[Array | None, ...], *numbers: float
) -> None:
    """update(p, g, *state, *numbers, start, stop) for all blocks of rows; everything but the factors of g is flat."""
    (depth, rows), columns = g.left.shape, g.right.shape[1]
    width = VECTORS * BYTES // p.itemsize
    if columns < width or not depth or not rows:
        update(p, g.whole(), *state, *numbers, 0, p.size)
        return
    packed = buffers.scratch((-(-columns // width) * depth * width,), p.dtype)
    pack_panels(g.right.reshape(-1), packed, columns)
    tiles = min(max(BLOCK_BYTES // (ROWS * columns * p.itemsize), 1), MOST_TILES)
    kept = (*state, None, None, None)[:3]
    parallel(_kernel(update, len(state)), -(-rows // (ROWS * tiles)), p, g.left, packed, tiles, columns, *kept, numbers,
             grain=-(-GRAIN // (ROWS * tiles * depth * columns)))  # fmt: skip


@compiled
def pack_panels(x: Array, packed: Array, columns: int) -> None:
    """packed[panel, k] = some vectors of row k of x; the last panel begins within the one before."""
    lanes = BYTES // x.itemsize
    at = 0
    for panel in range(0, columns, VECTORS * lanes):
        for place in range(min(panel, columns - VECTORS * lanes), len(x), columns):
            for b in range(VECTORS):
                store(packed, at, load(x, place + b * lanes))
                at += lanes


@inlined
def part(x: Array | None, start: int, stop: int) -> Array | None:
    """x[start:stop], if it is there."""
    if x is None:
        return None
    return x[start:stop]


@inlined
def fetch(x: Array | None, at: int, columns: int) -> None:
    """Begin to read what belongs to a tile into the caches, if there is any."""
    if x is not None:
        for i in range(ROWS):
            for j in range(VECTORS):
                prefetch(x, at + i * columns + j * (BYTES // x.itemsize))


@compiled
def pack_rows(g: Array, factors: Array, first: int) -> None:
    """factors[tile, k, i] = g[k, first + tile * ROWS + i], and 0 behind the last row of the product."""
    depth, rows = g.shape
    at = 0
    for start in range(first, first + len(factors) // depth, ROWS):
        last = min(start + ROWS, rows)
        for k in range(depth):
            for i in range(start, start + ROWS):
                store_scalar(factors, at, load_scalar(g, k * rows + i) if i < last else factors.dtype.type(0))
                at += 1


@compiled
def product_rows(
    packed: Array, factors: Array, out: Array, depth: int, place: int, columns: int, p: Array, a: Array | None,
    b: Array | None, c: Array | None,
) -> None:  # fmt: skip
    """Some rows of the product; what the update will need with them, from `place` on, is fetched meanwhile."""
    lanes = BYTES // out.itemsize
    width = VECTORS * lanes
    for panel in range(0, columns, width):
        for row in range(0, len(factors) // depth, ROWS):
            to = row * columns + min(panel, columns - width)
            fetch(p, place + to, columns)
            fetch(a, place + to, columns)
            fetch(b, place + to, columns)
            fetch(c, place + to, columns)
            s = zero_tile(out, ROWS, VECTORS)
            at, factor = panel * depth, row * depth
            for _ in range(depth):
                s = add_outer_product(s, splat_tile(factors, factor, ROWS), load_contiguous(packed, at, VECTORS))
                at += width
                factor += ROWS
            store_grid(out, to, columns, lanes, s, ROWS)


@cache
def _kernel(update: Kernel, kept: int) -> Kernel:
    """Some blocks of rows, updated by a kernel of `update_numba` with so many arrays of state."""

    @compiled
    def update_blocks(
        p: Array, g: Array, packed: Array, tiles: int, columns: int, a: Array | None, b: Array | None, c: Array | None,
        numbers: tuple[float, ...], start: int, stop: int,
    ) -> None:  # fmt: skip
        depth, rows = g.shape
        height = tiles * ROWS
        factors, room = np.empty(height * depth, p.dtype), np.empty(height * columns, p.dtype)
        for first in range(start * height, min(stop * height, rows), height):
            pack_rows(g, factors, first)
            product_rows(packed, factors, room, depth, first * columns, columns, p, a, b, c)
            low, high = first * columns, min(first + height, rows) * columns
            own, end = p[low:high], (*numbers, 0, high - low)
            if kept == 0:
                update(own, room, *end)
            elif kept == 1:
                update(own, room, part(a, low, high), *end)
            elif kept == 2:
                update(own, room, part(a, low, high), part(b, low, high), *end)
            else:
                update(own, room, part(a, low, high), part(b, low, high), part(c, low, high), *end)

    return update_blocks

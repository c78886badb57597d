"""Where the points of Winograd's convolution lie, and the products of matrices for each of them.

The points of a block's tiles, v[t, C/L, tile, L] and m[t, O/L, tile, L], and of kernels, u[t, O/L, C, L], are flat. A
register tile takes one vector of u after the other, and the same channel of several tiles of v at a constant distance.
Where there are registers for it, it does so for two vectors of outputs: numbers of v, which are read and spread over
all lanes, serve both. With one, the processor could not read as fast as it multiplies.
"""

from collections.abc import Callable

from minigrad.typing import Array, Pair

from .jit import compiled
from .register_tiles_numba import (
    HAS_AVX512,
    add_outer_product,
    load_column,
    load_grid,
    splat_column,
    store_grid,
    zero_tile,
)
from .simd import BYTES, prefetch
from .winograd_matrices import POINTS

TILE = 14 if HAS_AVX512 else 6  # tiles of a product in registers
CHANNELS = 8 if HAS_AVX512 else 4  # likewise, in `conv_weight`; a divisor of the lanes
VECTORS = 2 if HAS_AVX512 else 1  # of outputs, in both; an odd number of them leaves one


@compiled
def vectors(channels: int, lanes: int) -> int:
    """How many vectors so many channels take."""
    return (channels + lanes - 1) // lanes


@compiled
def point_step(channels: int, tiles: int, lanes: int) -> int:
    """From a point to the next: an odd number of vectors, for a power of two would use a small part of the cache."""
    return (vectors(channels, lanes) * tiles | 1) * lanes


@compiled
def kernel_step(ins: int, outs: int, lanes: int) -> int:
    """Likewise, of kernels, with room for those that `correlate` adds up beside the last channel."""
    return (vectors(outs, lanes) * depth(ins) | 1) * lanes


@compiled
def depth(ins: int) -> int:
    """Channels of which kernels have points: the next multiple of CHANNELS."""
    return (ins + CHANNELS - 1) // CHANNELS * CHANNELS


@compiled
def multiply(v: Array, u: Array, sums: Array, ins: int, outs: int, some: Pair, count: int, tiles: int) -> None:
    """sums[t, o, tile] = sum_c v[t, c, tile] * u[t, o, c], for `some` of the outputs and a block of `count` tiles."""
    last = some[1] - (some[1] - some[0]) % VECTORS
    multiply_together(v, u, sums, ins, outs, some, some[0], last, count, tiles)
    if last < some[1]:
        multiply_one(v, u, sums, ins, outs, some, last, some[1], count, tiles)


@compiled
def correlate(v: Array, a: Array, sums: Array, ins: int, outs: int, some: Pair, count: int, tiles: int) -> None:
    """sums[t, o, c] += sum_tile v[t, c, tile] * a[t, o, tile], for some outputs and a block of `count` tiles."""
    last = some[1] - (some[1] - some[0]) % VECTORS
    correlate_together(v, a, sums, ins, outs, some, some[0], last, count, tiles)
    if last < some[1]:
        correlate_one(v, a, sums, ins, outs, some, last, some[1], count, tiles)


@compiled
def clear(sums: Array, ins: int, outs: int, some: Pair) -> None:
    """Let the sums of some outputs be 0."""
    lanes = BYTES // sums.itemsize
    for t in range(POINTS):
        at = t * kernel_step(ins, outs, lanes)
        sums[at + some[0] * depth(ins) * lanes : at + some[1] * depth(ins) * lanes] = 0


def products(width: int) -> tuple[Callable[..., None], Callable[..., None]]:
    """`multiply` and `correlate` for the vectors of outputs from start to stop, `width` of them together."""

    @compiled
    def multiply_some(
        v: Array, u: Array, sums: Array, ins: int, outs: int, some: Pair, start: int, stop: int, count: int, tiles: int
    ) -> None:
        """What is read lies in a cache further away, or beyond: the next u, and v of the next t, are fetched ahead."""
        lanes = BYTES // v.itemsize
        step, kernel = tiles * lanes, depth(ins) * lanes  # from a vector of channels to the next, from a kernel's
        for t in range(POINTS):
            ahead = (t + 1) * point_step(ins, tiles, lanes)
            for o in range(start, stop, width):
                to = t * point_step((some[1] - some[0]) * lanes, tiles, lanes) + (o - some[0]) * step
                for tile in range(0, count, TILE):
                    s = zero_tile(v, TILE, width)
                    weight = t * kernel_step(ins, outs, lanes) + o * kernel
                    for _ in range(width * TILE):
                        prefetch(v, ahead)
                        ahead += lanes
                    for block in range(vectors(ins, lanes)):
                        at = t * point_step(ins, tiles, lanes) + block * step + tile * lanes
                        channels = min(lanes, ins - block * lanes)
                        for c in range(lanes):  # a loop of fixed length is unrolled
                            if c == channels:
                                break
                            for later in range(width, 2 * width):
                                prefetch(u, weight + later * kernel)
                            pixels = splat_column(v, at + c, lanes, TILE)
                            s = add_outer_product(s, pixels, load_column(u, weight, kernel, width))
                            weight += lanes
                    store_grid(sums, to + tile * lanes, lanes, step, s, TILE)

    @compiled
    def correlate_some(
        v: Array, a: Array, sums: Array, ins: int, outs: int, some: Pair, start: int, stop: int, count: int, tiles: int
    ) -> None:
        """The next sums are fetched ahead."""
        lanes = BYTES // v.itemsize
        step, kernel = tiles * lanes, depth(ins) * lanes
        for t in range(POINTS):
            for o in range(start, stop, width):
                for c in range(0, ins, CHANNELS):
                    at = t * kernel_step(ins, outs, lanes) + o * kernel + c * lanes
                    for vector in range(width):
                        for later in range(CHANNELS, 2 * CHANNELS):
                            prefetch(sums, at + vector * kernel + later * lanes)
                    s = load_grid(sums, at, lanes, kernel, CHANNELS, width)
                    pixel = t * point_step(ins, tiles, lanes) + c // lanes * step + c % lanes
                    window = t * point_step((some[1] - some[0]) * lanes, tiles, lanes) + (o - some[0]) * step
                    for _ in range(count):
                        slopes = load_column(a, window, step, width)
                        s = add_outer_product(s, splat_column(v, pixel, 1, CHANNELS), slopes)
                        pixel += lanes
                        window += lanes
                    store_grid(sums, at, lanes, kernel, s, CHANNELS)

    return multiply_some, correlate_some


multiply_one, correlate_one = products(1)
multiply_together, correlate_together = products(VECTORS) if VECTORS > 1 else (multiply_one, correlate_one)

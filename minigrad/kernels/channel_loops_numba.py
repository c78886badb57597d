"""Loops over the rows of one channel, in SIMD vectors: sums for its moments and their gradients, and its gradient.

A channel c of x, seen as (outer, channels, inner), is `outer` rows of `inner` adjacent numbers. Its sums are held in
registers for HELD numbers or a row, then added up in double precision: the order depends on sizes only, so that
results do not depend on the number of threads.
"""

from typing import Final, TypeAlias

import numpy as np

from minigrad.typing import Array

from .jit import compiled
from .partial_vectors_numba import load_part, store_part
from .simd import BYTES, add, fma, load, reduce_add, select_greater, splat, zeros

Sizes: TypeAlias = tuple[int, int, int]

HELD: Final = 1 << 12


@compiled
def channel_sum(x: Array, sizes: Sizes, c: int) -> float:
    """The sum of x over a channel."""
    outer, channels, inner = sizes
    lanes, held, total = BYTES // x.itemsize, 0, 0.0
    whole = inner - inner % (2 * lanes)
    s, t = zeros(x), zeros(x)
    for row in range(c * inner, outer * channels * inner, channels * inner):
        for i in range(row, row + whole, 2 * lanes):
            s, t = add(s, load(x, i)), add(t, load(x, i + lanes))
        for i in range(whole, inner, lanes):
            s = add(s, load_part(x, row + i, inner - i))
        held += inner
        if held >= HELD:
            total += reduce_add(add(s, t))
            s, t, held = zeros(x), zeros(x), 0
    rest: float = reduce_add(add(s, t))
    return total + rest


@compiled
def channel_squares(x: Array, minus: Array, sizes: Sizes, c: int) -> float:
    """The sum of (x + minus[c])^2 over a channel."""
    outer, channels, inner = sizes
    lanes, held, total = BYTES // x.itemsize, 0, 0.0
    whole = inner - inner % (2 * lanes)
    s, t, shift, ones = zeros(x), zeros(x), splat(minus, c), np.ones(lanes, x.dtype)
    for row in range(c * inner, outer * channels * inner, channels * inner):
        for i in range(row, row + whole, 2 * lanes):
            d, e = add(load(x, i), shift), add(load(x, i + lanes), shift)
            s, t = fma(s, d, d), fma(t, e, e)
        for i in range(whole, inner, lanes):
            d = fma(load_part(x, row + i, inner - i), shift, load_part(ones, 0, inner - i))
            s = fma(s, d, d)
        held += inner
        if held >= HELD:
            total += reduce_add(add(s, t))
            s, t, held = zeros(x), zeros(x), 0
    rest: float = reduce_add(add(s, t))
    return total + rest


@compiled
def channel_slopes(
    g: Array, step: int, x: Array, minus: Array, scale: Array, term: Array, sizes: Sizes, c: int
) -> tuple[float, float]:
    """The sums of g and of g * (x + minus[c]) over a channel.

    Rows of g are `step` apart. If there are terms, g counts only where (x + minus[c]) * scale[c] + term[c] > 0.
    """
    outer, channels, inner = sizes
    lanes, held, total, along = BYTES // x.itemsize, 0, 0.0, 0.0
    s, t, shift, nothing, masked = zeros(x), zeros(x), splat(minus, c), zeros(x), len(term) > 0
    factor, level = splat(scale, c), splat(term, c) if masked else nothing
    for n in range(outer):
        row, place = (n * channels + c) * inner, n * step + c * inner
        for i in range(0, inner, lanes):
            d, slope = add(load_part(x, row + i, inner - i), shift), load_part(g, place + i, inner - i)
            if masked:
                slope = select_greater(fma(level, d, factor), nothing, slope, nothing)
            s, t = add(s, slope), fma(t, slope, d)
        held += inner
        if held >= HELD:
            total, along = total + reduce_add(s), along + reduce_add(t)
            s, t, held = zeros(x), zeros(x), 0
    return total + reduce_add(s), along + reduce_add(t)


@compiled
def write_slopes(
    out: Array, g: Array, step: int, x: Array, minus: Array, scale: Array, term: Array, slope: Array, level: Array,
    sizes: Sizes, c: int,
) -> None:  # fmt: skip
    """out = ((x + minus[c]) * slope[c] + g + level[c]) * scale[c] in a channel, with g as in `channel_slopes`."""
    outer, channels, inner = sizes
    lanes, nothing, masked = BYTES // x.itemsize, zeros(x), len(term) > 0
    shift, factor, per, down = splat(minus, c), splat(scale, c), splat(slope, c), splat(level, c)
    above = splat(term, c) if masked else nothing
    for n in range(outer):
        row, place = (n * channels + c) * inner, n * step + c * inner
        for i in range(0, inner, lanes):
            d, here = add(load_part(x, row + i, inner - i), shift), load_part(g, place + i, inner - i)
            if masked:
                here = select_greater(fma(above, d, factor), nothing, here, nothing)
            store_part(out, row + i, fma(nothing, fma(add(here, down), d, per), factor), inner - i)

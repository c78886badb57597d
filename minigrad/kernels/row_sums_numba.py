"""Sums and maxima of rows, adjacent numbers of flat arrays, by vector registers.

The order of additions depends on the length of a row only, so that results do not depend on the number of threads.
"""

from typing import Any

from minigrad.typing import Array

from .jit import compiled, inlined
from .simd import BYTES, fill, fma, load, maximum, reduce_add, reduce_maximum, splat, zeros


@compiled
def row_maximum(x: Array, at: int, count: int) -> Any:
    """The largest element of a row, which may be any or NaN where there is a NaN."""
    width = BYTES // x.itemsize
    largest = x[at]
    stop = at + count - count % (2 * width)
    if at < stop:
        s, t = load(x, at), load(x, at + width)
        for i in range(at + 2 * width, stop, 2 * width):
            s, t = maximum(load(x, i), s), maximum(load(x, i + width), t)
        largest = reduce_maximum(maximum(s, t))
    for i in range(stop, at + count):
        largest = x[i] if x[i] > largest else largest
    return largest


@compiled
def row_sum(x: Array, one: Array, at: int, count: int) -> float:
    """The sum of x over a row; `one` holds a 1."""
    width = BYTES // x.itemsize
    s, t, ones = zeros(x), zeros(x), splat(one, 0)
    stop = at + count - count % (2 * width)
    for i in range(at, stop, 2 * width):
        s, t = fma(s, ones, load(x, i)), fma(t, ones, load(x, i + width))
    rest = 0.0
    for i in range(stop, at + count):
        rest += x[i]
    total: float = rest + reduce_add(s) + reduce_add(t)
    return total


@compiled
def row_squares(x: Array, minus: Array, c: int, one: Array, at: int, count: int) -> float:
    """The sum of (x + minus[c])^2 over a row."""
    width = BYTES // x.itemsize
    s, t, ones, shift = zeros(x), zeros(x), splat(one, 0), splat(minus, c)
    stop = at + count - count % (2 * width)
    for i in range(at, stop, 2 * width):
        d, e = fma(shift, ones, load(x, i)), fma(shift, ones, load(x, i + width))
        s, t = fma(s, d, d), fma(t, e, e)
    rest = 0.0
    for i in range(stop, at + count):
        rest += (x[i] + minus[c]) * (x[i] + minus[c])
    total: float = rest + reduce_add(s) + reduce_add(t)
    return total


@compiled
def row_products(g: Array, x: Array, minus: Array, c: int, one: Array, at: int, count: int) -> float:
    """The sum of g * (x + minus[c]) over a row."""
    width = BYTES // x.itemsize
    s, t, ones, shift = zeros(x), zeros(x), splat(one, 0), splat(minus, c)
    stop = at + count - count % (2 * width)
    for i in range(at, stop, 2 * width):
        s = fma(s, load(g, i), fma(shift, ones, load(x, i)))
        t = fma(t, load(g, i + width), fma(shift, ones, load(x, i + width)))
    rest = 0.0
    for i in range(stop, at + count):
        rest += g[i] * (x[i] + minus[c])
    total: float = rest + reduce_add(s) + reduce_add(t)
    return total


@compiled
def row_product(x: Array, y: Array, at: int, count: int) -> float:
    """The sum of x * y over a row."""
    width = BYTES // x.itemsize
    s, t = zeros(x), zeros(x)
    stop = at + count - count % (2 * width)
    for i in range(at, stop, 2 * width):
        s, t = fma(s, load(x, i), load(y, i)), fma(t, load(x, i + width), load(y, i + width))
    rest = 0.0
    for i in range(stop, at + count):
        rest += x[i] * y[i]
    total: float = rest + reduce_add(s) + reduce_add(t)
    return total


@inlined
def row_weighted(g: Array, w: Array, x: Array, mean: float, one: Array, at: int, count: int) -> tuple[float, float]:
    """The sums of g * w and g * w * (x - mean) over a row, where w is as long as a row."""
    width = BYTES // x.itemsize
    nothing, ones, shift = zeros(x), splat(one, 0), fill(x, -mean)
    s, t, u, v = zeros(x), zeros(x), zeros(x), zeros(x)
    whole = count - count % (2 * width)
    for i in range(0, whole, 2 * width):
        y, z = fma(nothing, load(g, at + i), load(w, i)), fma(nothing, load(g, at + i + width), load(w, i + width))
        s, t = fma(s, y, ones), fma(t, z, ones)
        u = fma(u, y, fma(shift, ones, load(x, at + i)))
        v = fma(v, z, fma(shift, ones, load(x, at + i + width)))
    rest, along = 0.0, 0.0
    for i in range(whole, count):
        rest += g[at + i] * w[i]
        along += g[at + i] * w[i] * (x[at + i] - mean)
    total: float = rest + reduce_add(s) + reduce_add(t)
    product: float = along + reduce_add(u) + reduce_add(v)
    return total, product

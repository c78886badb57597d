"""Softmax in a few threads, each with rows of its own: all passes over a row but the first find it in the cache.

A row is what lies along the axis, if that is the last one. Sums and maxima are made by vector registers, in an order
that depends on the length of a row only.
"""

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from minigrad.typing import Array

from . import buffers
from .array_utils import flat, one_of
from .fusion.vector_math_numba import library
from .jit import VariantResult, compiled
from .row_sums_numba import row_maximum, row_sum
from .simd import BYTES, fill, fma, load, reduce_add, store, zeros
from .threads import parallel
from .widest_registers_numba import use_widest

PIECE = 1 << 15  # elements for which a thread pays: about 20 us
BLOCK = 1 << 10  # and of short rows that are computed together: one row may not fill a vector


def softmax(x: Array, *, axis: int) -> VariantResult:
    """See `softmax_family.softmax`."""
    return _by_rows("softmax_rows", axis, x)


def log_softmax(x: Array, *, axis: int) -> VariantResult:
    """See `softmax_family.log_softmax`."""
    return _by_rows("log_softmax_rows", axis, x)


def softmax_input(g: Array, out: Array, *, axis: int) -> VariantResult:
    """See `softmax_family.softmax_input`."""
    return _by_rows("softmax_input_rows", axis, g, out)


def log_softmax_input(g: Array, out: Array, *, axis: int) -> VariantResult:
    """See `softmax_family.log_softmax_input`."""
    return _by_rows("log_softmax_input_rows", axis, g, out)


def softmax_cross_entropy(x: Array, target: Array) -> VariantResult:
    """See `softmax_family.softmax_cross_entropy`."""
    if x.dtype.char not in "fd":
        return NotImplemented
    count, length = x.shape
    loss, out = np.empty(count, x.dtype), buffers.empty(x.shape, x.dtype)
    rows = max(1, BLOCK // length)
    parallel(_kernels(x).cross_entropy_blocks, -(-count // rows), loss, flat(out), flat(x), _indices(target),
             one_of(x.dtype), length, rows, grain=max(1, PIECE // (rows * length)))  # fmt: skip
    return loss, out


def softmax_cross_entropy_input(probability: Array, g: Array, target: Array) -> VariantResult:
    """See `softmax_family.softmax_cross_entropy_input`."""
    if probability.dtype.char not in "fd" or g.dtype != probability.dtype:
        return NotImplemented
    count, length = probability.shape
    slope = buffers.empty(probability.shape, g.dtype)
    parallel(cross_entropy_input_rows, count, flat(slope), flat(probability), flat(g), _indices(target), length,
             grain=max(1, PIECE // length))  # fmt: skip
    return slope


def _indices(target: Array) -> Array:
    return flat(target.astype(np.intp, copy=False))


def _kernels(x: Array) -> SimpleNamespace:
    return kernels(np.float32 if x.dtype.char == "f" else np.float64)


def _by_rows(name: str, axis: int, *arrays: Array) -> VariantResult:
    """A new array, computed row by row."""
    x = arrays[0]
    shape, dtype = x.shape, x.dtype
    if axis != len(shape) - 1 or dtype.char not in "fd":
        return NotImplemented
    for y in arrays[1:]:
        if y.dtype != dtype or y.shape != shape:
            return NotImplemented
    length = shape[axis]
    out = buffers.empty(shape, dtype)
    kernel = getattr(_kernels(x), name)
    grain = max(1, PIECE // length)
    parallel(kernel, x.size // length, out.ravel(), *map(flat, arrays), one_of(dtype), length, grain=grain)
    return out


@compiled
def multiply_row(x: Array, factor: float, at: int, count: int) -> None:
    """A row times a number, in place."""
    width, nothing, factors = BYTES // x.itemsize, zeros(x), fill(x, factor)
    stop = at + count - count % width
    for i in range(at, stop, width):
        store(x, i, fma(nothing, load(x, i), factors))
    for i in range(stop, at + count):
        x[i] *= factor


@compiled
def infinite_row(out: Array, x: Array, top: float, below: float) -> None:
    """A row with an inf: `top` where it is the only one, else NaN; `below` for all others. All are NaN if one is."""
    found, wrong = 0, False
    for i in range(len(x)):
        found += x[i] == np.inf
        wrong |= x[i] != x[i]
    for i in range(len(x)):
        out[i] = below if x[i] != np.inf else (top if found == 1 else np.nan)
        out[i] = np.nan if wrong else out[i]


@compiled
def cross_entropy_input_rows(
    slope: Array, probability: Array, g: Array, target: Array, length: int, start: int, stop: int
) -> None:
    """The slopes of the rows from start to stop."""
    for n in range(start, stop):
        at, cotangent = n * length, g[n]
        line, values = slope[at : at + length], probability[at : at + length]
        for i in range(len(line)):
            line[i] = values[i] * cotangent
        line[target[n]] -= cotangent


@cache
def kernels(f: Any) -> SimpleNamespace:
    """The kernels for a dtype, whose rows are from start to stop."""
    exp, log = library(f).exp_nonpositive, library(f).log

    @compiled
    def softmax_rows(out: Array, x: Array, one: Array, length: int, start: int, stop: int) -> None:
        use_widest()
        for at in range(start * length, stop * length, length):
            line, values = out[at : at + length], x[at : at + length]
            largest = row_maximum(x, at, length)
            if largest == np.inf:
                infinite_row(line, values, 1.0, 0.0)
                continue
            for i in range(len(line)):
                line[i] = exp(values[i] - largest)
            multiply_row(out, f(1) / f(row_sum(out, one, at, length)), at, length)  # divisions are slow

    @compiled
    def log_softmax_rows(out: Array, x: Array, one: Array, length: int, start: int, stop: int) -> None:
        use_widest()
        for at in range(start * length, stop * length, length):
            line, values = out[at : at + length], x[at : at + length]
            largest = row_maximum(x, at, length)
            if largest == np.inf:
                infinite_row(line, values, 0.0, -np.inf)
                continue
            for i in range(len(line)):
                line[i] = exp(values[i] - largest)
            logarithm = log(f(row_sum(out, one, at, length)))
            for i in range(len(line)):
                line[i] = (values[i] - largest) - logarithm

    @compiled
    def softmax_input_rows(slope: Array, g: Array, out: Array, one: Array, length: int, start: int, stop: int) -> None:
        width, nothing = BYTES // g.itemsize, zeros(g)
        whole = length - length % width
        pairs = length - length % (2 * width)
        for row in range(start, stop, 2):  # two at a time: what one waits for, the other does not
            at, to = row * length, min(row + 1, stop - 1) * length
            s, t, u, v = zeros(g), zeros(g), zeros(g), zeros(g)
            for i in range(0, pairs, 2 * width):
                s, u = fma(s, load(g, at + i), load(out, at + i)), fma(u, load(g, to + i), load(out, to + i))
                t = fma(t, load(g, at + i + width), load(out, at + i + width))
                v = fma(v, load(g, to + i + width), load(out, to + i + width))
            total, other = 0.0, 0.0
            for i in range(pairs, length):
                total += g[at + i] * out[at + i]
                other += g[to + i] * out[to + i]
            minus, other_minus = (
                f(-(total + reduce_add(s) + reduce_add(t))),
                f(-(other + reduce_add(u) + reduce_add(v))),
            )
            along, other_along = fill(g, minus), fill(g, other_minus)
            for i in range(0, whole, width):
                y, z = load(out, at + i), load(out, to + i)
                store(slope, at + i, fma(fma(nothing, y, load(g, at + i)), y, along))
                store(slope, to + i, fma(fma(nothing, z, load(g, to + i)), z, other_along))
            for i in range(whole, length):
                slope[at + i] = out[at + i] * g[at + i] + out[at + i] * minus
                slope[to + i] = out[to + i] * g[to + i] + out[to + i] * other_minus

    @compiled
    def log_softmax_input_rows(
        slope: Array, g: Array, out: Array, one: Array, length: int, start: int, stop: int
    ) -> None:
        use_widest()
        for at in range(start * length, stop * length, length):
            line, cotangent, values = slope[at : at + length], g[at : at + length], out[at : at + length]
            total = f(row_sum(g, one, at, length))
            for i in range(len(line)):
                line[i] = cotangent[i] - exp(values[i]) * total

    @compiled
    def cross_entropy_blocks(
        loss: Array, out: Array, x: Array, target: Array, one: Array, length: int, rows: int, start: int, stop: int
    ) -> None:
        use_widest()
        for first in range(start * rows, stop * rows, rows):
            last = min(first + rows, len(loss))
            for n in range(first, last):
                line, values = out[n * length : (n + 1) * length], x[n * length : (n + 1) * length]
                largest = loss[n] = row_maximum(x, n * length, length)
                for i in range(len(line)):
                    line[i] = values[i] - largest
            block = out[first * length : last * length]
            for i in range(len(block)):
                block[i] = exp(block[i])
            for n in range(first, last):
                at, largest, chosen = n * length, loss[n], n * length + target[n]
                line = out[at : at + length]
                if largest == np.inf:
                    infinite_row(line, x[at : at + length], 1.0, 0.0)
                    loss[n] = -log(out[chosen])
                    continue
                total = f(row_sum(out, one, at, length))
                loss[n] = log(total) - (x[chosen] - largest)
                multiply_row(out, f(1) / total, at, length)

    return SimpleNamespace(
        softmax_rows=softmax_rows, log_softmax_rows=log_softmax_rows, softmax_input_rows=softmax_input_rows,
        log_softmax_input_rows=log_softmax_input_rows, cross_entropy_blocks=cross_entropy_blocks,
    )  # fmt: skip

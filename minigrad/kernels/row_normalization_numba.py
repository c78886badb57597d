"""Standardization of rows: over the last axes of dense arrays, as layer normalization has it, w and b as long as a row.

Each thread has rows of its own, and finds them in the cache after the first pass.
"""

from math import prod, sqrt

import numpy as np

from minigrad.typing import Array, Shape

from . import buffers
from .array_utils import flat, one_of
from .jit import VariantResult, compiled
from .normalization import Axes
from .row_sums_numba import row_products, row_sum, row_weighted
from .simd import BYTES, add, fill, fma, load, reduce_add, splat, store, zeros
from .threads import parallel

PIECE = 1 << 16  # elements for which a thread pays: about 20 us
BLOCKS = 16  # of rows, at most, that are summed up, each for itself, whatever the number of threads


def standardize(x: Array, w: Array | None, b: Array | None, length: int, *, axis: Axes, eps: float) -> VariantResult:
    """See `normalization.standardize`."""
    kept = x.shape[: x.ndim - len(axis)] + (1,) * len(axis)
    out, moments = buffers.empty(x.shape, x.dtype), np.empty((2, x.size // length), x.dtype)
    affine = along_row(w, length, 1, x), along_row(b, length, 0, x)
    parallel(standardize_rows, moments.shape[1], flat(x), *affine, out.ravel(), moments, eps,
             grain=max(1, PIECE // length))  # fmt: skip
    return out, moments[0].reshape(kept), moments[1].reshape(kept)


def standardize_input(
    g: Array, x: Array, w: Array | None, mean: Array, variance: Array, length: int, *, eps: float
) -> VariantResult:
    """See `normalization.standardize_input`."""
    out = buffers.empty(x.shape, x.dtype)
    statistics = along_row(w, length, 1, x), -flat(mean), flat(variance), one_of(x.dtype)
    parallel(input_rows, mean.size, flat(g), flat(x), flat(out), *statistics, length, eps,
             grain=max(1, PIECE // length))  # fmt: skip
    return out


def standardize_weight(
    g: Array, x: Array, mean: Array, variance: Array, length: int, *, shape: Shape, eps: float
) -> VariantResult:
    """See `normalization.standardize_weight`."""
    if prod(shape) != length or not ends_with(x.shape, shape):
        return NotImplemented
    blocks = count_blocks(x)
    sums = np.zeros((blocks, length), x.dtype)
    parallel(weight_rows, blocks, flat(g), flat(x), flat(sums), -flat(mean), flat(variance), length, eps,
             grain=max(1, blocks * PIECE // x.size))  # fmt: skip
    return sums.sum(axis=0).reshape(shape)


def standardize_gradients(
    g: Array, x: Array, w: Array, mean: Array, variance: Array, length: int, *, eps: float
) -> VariantResult:
    """See `normalization.standardize_gradients`."""
    blocks = count_blocks(x)
    out, sums = buffers.empty(x.shape, x.dtype), np.zeros((2, blocks, *w.shape), x.dtype)
    parallel(gradient_rows, blocks, flat(g), flat(x), out.ravel(), sums.ravel(), flat(w), flat(mean), flat(variance),
             one_of(x.dtype), length, eps, grain=max(1, blocks * PIECE // x.size))  # fmt: skip
    if blocks == 1:
        return out, sums[0, 0], sums[1, 0]
    return out, sums[0].sum(axis=0), sums[1].sum(axis=0)


def count_blocks(x: Array) -> int:
    """In how many blocks of rows sums are made."""
    return min(BLOCKS, x.size // PIECE) or 1


def length_of_rows(shape: Shape, axis: Axes, factors: tuple[Shape, ...]) -> int | None:
    """How many elements one mean is of, if the axes are the last ones and factors are as long as a row."""
    first = len(shape) - len(axis)
    if set(axis) != set(range(first, len(shape))) or not prod(shape):
        return None
    length = prod(shape[first:])
    return length if all(prod(each) == length and ends_with(shape, each) for each in factors) else None


def ends_with(shape: Shape, end: Shape) -> bool:
    """Whether the last sizes of a shape are these; 1 in front of them does not count."""
    end = tuple(end[next((i for i, n in enumerate(end) if n != 1), len(end)) :])
    return shape[len(shape) - len(end) :] == end


def along_row(y: Array | None, length: int, default: float, x: Array) -> Array:
    """One number for each place in a row."""
    return np.full(length, default, x.dtype) if y is None else flat(y)


@compiled
def standardize_rows(
    x: Array, w: Array, b: Array, out: Array, moments: Array, eps: float, start: int, stop: int
) -> None:
    """`standardize` of the rows from start to stop, two at a time: what one waits for, the other does not."""
    f, length, width = x.dtype.type, len(w), BYTES // x.itemsize
    nothing, pairs, whole = zeros(x), length - length % (2 * width), length - length % width
    for row in range(start, stop, 2):
        other = min(row + 1, stop - 1)  # the last row alone is computed twice
        at, to = row * length, other * length
        s, t, u, v = zeros(x), zeros(x), zeros(x), zeros(x)
        for i in range(0, pairs, 2 * width):
            s, t = add(s, load(x, at + i)), add(t, load(x, at + i + width))
            u, v = add(u, load(x, to + i)), add(v, load(x, to + i + width))
        total, other_total = 0.0, 0.0
        for i in range(pairs, length):
            total += x[at + i]
            other_total += x[to + i]
        center = (total + reduce_add(s) + reduce_add(t)) / length
        other_center = (other_total + reduce_add(u) + reduce_add(v)) / length
        moments[0, row], moments[0, other] = center, other_center
        d, e = -moments[0, row], -moments[0, other]
        shift, other_shift = fill(x, d), fill(x, e)
        s, t, u, v = zeros(x), zeros(x), zeros(x), zeros(x)
        for i in range(0, pairs, 2 * width):
            y, z = add(shift, load(x, at + i)), add(shift, load(x, at + i + width))
            s, t = fma(s, y, y), fma(t, z, z)
            y, z = add(other_shift, load(x, to + i)), add(other_shift, load(x, to + i + width))
            u, v = fma(u, y, y), fma(v, z, z)
        total, other_total = 0.0, 0.0
        for i in range(pairs, length):
            total += (x[at + i] + d) * (x[at + i] + d)
            other_total += (x[to + i] + e) * (x[to + i] + e)
        around = (total + reduce_add(s) + reduce_add(t)) / length - (center + d) ** 2  # by what rounding moved the mean
        other_around = (other_total + reduce_add(u) + reduce_add(v)) / length - (other_center + e) ** 2
        moments[1, row] = 0 if around < 0 else around  # NaN stays NaN
        moments[1, other] = 0 if other_around < 0 else other_around
        factor, other_factor = f(1 / sqrt(moments[1, row] + eps)), f(1 / sqrt(moments[1, other] + eps))
        scale, other_scale = fill(x, factor), fill(x, other_factor)
        for i in range(0, whole, width):
            y, z = add(shift, load(x, at + i)), add(other_shift, load(x, to + i))
            store(out, at + i, fma(load(b, i), fma(nothing, y, scale), load(w, i)))
            store(out, to + i, fma(load(b, i), fma(nothing, z, other_scale), load(w, i)))
        for i in range(whole, length):
            out[at + i] = (x[at + i] + d) * factor * w[i] + b[i]
            out[to + i] = (x[to + i] + e) * other_factor * w[i] + b[i]


@compiled
def input_rows(
    g: Array, x: Array, out: Array, w: Array, minus: Array, variance: Array, one: Array, length: int, eps: float,
    start: int, stop: int,
) -> None:  # fmt: skip
    """`standardize_input` of the rows from start to stop."""
    for row in range(start, stop):
        at = row * length
        line, values, cotangent = out[at : at + length], x[at : at + length], g[at : at + length]
        for i in range(len(line)):
            line[i] = cotangent[i] * w[i]
        factor = 1 / sqrt(variance[row] + eps)
        along = row_products(out, x, minus, row, one, at, length)
        level = x.dtype.type(-row_sum(out, one, at, length) / length)
        slope = x.dtype.type(-along * factor * factor / length)
        scale, shift = x.dtype.type(factor), minus[row]
        for i in range(len(line)):
            line[i] = ((values[i] + shift) * slope + (line[i] + level)) * scale


@compiled
def weight_rows(
    g: Array, x: Array, sums: Array, minus: Array, variance: Array, length: int, eps: float, start: int, stop: int
) -> None:
    """For the blocks of rows from start to stop, the sums of g * (x - mean) / sqrt(variance + eps)."""
    rows, blocks = len(minus), len(sums) // length
    for block in range(start, stop):
        line = sums[block * length : (block + 1) * length]
        for row in range(rows * block // blocks, rows * (block + 1) // blocks):
            at = row * length
            values, cotangent = x[at : at + length], g[at : at + length]
            factor, shift = x.dtype.type(1 / sqrt(variance[row] + eps)), minus[row]
            for i in range(len(line)):
                line[i] += cotangent[i] * ((values[i] + shift) * factor)


@compiled
def gradient_rows(
    g: Array, x: Array, out: Array, sums: Array, w: Array, mean: Array, variance: Array, one: Array, length: int,
    eps: float, start: int, stop: int,
) -> None:  # fmt: skip
    """`standardize_gradients` of the blocks of rows from start to stop; those in w and b are added to a line each.

    Two rows at a time: the lines are then read and written half as often.
    """
    width, rows, numbers = BYTES // x.itemsize, len(mean), np.empty(8, x.dtype)
    nothing, ones, whole, blocks = zeros(x), splat(one, 0), length - length % width, len(sums) // (2 * length)
    for block in range(start, stop):
        to_w, to_b, last = block * length, (blocks + block) * length, rows * (block + 1) // blocks
        for row in range(rows * block // blocks, last, 2):
            count, at, to = min(2, last - row), row * length, (row + 1) * length
            for k in range(count):
                s, along = row_weighted(g, w, x, mean[row + k], one, at + k * length, length)
                factor = 1 / sqrt(variance[row + k] + eps)
                numbers[4 * k], numbers[4 * k + 1] = factor, -along * factor * factor / length
                numbers[4 * k + 2], numbers[4 * k + 3] = -s / length, -mean[row + k]
            scale, slope, level, shift = splat(numbers, 0), splat(numbers, 1), splat(numbers, 2), splat(numbers, 3)
            scale2, slope2, level2, shift2 = splat(numbers, 4), splat(numbers, 5), splat(numbers, 6), splat(numbers, 7)
            for i in range(0, whole, width):
                d, c = fma(shift, ones, load(x, at + i)), load(g, at + i)
                store(out, at + i, fma(nothing, fma(fma(level, c, load(w, i)), d, slope), scale))
                line, other = fma(load(sums, to_w + i), c, fma(nothing, d, scale)), fma(load(sums, to_b + i), c, ones)
                if count == 2:
                    d, c = fma(shift2, ones, load(x, to + i)), load(g, to + i)
                    store(out, to + i, fma(nothing, fma(fma(level2, c, load(w, i)), d, slope2), scale2))
                    line, other = fma(line, c, fma(nothing, d, scale2)), fma(other, c, ones)
                store(sums, to_w + i, line)
                store(sums, to_b + i, other)
            for k in range(count):
                for i in range(whole, length):
                    j = at + k * length + i
                    e = x[j] + numbers[4 * k + 3]
                    out[j] = (e * numbers[4 * k + 1] + (g[j] * w[i] + numbers[4 * k + 2])) * numbers[4 * k]
                    sums[to_w + i] += g[j] * (e * numbers[4 * k])
                    sums[to_b + i] += g[j]

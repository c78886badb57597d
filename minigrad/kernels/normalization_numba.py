"""Standardization in a few threads, each with channels of its own: two passes over a channel, the second in the cache.

x is seen as (outer, channels, inner), with one mean a channel: for batch normalization of images these are N, C and
H*W; for instances 1, N*C and H*W. A row is the inner part of one channel, adjacent in memory.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from math import prod, sqrt

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minigrad.typing import Array, DType, Pair, Shape

from . import buffers
from . import row_normalization_numba as rows
from .array_utils import flat
from .channel_loops_numba import Sizes, channel_slopes, channel_squares, channel_sum, write_slopes
from .jit import VariantResult, compiled
from .normalization import Axes, Normalize, is_constant, reduced_axes, shapes_of_factors
from .partial_vectors_numba import load_part, store_part
from .simd import BYTES, add, fma, splat
from .threads import parallel

CACHE_BYTES = 1 << 19  # of channels that are in work together
MIN_ROW_LENGTH = 16  # elements of a row: below, there is nothing to gain

Layout = tuple[Sizes | None, int | None]
"""The sizes around channels, and the length of a row that a mean is of; None where x cannot be seen so."""


def standardize(x: Array, w: Array | None, b: Array | None, *, axis: Axes, eps: float) -> VariantResult:
    """See `normalization.standardize`."""
    sizes, length = layout(x, axis, w, b)
    if sizes is None:
        return NotImplemented if length is None else rows.standardize(x, w, b, length, axis=axis, eps=eps)
    kept = tuple([1 if i in axis else n for i, n in enumerate(x.shape)])
    out, mean, variance = buffers.empty(x.shape, x.dtype), np.empty(kept, x.dtype), np.empty(kept, x.dtype)
    affine = per_channel(w, kept, 1, x.dtype), per_channel(b, kept, 0, x.dtype)
    factors = np.empty(sizes[1], x.dtype), np.empty(sizes[1], x.dtype)
    results = flat(out), flat(mean), flat(variance), *factors
    parallel(standardize_channels, sizes[1], flat(x), *affine, *results, sizes, eps)
    return out, mean, variance


def standardize_then(
    x: Array, w: Array | None, b: Array | None, then: Normalize, *, axis: Axes, eps: float
) -> VariantResult:
    """See `normalization.standardize_then`: of a few channels at a time, which are then in the cache."""
    sizes, _ = layout(x, axis, w, b)
    if sizes is None or not x.flags.carray:
        return NotImplemented
    kept = tuple([1 if i in axis else n for i, n in enumerate(x.shape)])
    mean, variance = np.empty(kept, x.dtype), np.empty(kept, x.dtype)
    minus, factor, term = np.empty(sizes[1], x.dtype), np.empty(sizes[1], x.dtype), per_channel(b, kept, 0, x.dtype)
    arguments = (flat(x), per_channel(w, kept, 1, x.dtype), flat(mean), flat(variance), minus, factor, sizes, eps)

    def compute(start: int, stop: int) -> None:
        for first, last in channel_groups(start, stop, sizes, x.itemsize):
            moments: Callable[..., None] = channel_moments
            moments(*arguments, first, last)
            then(minus, factor, term, first, last)

    parallel(compute, sizes[1])
    return mean, variance


def channel_groups(start: int, stop: int, sizes: Sizes, itemsize: int) -> Iterator[Pair]:
    """Channels from start to stop, a few at a time, which fit into a cache."""
    together = max(1, CACHE_BYTES // (sizes[0] * sizes[2] * itemsize))
    for first in range(start, stop, together):
        yield first, min(first + together, stop)


def standardize_input(
    g: Array, x: Array, w: Array | None, mean: Array, variance: Array, *, axis: Axes, eps: float
) -> VariantResult:
    """See `normalization.standardize_input`."""
    sizes, length = layout(x, axis, w)
    if g.dtype != x.dtype:
        return NotImplemented
    if sizes is None:
        return NotImplemented if length is None else rows.standardize_input(g, x, w, mean, variance, length, eps=eps)
    out, to_w, to_b = buffers.empty(x.shape, x.dtype), np.empty(sizes[1], x.dtype), np.empty(sizes[1], x.dtype)
    statistics = per_channel(w, mean.shape, 1, x.dtype), np.empty(0, x.dtype), -flat(mean), flat(variance)
    parallel(input_channels, sizes[1], *rows_of(g, sizes), flat(x), flat(out), to_w, to_b, *statistics, sizes, eps)
    return out


def standardize_weight(g: Array, x: Array, mean: Array, variance: Array, *, shape: Shape, eps: float) -> VariantResult:
    """See `normalization.standardize_weight`."""
    axis = reduced_axes(mean)
    sizes, length = layout(x, axis)
    if g.dtype != x.dtype:
        return NotImplemented
    if sizes is None or not is_constant(shape, x.ndim, axis):
        return (
            NotImplemented
            if length is None
            else rows.standardize_weight(g, x, mean, variance, length, shape=shape, eps=eps)
        )
    out = np.empty(mean.shape, x.dtype)
    parallel(weight_channels, sizes[1], flat(g), flat(x), flat(out), -flat(mean), flat(variance), sizes, eps)
    lead = x.ndim - len(shape)
    summed = tuple([i for i in range(x.ndim) if i < lead or shape[i - lead] == 1])
    return out.sum(axis=summed).reshape(shape)


def standardize_gradients(
    g: Array, x: Array, w: Array, mean: Array, variance: Array, *, axis: Axes, eps: float
) -> VariantResult:
    """See `normalization.standardize_gradients`."""
    sizes, length = layout(x, axis, w)
    if g.dtype != x.dtype:
        return NotImplemented
    if sizes is None:
        return (
            NotImplemented if length is None else rows.standardize_gradients(g, x, w, mean, variance, length, eps=eps)
        )
    return _channel_gradients(g, x, w, np.empty(0, x.dtype), mean, variance, sizes, eps)


def standardize_relu_gradients(
    g: Array, x: Array, w: Array, b: Array, mean: Array, variance: Array, *, axis: Axes, eps: float
) -> VariantResult:
    """See `normalization.standardize_relu_gradients`."""
    sizes, _ = layout(x, axis, w, b)
    if g.dtype != x.dtype or sizes is None:
        return NotImplemented
    return _channel_gradients(g, x, w, per_channel(b, mean.shape, 0, x.dtype), mean, variance, sizes, eps)


def _channel_gradients(
    g: Array, x: Array, w: Array, term: Array, mean: Array, variance: Array, sizes: Sizes, eps: float
) -> VariantResult:
    """The gradients in x, w and b; if there are terms, behind a relu."""
    if w.size != mean.size:
        return NotImplemented
    out, to_w, to_b = buffers.empty(x.shape, x.dtype), np.empty(w.shape, x.dtype), np.empty(w.shape, x.dtype)
    statistics = per_channel(w, mean.shape, 1, x.dtype), term, -flat(mean), flat(variance)
    results = flat(out), to_w.reshape(-1), to_b.reshape(-1)
    parallel(input_channels, sizes[1], *rows_of(g, sizes), flat(x), *results, *statistics, sizes, eps)
    return out, to_w, to_b


def rows_of(g: Array, sizes: Sizes) -> tuple[Array, int]:
    """g in one dimension, and how far its samples are apart: further than channels, where these are some of an array's.

    Without a copy if the channels of a sample are dense.
    """
    outer, channels, inner = sizes
    length, step = channels * inner, g.strides[0] // g.itemsize
    if not g.flags.carray and len(g) == outer and step > 0 and g[0].flags.carray and g[0].size == length:
        return as_strided(g, ((outer - 1) * step + length,), (g.itemsize,)), step
    return flat(g), length


def layout(x: Array, axis: Axes, *factors: Array | None) -> Layout:
    """How x is seen, if factors have its dtype and are constant, or vary, as that asks for."""
    shapes = shapes_of_factors(x, factors)
    return (None, None) if shapes is None else layout_of_shapes(x.shape, axis, shapes)


@lru_cache(1000)
def layout_of_shapes(shape: Shape, axis: Axes, factors: tuple[Shape, ...]) -> Layout:
    """The same for shapes."""
    return channel_sizes(shape, axis, factors), rows.length_of_rows(shape, axis, factors)


def channel_sizes(shape: Shape, axis: Axes, factors: tuple[Shape, ...]) -> Sizes | None:
    """x's shape as (outer, channels, inner), if the axes are those around the channels and all else is constant."""
    ndim = len(shape)
    left = next((i for i in range(ndim) if i not in axis), ndim)
    right = left + ndim - len(axis)
    if any(i in axis for i in range(left, right)) or not all(is_constant(each, ndim, axis) for each in factors):
        return None
    outer, channels, inner = prod(shape[:left]), prod(shape[left:right]), prod(shape[right:])
    return (outer, channels, inner) if inner >= MIN_ROW_LENGTH and outer > 0 else None


def per_channel(y: Array | None, kept: Shape, default: float, dtype: DType) -> Array:
    """One number a channel."""
    if y is None:
        return np.full(prod(kept), default, dtype)
    return flat(y if y.size == prod(kept) else np.broadcast_to(y, kept))


@compiled
def standardize_channels(
    x: Array, w: Array, b: Array, out: Array, mean: Array, variance: Array, minus: Array, factor: Array, sizes: Sizes,
    eps: float, start: int, stop: int,
) -> None:  # fmt: skip
    """`standardize` of the channels from start to stop; `minus` and `factor` are room."""
    outer, channels, inner = sizes
    for c in range(start, stop):
        channel_moments(x, w, mean, variance, minus, factor, sizes, eps, c, c + 1)
        scale, shift, term = splat(factor, c), splat(minus, c), splat(b, c)
        for row in range(c * inner, outer * channels * inner, channels * inner):
            for i in range(0, inner, BYTES // x.itemsize):
                d = add(load_part(x, row + i, inner - i), shift)
                store_part(out, row + i, fma(term, d, scale), inner - i)


@compiled
def channel_moments(
    x: Array, w: Array, mean: Array, variance: Array, minus: Array, factor: Array, sizes: Sizes, eps: float,
    start: int, stop: int,
) -> None:  # fmt: skip
    """Mean, -mean, variance, and w / sqrt(variance + eps), of the channels from start to stop."""
    count = sizes[0] * sizes[2]
    for c in range(start, stop):
        center = channel_sum(x, sizes, c) / count
        mean[c] = center
        minus[c] = -mean[c]
        off = center + minus[c]  # by what rounding moved the mean
        around = channel_squares(x, minus, sizes, c) / count - off * off
        variance[c] = 0 if around < 0 else around  # NaN stays NaN
        factor[c] = w[c] / sqrt(variance[c] + eps)


@compiled
def input_channels(
    g: Array, step: int, x: Array, out: Array, to_w: Array, to_b: Array, w: Array, term: Array, minus: Array,
    variance: Array, sizes: Sizes, eps: float, start: int, stop: int,
) -> None:  # fmt: skip
    """`standardize_gradients` of the channels from start to stop; if there are terms, behind a relu of the result."""
    count = sizes[0] * sizes[2]
    scale, slope, level = np.empty_like(w), np.empty_like(w), np.empty_like(w)
    for c in range(start, stop):
        factor = 1 / sqrt(variance[c] + eps)
        scale[c] = w[c] / sqrt(variance[c] + eps)  # as forward, to the last bit
        s, along = channel_slopes(g, step, x, minus, scale, term, sizes, c)
        to_w[c], to_b[c] = along * factor, s
        slope[c] = -along * factor * factor / count
        level[c] = -s / count
        write_slopes(out, g, step, x, minus, scale, term, slope, level, sizes, c)


@compiled
def weight_channels(
    g: Array, x: Array, out: Array, minus: Array, variance: Array, sizes: Sizes, eps: float, start: int, stop: int
) -> None:
    """`standardize_weight` of the channels from start to stop."""
    _, channels, inner = sizes
    for c in range(start, stop):
        _, along = channel_slopes(g, channels * inner, x, minus, minus, minus[:0], sizes, c)
        out[c] = along / sqrt(variance[c] + eps)

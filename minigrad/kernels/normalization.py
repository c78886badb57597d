"""Standardization to mean 0 and variance 1 over some axes, then scale and shift.

Batch, layer, instance and group normalization are all this, over different axes.

    out = w * (x - mean) / sqrt(variance + eps) + b

The variance is the mean of squared deviations from the mean, which stays right where the mean is far from 0.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from minigrad.typing import Array, Shape

from .array_utils import accumulation_dtype
from .jit import with_compiled_variant

Axes = tuple[int, ...]
Normalize = Callable[[Array, Array, Array, int, int], None]

FEW = 1 << 12
"""Up to so many numbers their product with themselves tells sooner whether all are finite; BLAS takes one thread."""

compiled_early = partial(with_compiled_variant, smallest=1 << 11)


@compiled_early
@np.errstate(over="ignore", invalid="ignore")
def standardize(x: Array, w: Array | None, b: Array | None, *, axis: Axes, eps: float) -> tuple[Array, Array, Array]:
    """out like x; mean and variance like x, but of size 1 along the axes. w and b broadcast against x."""
    mean, variance, out = moments(x, axis)
    factor = 1 / np.sqrt(variance + variance.dtype.type(eps))
    if w is not None and is_constant(w.shape, x.ndim, axis):
        factor, w = factor * w, None
    out *= factor
    if w is not None:
        out *= w
    if b is not None:
        out += b
    # In half precision the variance may be infinite, though no result is.
    return out.astype(x.dtype, copy=False), mean.astype(x.dtype, copy=False), variance.astype(x.dtype, copy=False)


@compiled_early
def standardize_then(
    x: Array, w: Array | None, b: Array | None, then: Normalize, *, axis: Axes, eps: float
) -> tuple[Array, Array]:
    """Mean and variance as of `standardize`, where `then` makes the result, and perhaps more of it.

    Args:
        x, w, b, axis, eps: as of `standardize`; all but x are numbers for each channel, around which the axes are.
        then: takes three numbers for each channel, d, s and t, and the channels from one to another: the result is
            (x + d) * s + t.
    """
    mean, variance, _ = moments(x, axis)
    factor = 1 / np.sqrt(variance + variance.dtype.type(eps))
    ones = np.ones_like(factor)
    scale, term = factor if w is None else factor * w, 0 * ones if b is None else b * ones
    then(-mean.reshape(-1), scale.reshape(-1), term.reshape(-1), 0, mean.size)
    return mean, variance


def moments(x: Array, axis: Axes) -> tuple[Array, Array, Array]:
    """Mean, variance and x - mean, in the precision that sums are made in."""
    work = accumulation_dtype(x.dtype)
    count = np.dtype(work).type(max(1, reduced_size(x.shape, axis)))
    mean = np.sum(x, axis=axis, keepdims=True, dtype=work) / count
    deviation = np.subtract(x, mean, dtype=work)
    return mean, np.sum(deviation * deviation, axis=axis, keepdims=True) / count, deviation


def normalized(x: Array, mean: Array, variance: Array, axis: Axes, eps: float) -> tuple[Array, Array]:
    """(x - mean) / sqrt(variance + eps), and that divisor's reciprocal; half precision computes its moments anew."""
    if x.dtype == np.float16:
        _, variance, deviation = moments(x, axis)
    else:
        deviation = x - mean
    factor = 1 / np.sqrt(variance + variance.dtype.type(eps))
    deviation *= factor
    return deviation, factor


def overflows(x: Array, variance: Array) -> bool:
    """Whether a square was too large for the dtype; half precision is squared in single precision."""
    if x.dtype.char == "e":
        return False
    if variance.size <= FEW and math.isfinite(np.vdot(variance, variance)):
        return False
    return not np.isfinite(variance).all()


def overflow_scale(x: Array, variance: Array, axis: Axes) -> Array | None:
    """Powers of two to divide x by, one for each mean, so that no square overflows; None if none does.

    What is divided stays so large that eps is nothing beside its variance, as it was before.
    """
    if not overflows(x, variance):
        return None
    exponent = np.frexp(np.max(np.abs(x), axis=axis, keepdims=True, initial=0))[1] - np.finfo(x.dtype).maxexp // 3
    scale: Array = np.ldexp(np.ones((), x.dtype), np.maximum(exponent, 0))
    return scale


@compiled_early
def standardize_input(
    g: Array, x: Array, w: Array | None, mean: Array, variance: Array, *, axis: Axes, eps: float
) -> Array:
    """The vector-Jacobian product of `standardize` in x, for a cotangent g of its first result."""
    unit, factor = normalized(x, mean, variance, axis, eps)
    slope = g.astype(unit.dtype, copy=False) if w is None else np.multiply(g, w, dtype=unit.dtype)
    count = unit.dtype.type(max(1, reduced_size(x.shape, axis)))
    unit *= np.sum(slope * unit, axis=axis, keepdims=True) / -count
    unit -= np.sum(slope, axis=axis, keepdims=True) / count
    unit += slope
    unit *= factor
    return unit.astype(x.dtype, copy=False)


@compiled_early
def standardize_weight(g: Array, x: Array, mean: Array, variance: Array, *, shape: Shape, eps: float) -> Array:
    """The vector-Jacobian product of `standardize` in its w of `shape`."""
    unit, _ = normalized(x, mean, variance, reduced_axes(mean), eps)
    unit *= g
    lead = x.ndim - len(shape)
    summed = tuple([i for i in range(x.ndim) if i < lead or shape[i - lead] == 1])
    out: Array = np.sum(unit, axis=summed).reshape(shape).astype(g.dtype, copy=False)
    return out


@compiled_early
def standardize_gradients(
    g: Array, x: Array, w: Array, mean: Array, variance: Array, *, axis: Axes, eps: float
) -> tuple[Array, Array, Array]:
    """The vector-Jacobian products of `standardize` in x, w and b, where b has the shape of w."""
    to_x = standardize_input(g, x, w, mean, variance, axis=axis, eps=eps)
    to_w = standardize_weight(g, x, mean, variance, shape=w.shape, eps=eps)
    lead = x.ndim - w.ndim
    summed = tuple([i for i in range(x.ndim) if i < lead or w.shape[i - lead] == 1])
    return to_x, to_w, np.sum(g, axis=summed).reshape(w.shape)


@compiled_early
def standardize_relu_gradients(
    g: Array, x: Array, w: Array, b: Array, mean: Array, variance: Array, *, axis: Axes, eps: float
) -> tuple[Array, Array, Array]:
    """The vector-Jacobian products of relu(standardize(x, w, b)) in x, w and b of one shape, for a cotangent g."""
    unit, _ = normalized(x, mean, variance, axis, eps)
    passed = np.where(unit * w + b > 0, g, g.dtype.type(0))
    return standardize_gradients(passed, x, w, mean, variance, axis=axis, eps=eps)


def reduced_axes(mean: Array) -> Axes:
    """The axes that a mean was taken over; those on which x has one element may be among them."""
    return tuple([i for i, n in enumerate(mean.shape) if n == 1])


def reduced_size(shape: Shape, axis: Axes) -> int:
    """How many numbers one mean is made of."""
    return math.prod(shape[i] for i in axis)


def shapes_of_factors(x: Array, factors: Sequence[Array | None]) -> tuple[Shape, ...] | None:
    """The shapes of the factors that there are, if they have x's dtype and that has compiled variants."""
    dtype, shapes = x.dtype, []
    if dtype.char not in "fd":
        return None
    for y in factors:
        if y is not None:
            if y.dtype is not dtype and y.dtype != dtype:
                return None
            shapes.append(y.shape)
    return tuple(shapes)


def is_constant(shape: Shape, ndim: int, axis: Axes) -> bool:
    """Whether an array of `shape`, broadcast to `ndim` dimensions, is the same all along the axes."""
    lead = ndim - len(shape)
    return all(i < lead or shape[i - lead] == 1 for i in axis)

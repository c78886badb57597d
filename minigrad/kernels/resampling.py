"""Resampling: weighted sums of a few elements along one axis, as in resized images and adaptive means.

    out[..., j, ...] = sum over t of weight[t, j] * x[..., index[t, j], ...]

That is a product with a matrix which is 0 but for a few places in each row; a dense product is the quickest way through
it. Only where a number is not finite, which 0 times would become NaN in the whole row, each place is visited.

Each row of `index` must not fall: it runs along the axis from one end to the other, as `j` does.
"""

import math

import numpy as np

from minigrad.typing import Array, DType

from .array_utils import accumulation_dtype


def resample(x: Array, *, axis: int, index: Array, weight: Array) -> Array:
    """x (..., T, ...) -> (..., J, ...) along `axis`; index and weight are (taps, J)."""
    if len(index) == 1 and (weight == 1).all():
        return np.asarray(np.take(x, index[0], axis))
    out = multiply_along(matrix(index, weight, x.shape[axis]), x, axis)
    return out if np.isfinite(out).all() else gather_sum(x, axis, index, weight)


def resample_input(y: Array, *, axis: int, index: Array, weight: Array, size: int) -> Array:
    """The transpose of `resample`: y (..., J, ...) -> (..., size, ...)."""
    out = multiply_along(matrix(index, weight, size).T, y, axis)
    return out if np.isfinite(out).all() else scatter_sum(y, axis, index, weight, size)


def matrix(index: Array, weight: Array, size: int) -> Array:
    """The weights where they belong, (J, size)."""
    out = np.zeros((index.shape[1], size))
    np.add.at(out, (np.arange(index.shape[1]), index), weight)
    return out


def multiply_along(a: Array, x: Array, axis: int) -> Array:
    """The matrix a (J, T) times x (..., T, ...) along an axis."""
    work = accumulation_dtype(x.dtype)
    before, after = math.prod(x.shape[:axis]), math.prod(x.shape[axis + 1 :])
    a, x3 = a.astype(work, copy=False), x.astype(work, copy=False).reshape(before, x.shape[axis], after)
    with np.errstate(invalid="ignore", over="ignore"):
        out: Array = x3[:, :, 0] @ a.T if after == 1 else a @ x3
        return out.reshape(*x.shape[:axis], len(a), *x.shape[axis + 1 :]).astype(x.dtype, copy=False)


def gather_sum(x: Array, axis: int, index: Array, weight: Array) -> Array:
    """`resample`, place by place."""
    work = accumulation_dtype(x.dtype)
    out = np.zeros((*x.shape[:axis], index.shape[1], *x.shape[axis + 1 :]), work)
    for places, factors in zip(index, weight, strict=True):
        out += weighted(np.take(x, places, axis), factors, axis, work)
    return out.astype(x.dtype, copy=False)


def scatter_sum(y: Array, axis: int, index: Array, weight: Array, size: int) -> Array:
    """`resample_input`, place by place."""
    work = accumulation_dtype(y.dtype)
    out = np.zeros((*y.shape[:axis], size, *y.shape[axis + 1 :]), work)
    lead = (slice(None),) * axis
    for places, factors in zip(index, weight, strict=True):
        runs = np.flatnonzero(np.diff(places, prepend=-1))  # equal places are neighbors: each run is one sum
        out[(*lead, places[runs])] += np.add.reduceat(weighted(y, factors, axis, work), runs, axis)
    return out.astype(y.dtype, copy=False)


def weighted(x: Array, factors: Array, axis: int, dtype: DType) -> Array:
    """x times a factor for each place along the axis, but 0 where the factor is 0."""
    along = factors.astype(dtype).reshape([-1 if i == axis else 1 for i in range(x.ndim)])
    return np.asarray(np.where(along == 0, 0, x).astype(dtype, copy=False) * along)

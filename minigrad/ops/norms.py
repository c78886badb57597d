"""Norms of vectors and matrices. None of them overflows before its result does. The gradient at 0 is 0."""

from __future__ import annotations

import math

import numpy as np

from minigrad.autograd.complex_numbers import conjugated
from minigrad.autograd.registry import op
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError, UsageError
from minigrad.ops.decomposition import svdvals
from minigrad.ops.elementwise import abs, sign, where
from minigrad.ops.exact_quotient import smooth_at_zero
from minigrad.ops.rearrange import moveaxis
from minigrad.ops.reduce import broadcast_reduced, max, min, sum
from minigrad.ops.shape import expand_dims, ordered_axes
from minigrad.shapes import canonical_axes, checked_keepdims, shape_of
from minigrad.typing import ArrayLike, Axis, Settings, Value


def _norm_settings(x: ArrayLike, *, axis: Axis = None, keepdims: bool = False, ord: float = 2) -> Settings:
    if np.asarray(ord).dtype.kind not in "iuf" or math.isnan(ord):
        raise UsageError(f"vector_norm: ord is a number, not {ord!r}")
    return {"axis": canonical_axes(axis, np.ndim(x)), "keepdims": checked_keepdims(keepdims), "ord": float(ord)}


@op(name="vector_norm", canonical=_norm_settings, kinks=(0.0,), complex="nonholomorphic")
def _power_norm(x: Value, *, axis: Value, keepdims: bool, ord: float) -> Value:
    """out = (sum of |x|^ord over the axes)^(1/ord). Shapes: x (...) -> x's without the axes."""
    dtype = np.result_type(x, np.float16) if x.dtype.kind in "fc" else np.dtype(np.float64)
    dtype = np.finfo(dtype).dtype  # a norm of complex numbers is real
    size = np.abs(x).astype(np.float32 if dtype == np.float16 else dtype)
    limits = np.finfo(size.dtype)
    if ord == 2:
        with np.errstate(over="ignore", under="ignore"):
            out = np.sqrt(np.sum(size * size, axis=axis, keepdims=keepdims))
        if np.all((out > math.sqrt(limits.tiny) / limits.eps) & (out < limits.max)):
            return out.astype(dtype)
    largest = np.max(size, axis=axis, keepdims=True, initial=0)
    scale = np.where((largest > 0) & np.isfinite(largest), largest, 1)
    with np.errstate(divide="ignore", under="ignore"):  # 0 to a negative power: the norm is 0
        out = np.sum((size / scale) ** ord, axis=axis, keepdims=True) ** (1 / ord) * scale
    return (out if keepdims else out.reshape([n for i, n in enumerate(out.shape) if i not in axis])).astype(dtype)


@_power_norm.vjp("x")
def _(g: Value, x: Value, out: Value, *, axis: Value, ord: float) -> Value:
    norm = broadcast_reduced(out, x.shape, axis)
    if ord == 2:
        slope = broadcast_reduced(g, x.shape, axis) * conjugated(x) / where(norm == 0, 1, norm)
        return smooth_at_zero(slope, g, x, out, "vector_norm", lambda y: broadcast_reduced(y, x.shape, axis))
    zero = x == 0
    ratio = where(zero, 1, abs(x) / where(norm == 0, 1, norm))
    return broadcast_reduced(g, x.shape, axis) * where(zero, 0, conjugated(sign(x)) * ratio ** (ord - 1))


def vector_norm(x: Value, *, axis: Value = None, keepdims: bool = False, ord: float = 2) -> Tensor:
    """out = (sum of |x|^ord over the axes)^(1/ord): the norm of vectors.

    No square overflows or vanishes. At x = 0, where a norm has no derivative, those of all orders are 0; those of its
    even powers, such as norm(x)**2, are right for ord=2.

    Args:
        x: numbers.
        axis: the axis or axes of a vector (default None: all).
        keepdims: whether these stay, with size 1 (default False).
        ord: the order; inf is the largest |x|, -inf the smallest, and 0 counts the elements that are not 0, without a
            gradient (default 2).

    Shapes: x (...) -> x's without the axes, or with size 1 there.
    """
    settings = {"axis": axis, "keepdims": keepdims}
    if ord == 0:
        return sum(abs(sign(x)), **settings)
    if ord == 1:
        return sum(abs(x), **settings)
    if ord in (math.inf, -math.inf):
        return max(abs(x), **settings) if ord > 0 else min(abs(x), **settings)
    return _power_norm(x, ord=ord, **settings)


def matrix_norm(x: Value, *, keepdims: bool = False, ord: float | str = "fro") -> Tensor:
    """A norm of each matrix of a stack.

    Args:
        x: matrices.
        keepdims: whether the last two dimensions stay, with size 1 (default False).
        ord: "fro", the root of the sum of squares; "nuc", the sum of the singular values; 2 (-2), the largest
            (smallest) of them; 1 (-1), the largest (smallest) sum of a column's absolute values; inf (-inf), that of a
            row's (default "fro").

    Shapes: x (..., M, N) -> (...), or (..., 1, 1) with `keepdims`.

    Raises:
        ShapeError: x has less than two dimensions.
        UsageError: another ord.
    """
    if len(shape_of(x)) < 2:
        raise ShapeError(f"matrix_norm needs matrices (..., M, N), got shape {shape_of(x)}")
    if ord == "fro":
        return vector_norm(x, axis=(-2, -1), keepdims=keepdims)
    extreme = max if ord in (1, 2, math.inf) else min
    if ord in (1, -1):
        out = extreme(sum(abs(x), axis=-2), axis=-1)
    elif ord in (math.inf, -math.inf):
        out = extreme(sum(abs(x), axis=-1), axis=-1)
    elif ord in (2, -2):
        out = extreme(svdvals(x), axis=-1)
    elif ord == "nuc":
        out = sum(svdvals(x), axis=-1)
    else:
        raise UsageError(f'matrix_norm: ord is "fro", "nuc", 1, -1, 2, -2, inf or -inf, not {ord!r}')
    return expand_dims(out, axis=(-2, -1)) if keepdims else out


def norm(x: Value, ord: float | str | None = None, axis: Value = None, keepdims: bool = False) -> Tensor:
    """`vector_norm` or `matrix_norm`, as `numpy.linalg.norm` chooses: by the number of axes.

    Args:
        x: numbers.
        ord: the order; None is 2 for vectors and "fro" for matrices.
        axis: one axis is a vector, two are a matrix; with None all elements are one vector unless `ord` is given, which
            then needs one or two dimensions.
        keepdims: whether the axes stay, with size 1 (default False).

    Shapes: x (...) -> x's without the axes, or with size 1 there.

    Raises:
        ShapeError: more than two axes, with an ord.
        UsageError: an ord that is not for as many axes.
    """
    ndim = len(shape_of(x))
    if axis is None and ord is None:
        return vector_norm(x, keepdims=keepdims)
    axes = tuple(range(ndim)) if axis is None else ordered_axes(axis, ndim)
    if len(axes) == 1:
        if isinstance(ord, str):
            raise UsageError(f"norm: ord {ord!r} is for matrices, which have two axes")
        return vector_norm(x, axis=axes, keepdims=keepdims, ord=2 if ord is None else ord)
    if len(axes) != 2:
        raise ShapeError(f"norm: {len(axes)} axes are neither a vector nor a matrix: name one or two with axis=")
    out = matrix_norm(moveaxis(x, axes, (-2, -1)), ord="fro" if ord is None else ord)
    return expand_dims(out, axis=sorted(axes)) if keepdims else out

"""Scans along an axis: cumulative sums and products, linear recurrences; and differences, which undo sums.

All derivatives here rest on one family that is closed under differentiation, the linear recurrence
y[k] = a[k] * y[k-1] + b[k]: run backwards it is its own transpose. It divides by nothing, so zeros need no care.
"""

from __future__ import annotations

import numpy as np

from minigrad import kernels
from minigrad.autograd.registry import op
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError, UsageError
from minigrad.ops.elementwise import subtract
from minigrad.ops.fill import ones_like, zeros_like
from minigrad.ops.index import getitem
from minigrad.ops.rearrange import flip
from minigrad.ops.shape import concat
from minigrad.shapes import canonical_axis, shape_of
from minigrad.typing import ArrayLike, DTypeLike, Settings, Value


def _scanning(x: ArrayLike, *, axis: int | None = None, dtype: DTypeLike | None = None) -> Settings:
    if axis is None and np.ndim(x) != 1:
        raise ShapeError(f"axis= is needed for an array of {np.ndim(x)} dimensions")
    settings: Settings = {"axis": canonical_axis(0 if axis is None else axis, np.ndim(x))}
    return settings if dtype is None else {**settings, "dtype": np.dtype(dtype)}


@op(name="cumulative_sum", canonical=_scanning, linear=("x",), onnx="CumSum", complex="holomorphic")
def _cumulative_sum(x: Value, *, axis: int, dtype: Value = None) -> Value:
    """out[k] = x[0] + ... + x[k] along the axis. Shapes: x (..., T, ...) -> the same."""
    if x.dtype == np.float16 and dtype is None:
        return np.cumsum(x, axis, dtype=np.float32).astype(x.dtype)
    return np.cumsum(x, axis, dtype)


@_cumulative_sum.vjp("x")
def _(g: Value, *, axis: int) -> Value:
    return flip(_cumulative_sum(flip(g, axis=axis), axis=axis), axis=axis)


@op(name="cumulative_prod", canonical=_scanning, complex="holomorphic")
def _cumulative_prod(x: Value, *, axis: int, dtype: Value = None) -> Value:
    """out[k] = x[0] * ... * x[k] along the axis. Shapes: x (..., T, ...) -> the same."""
    return np.cumprod(x, axis, dtype)


@_cumulative_prod.vjp("x")
def _(g: Value, x: Value, out: Value, *, axis: int) -> Value:
    # With h[k] = sum over i >= k of g[i] x[k+1] ... x[i] = g[k] + x[k+1] h[k+1], the cotangent is x[0] ... x[k-1] h[k].
    return shift_right(out, axis, 1) * _reverse_scan(x, g, axis)


def _recurring(a: ArrayLike, b: ArrayLike, *, axis: int) -> Settings:
    if np.shape(a) != np.shape(b):
        raise ShapeError("a and b must have one shape")
    return {"axis": canonical_axis(axis, np.ndim(a))}


@op(canonical=_recurring, complex="holomorphic")
def linear_scan(a: Value, b: Value, *, axis: int) -> Value:
    """out[k] = a[k] * out[k-1] + b[k] along the axis, from out[-1] = 0.

    Args:
        a, b: the factors and the terms.
        axis: the axis along which to go.

    Shapes: a (..., T, ...), b the same -> the same.

    Raises:
        ShapeError: a and b differ in shape.
    """
    dtype = np.result_type(a, b)
    a, b = (np.moveaxis(np.asarray(x, dtype), axis, 0) for x in (a, b))
    return np.moveaxis(kernels.linear_scan(a, b), 0, axis)


@linear_scan.vjp("a")
def _(g: Value, a: Value, out: Value, *, axis: int) -> Value:
    return _reverse_scan(a, g, axis) * shift_right(out, axis, 0)


@linear_scan.vjp("b")
def _(g: Value, a: Value, *, axis: int) -> Value:
    return _reverse_scan(a, g, axis)


def _reverse_scan(a: Value, g: Value, axis: int) -> Value:
    """h[k] = g[k] + a[k+1] * h[k+1]: the recurrence from the other end."""
    return flip(linear_scan(shift_right(flip(a, axis=axis), axis, 0), flip(g, axis=axis), axis=axis), axis=axis)


def shift_right(x: Value, axis: int, first: int) -> Value:
    """x one place later along the axis: (first, x[0], ..., x[n-2]), with first 0 or 1."""
    axis = canonical_axis(axis, len(shape_of(x)))
    head = getitem(x, index=_along(axis, slice(0, 1)))
    return concat([(ones_like if first else zeros_like)(head), getitem(x, index=_along(axis, slice(0, -1)))], axis)


def cumulative_sum(
    x: Value, axis: int | None = None, include_initial: bool = False, dtype: DTypeLike | None = None
) -> Tensor:
    """out[k] = x[0] + ... + x[k] along the axis.

    Args:
        x: numbers.
        axis: the axis along which to add up; a vector needs none (default None).
        include_initial: whether a 0 comes first (default False).
        dtype: in what to compute (default None: x's own; for small integers int64 or uint64).

    Shapes: x (..., T, ...) -> (..., T, ...), or T+1 with `include_initial`.

    Raises:
        ShapeError: x is no vector and there is no axis.
    """
    out = _cumulative_sum(x, axis=axis, dtype=dtype)
    return _with_initial(out, zeros_like, axis or 0) if include_initial else out


def cumulative_prod(
    x: Value, axis: int | None = None, include_initial: bool = False, dtype: DTypeLike | None = None
) -> Tensor:
    """out[k] = x[0] * ... * x[k] along the axis. Its gradient is right where x is 0, too.

    Args:
        x: numbers.
        axis: the axis along which to multiply; a vector needs none (default None).
        include_initial: whether a 1 comes first (default False).
        dtype: in what to compute (default None: x's own; for small integers int64 or uint64).

    Shapes: x (..., T, ...) -> (..., T, ...), or T+1 with `include_initial`.

    Raises:
        ShapeError: x is no vector and there is no axis.
    """
    out = _cumulative_prod(x, axis=axis, dtype=dtype)
    return _with_initial(out, ones_like, axis or 0) if include_initial else out


def _with_initial(out: Value, filled: Value, axis: int) -> Tensor:
    shape = list(out.shape)
    shape[axis] = 1
    return concat([filled(np.empty(shape, out.dtype)), out], axis)


def diff(x: Value, *, axis: int = -1, n: int = 1, prepend: Value = None, append: Value = None) -> Value:
    """out[k] = x[k+1] - x[k] along the axis, n times over.

    Args:
        x: numbers.
        axis: the axis along which to subtract (default -1: the last).
        n: how often (default 1).
        prepend, append: arrays that are joined to x first; nothing unless given.

    Shapes: x (..., T, ...) -> (..., T - n, ...).

    Raises:
        UsageError: n is negative.
    """
    if n < 0:
        raise UsageError(f"diff: n counts how often differences are taken, at least 0, got {n}")
    axis = canonical_axis(axis, len(shape_of(x)))
    joined = [part for part in (prepend, x, append) if part is not None]
    x = concat(joined, axis) if len(joined) > 1 else x
    for _ in range(n):
        x = subtract(getitem(x, index=_along(axis, slice(1, None))), getitem(x, index=_along(axis, slice(0, -1))))
    return x


def _along(axis: int, piece: slice) -> tuple[slice, ...]:
    return (*[slice(None)] * axis, piece)

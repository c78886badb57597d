"""Reductions: many elements into one, over some axes. `axis=None` means all; negative axes count from the end."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.autograd.elementwise import BinaryOp
from minigrad.autograd.op import Op, P
from minigrad.autograd.registry import op
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError
from minigrad.ops.elementwise import add, exp, log, maximum, minimum, multiply, subtract, where
from minigrad.ops.logic import isinf
from minigrad.ops.rearrange import flip
from minigrad.ops.scan import cumulative_prod, shift_right
from minigrad.ops.shape import broadcast_to, permute_dims, reshape
from minigrad.shapes import Shape, canonical_axes, checked_keepdims, shape_of
from minigrad.typing import ArrayLike, Axis, DTypeLike, Function, Settings, Value


def _reduction(x: ArrayLike, *, axis: Axis = None, keepdims: bool = False) -> Settings:
    return {"axis": canonical_axes(axis, np.ndim(x)), "keepdims": checked_keepdims(keepdims)}


def _accumulation(
    x: ArrayLike, *, axis: Axis = None, keepdims: bool = False, dtype: DTypeLike | None = None
) -> Settings:
    settings = {"axis": canonical_axes(axis, np.ndim(x)), "keepdims": checked_keepdims(keepdims)}
    return settings if dtype is None else {**settings, "dtype": np.dtype(dtype)}


def require_elements(what: str, shape: Shape, axis: tuple[int, ...]) -> None:
    """Refuse to choose among no elements.

    Raises:
        ShapeError: a reduced dimension has size 0.
    """
    if 0 in [shape[i] for i in axis]:
        raise ShapeError(f"the {what} of no elements does not exist: a reduced dimension has size 0")


def keepdims_shape(shape: Shape, axis: tuple[int, ...]) -> Shape:
    """The shape with size 1 at the reduced axes: what a result of `keepdims=True` has."""
    return tuple(1 if i in axis else size for i, size in enumerate(shape))


def broadcast_reduced(y: Value, shape: Shape, axis: tuple[int, ...]) -> Value:
    """A reduced `y` repeated over the axes that were reduced: the transpose of a sum."""
    return broadcast_to(reshape(y, shape=keepdims_shape(shape, axis)), shape=shape)


@op(canonical=_accumulation, linear=("x",), onnx="ReduceSum", complex="holomorphic")
def sum(x: Value, *, axis: Value, keepdims: bool, dtype: Value = None) -> Value:
    """out = sum of x over the axes.

    Args:
        x: numbers.
        axis: the axis or axes along which to reduce (default None: all).
        keepdims: whether these stay, with size 1 (default False).
        dtype: in what to compute (default None: x's own; for small integers int64 or uint64).

    Shapes: x (...) -> x's without the axes, or with size 1 there.
    """
    return x.sum(axis=axis, keepdims=keepdims, dtype=dtype)


@sum.vjp("x")
def _(g: Value, x_shape: Shape, *, axis: Value) -> Value:
    return broadcast_reduced(g, x_shape, axis)


@sum.fast_vjp("x")
def _(g: Value, x_shape: Shape, *, axis: Value) -> Value:
    return np.broadcast_to(np.reshape(g, keepdims_shape(x_shape, axis)), x_shape)


@op(canonical=_reduction, linear=("x",), onnx="ReduceMean", complex="holomorphic")
def mean(x: Value, *, axis: Value, keepdims: bool) -> Value:
    """out = sum of x over the axes / number of elements summed.

    Args:
        x: numbers.
        axis: the axis or axes along which to reduce (default None: all).
        keepdims: whether these stay, with size 1 (default False).

    Shapes: x (...) -> x's without the axes, or with size 1 there.
    """
    return np.mean(x, axis=axis, keepdims=keepdims)


@mean.vjp("x")
def _(g: Value, x_shape: Shape, *, axis: Value) -> Value:
    return broadcast_reduced(g / math.prod(x_shape[i] for i in axis), x_shape, axis)


@mean.fast_vjp("x")
def _(g: Value, x_shape: Shape, *, axis: Value) -> Value:
    each = np.reshape(g / math.prod(x_shape[i] for i in axis), keepdims_shape(x_shape, axis))
    return np.broadcast_to(each, x_shape)


def _extremum(name: str, arg: Function, larger: BinaryOp, onnx: str, canonical: Callable[P, Settings]) -> Op[P, Tensor]:
    """Largest and smallest element are one op but for the comparison: the first winner takes the gradient."""

    def by_pairs(x: Value, *, axis: Value, keepdims: bool) -> Value:
        _, rows, _ = _as_rows(x, axis)
        out = rows[..., 0]
        for k in range(1, rows.shape[-1]):
            out = larger(out, rows[..., k])
        return reshape(out, shape=keepdims_shape(x.shape, axis)) if keepdims else out

    def forward(x: Value, *, axis: Value, keepdims: bool) -> Value:
        require_elements(name, np.shape(x), axis)
        moved, rows, last = _as_rows(np.asarray(x), axis)
        first = arg(rows, axis=-1, keepdims=True)
        chosen = np.zeros(rows.shape, bool)
        np.put_along_axis(chosen, first, True, axis=-1)
        out = np.take_along_axis(rows, first, axis=-1)[..., 0]
        out = out.reshape(keepdims_shape(np.shape(x), axis)) if keepdims else out
        return out, np.transpose(chosen.reshape(moved.shape), np.argsort(last))

    forward.__doc__ = f"""out = {name} of x over the axes; at a tie the first in row-major order gets the gradient.

    Args:
        x: numbers.
        axis: the axis or axes along which to reduce (default None: all).
        keepdims: whether these stay, with size 1 (default False).

    Shapes: x (...) -> x's without the axes, or with size 1 there.

    Raises:
        ShapeError: there are no elements to choose from.
    """
    stated = op(name=name, canonical=canonical, residuals=("chosen",), reference=by_pairs, kinks="ties", onnx=onnx)
    result = stated(forward)

    @result.vjp("x")
    def _(g: Value, chosen: Value, x_shape: Shape, *, axis: Value) -> Value:
        return where(chosen, broadcast_reduced(g, x_shape, axis), 0)

    return result


max = _extremum("max", np.argmax, maximum, "ReduceMax", _reduction)
min = _extremum("min", np.argmin, minimum, "ReduceMin", _reduction)


@op(canonical=_reduction, non_differentiable=("x",), complex="nonholomorphic")
def any(x: Value, *, axis: Value, keepdims: bool) -> Value:
    """Whether some element over the axes is not zero.

    Args:
        x: numbers.
        axis: the axis or axes along which to reduce (default None: all).
        keepdims: whether these stay, with size 1 (default False).

    Shapes: x (...) -> x's without the axes, or with size 1 there.
    """
    return np.any(x, axis=axis, keepdims=keepdims)


@op(canonical=_reduction, non_differentiable=("x",), complex="nonholomorphic")
def all(x: Value, *, axis: Value, keepdims: bool) -> Value:
    """Whether all elements over the axes are not zero.

    Args:
        x: numbers.
        axis: the axis or axes along which to reduce (default None: all).
        keepdims: whether these stay, with size 1 (default False).

    Shapes: x (...) -> x's without the axes, or with size 1 there.
    """
    return np.all(x, axis=axis, keepdims=keepdims)


@op(canonical=_reduction, non_differentiable=("x",), complex="nonholomorphic")
def count_nonzero(x: Value, *, axis: Value, keepdims: bool) -> Value:
    """How many elements over the axes are not zero.

    Args:
        x: numbers.
        axis: the axis or axes along which to reduce (default None: all).
        keepdims: whether these stay, with size 1 (default False).

    Shapes: x (...) -> x's without the axes, or with size 1 there.
    """
    return np.count_nonzero(x, axis=axis, keepdims=keepdims) if np.ndim(x) else np.asarray(x != 0).astype(np.intp)


# ---- logarithms of sums --------------------------------------------------------------------------------------


def _logsumexp_by_log(x: Value, *, axis: Value, keepdims: bool) -> Value:
    if 0 in [shape_of(x)[i] for i in axis]:
        return log(sum(exp(x), axis=axis, keepdims=keepdims))
    largest = max(x, axis=axis, keepdims=True)
    out = add(log(sum(exp(subtract(x, largest)), axis=axis, keepdims=True)), largest)
    return out if keepdims else reshape(out, shape=[n for i, n in enumerate(shape_of(out)) if i not in axis])


@op(canonical=_reduction, reference=_logsumexp_by_log, onnx="ReduceLogSumExp")
def logsumexp(x: Value, *, axis: Value, keepdims: bool) -> Value:
    """out = log of the sum of exp(x) over the axes, without overflow.

    Its gradient is the softmax of x, in which infinities share evenly. The result for no elements is -inf.

    Args:
        x: numbers.
        axis: the axis or axes along which to reduce (default None: all).
        keepdims: whether these stay, with size 1 (default False).

    Shapes: x (...) -> x's without the axes, or with size 1 there.
    """
    x = x if x.dtype.kind == "f" else np.asarray(x, np.float64)
    largest = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(largest), largest, 0).astype(x.dtype)
    with np.errstate(divide="ignore"):  # the logarithm of 0, when all are -inf
        out = np.log(np.exp(x - shift).sum(axis=axis, keepdims=True)) + shift
    return out if keepdims else out.reshape([n for i, n in enumerate(out.shape) if i not in axis])


@logsumexp.vjp("x")
def _(g: Value, x: Value, out: Value, *, axis: Value) -> Value:
    largest = broadcast_reduced(out, x.shape, axis)
    same = (x == largest) & isinf(x)
    weight = exp(where(same, 0, x) - where(same, 0, largest))
    sharing = maximum(sum(same, axis=axis, keepdims=True), 1).astype(g.dtype)
    return broadcast_reduced(g, x.shape, axis) * weight / sharing


# ---- products ------------------------------------------------------------------------------------------------


@op(canonical=_accumulation, onnx="ReduceProd", complex="holomorphic")
def prod(x: Value, *, axis: Value, keepdims: bool, dtype: Value = None) -> Value:
    """out = product of x over the axes. Its gradient is right where elements are 0, too.

    Args:
        x: numbers.
        axis: the axis or axes along which to reduce (default None: all).
        keepdims: whether these stay, with size 1 (default False).
        dtype: in what to compute (default None: x's own; for small integers int64 or uint64).

    Shapes: x (...) -> x's without the axes, or with size 1 there.
    """
    return np.prod(x, axis=axis, keepdims=keepdims, dtype=dtype)


@prod.vjp("x")
def _(g: Value, x: Value, *, axis: Value) -> Value:
    return multiply(broadcast_reduced(g, x.shape, axis), _product_of_others(x, axis))


def _product_of_others(x: Value, axis: tuple[int, ...]) -> Value:
    """For each element the product of all others over the axes, right also where elements are zero.

    Products from the left and from the right: others[k] = (x[0] ... x[k-1]) * (x[k+1] ... x[n-1]).
    """
    moved, rows, last = _as_rows(x, axis)
    left, right = [shift_right(cumulative_prod(y, axis=-1), -1, 1) for y in (rows, flip(rows, axis=-1))]
    others = multiply(left, flip(right, axis=-1))
    return permute_dims(reshape(others, shape=moved.shape), axes=tuple(np.argsort(last).tolist()))


def _as_rows(x: Value, axis: tuple[int, ...]) -> tuple[Any, Any, list[int]]:
    """x with the reduced axes moved to the end; then also joined into one; and the order that the axes have there."""
    last = [i for i in range(x.ndim) if i not in axis] + list(axis)
    moved = permute_dims(x, axes=tuple(last))
    rows = reshape(moved, shape=(*moved.shape[: x.ndim - len(axis)], math.prod(x.shape[i] for i in axis)))
    return moved, rows, last

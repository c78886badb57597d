"""Reductions: many elements into one, over some axes. `axis=None` means all; negative axes count from the end."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.op import Op, op
from minigrad.ops.elementwise import divide, exp, multiply, sqrt, square, subtract, where, zeros_like
from minigrad.ops.shape import broadcast_to, reshape
from minigrad.shapes import Shape, canonical_axes, canonical_axis
from minigrad.tensor import Tensor


def _reduction(x: Any, *, axis: Any = None, keepdims: bool = False) -> dict[str, Any]:
    return {"axis": canonical_axes(axis, np.ndim(x)), "keepdims": bool(keepdims)}


def _arg_reduction(x: Any, *, axis: Any = None, keepdims: bool = False) -> dict[str, Any]:
    return {"axis": None if axis is None else canonical_axis(axis, np.ndim(x)), "keepdims": bool(keepdims)}


def kept_shape(shape: Shape, axis: tuple[int, ...]) -> Shape:
    """The shape with size 1 at the reduced axes: what a result of `keepdims=True` has."""
    return tuple(1 if i in axis else size for i, size in enumerate(shape))


def expanded(y: Any, shape: Shape, axis: tuple[int, ...]) -> Any:
    """A reduced `y` repeated over the axes that were reduced: the transpose of a sum."""
    return broadcast_to(reshape(y, shape=kept_shape(shape, axis)), shape=shape)


@op(canonical=_reduction, linear=("x",), onnx="ReduceSum")
def sum(x: Any, *, axis: Any, keepdims: bool) -> Any:
    """out = sum of x over the axes."""
    return x.sum(axis=axis, keepdims=keepdims)


@sum.vjp("x")
def _(g: Any, x_shape: Shape, *, axis: Any) -> Any:
    return expanded(g, x_shape, axis)


@sum.fast_vjp("x")
def _(g: Any, x_shape: Shape, *, axis: Any) -> Any:
    return np.broadcast_to(np.reshape(g, kept_shape(x_shape, axis)), x_shape)


@op(canonical=_reduction, linear=("x",), onnx="ReduceMean")
def mean(x: Any, *, axis: Any, keepdims: bool) -> Any:
    """out = sum of x over the axes / number of elements summed."""
    return np.mean(x, axis=axis, keepdims=keepdims)


@mean.vjp("x")
def _(g: Any, x_shape: Shape, *, axis: Any) -> Any:
    return expanded(g / math.prod(x_shape[i] for i in axis), x_shape, axis)


@mean.fast_vjp("x")
def _(g: Any, x_shape: Shape, *, axis: Any) -> Any:
    each = np.reshape(g / math.prod(x_shape[i] for i in axis), kept_shape(x_shape, axis))
    return np.broadcast_to(each, x_shape)


def _extremum(name: str, arg: Any, onnx: str) -> Op:
    """Largest and smallest element are one op but for the comparison: the first winner takes the gradient."""

    def forward(x: Any, *, axis: Any, keepdims: bool) -> Any:
        last = [i for i in range(np.ndim(x)) if i not in axis] + list(axis)
        moved = np.transpose(x, last)
        rows = moved.reshape(*moved.shape[: moved.ndim - len(axis)], math.prod(np.shape(x)[i] for i in axis))
        first = arg(rows, axis=-1, keepdims=True)
        chosen = np.zeros(rows.shape, bool)
        np.put_along_axis(chosen, first, True, axis=-1)
        out = np.take_along_axis(rows, first, axis=-1)[..., 0]
        out = out.reshape(kept_shape(np.shape(x), axis)) if keepdims else out
        return out, np.transpose(chosen.reshape(moved.shape), np.argsort(last))

    forward.__doc__ = f"out = {name} of x over the axes; at a tie the first one, in row-major order, gets the gradient."
    result = op(name=name, canonical=_reduction, keeps=("chosen",), onnx=onnx)(forward)

    @result.vjp("x")
    def _(g: Any, chosen: Any, x_shape: Shape, *, axis: Any) -> Any:
        return where(chosen, expanded(g, x_shape, axis), 0)

    return result


max = _extremum("max", np.argmax, "ReduceMax")
min = _extremum("min", np.argmin, "ReduceMin")


@op(canonical=_arg_reduction, non_differentiable=("x",), onnx="ArgMax")
def argmax(x: Any, *, axis: int | None, keepdims: bool) -> Any:
    """Where the first largest element is along an axis (None: in the flattened array)."""
    return np.argmax(x, axis=axis, keepdims=keepdims)


@op(canonical=_arg_reduction, non_differentiable=("x",), onnx="ArgMin")
def argmin(x: Any, *, axis: int | None, keepdims: bool) -> Any:
    """Where the first smallest element is along an axis (None: in the flattened array)."""
    return np.argmin(x, axis=axis, keepdims=keepdims)


@op(canonical=_reduction, non_differentiable=("x",))
def any(x: Any, *, axis: Any, keepdims: bool) -> Any:
    """Whether some element over the axes is not zero."""
    return np.any(x, axis=axis, keepdims=keepdims)


@op(canonical=_reduction, non_differentiable=("x",))
def all(x: Any, *, axis: Any, keepdims: bool) -> Any:
    """Whether all elements over the axes are not zero."""
    return np.all(x, axis=axis, keepdims=keepdims)


def var(x: Any, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """Variance over axes: sum of (x - mean)^2 over (count - correction)."""
    axes = canonical_axes(axis, x.ndim)
    count = math.prod(x.shape[i] for i in axes)
    deviation = subtract(x, mean(x, axis=axes, keepdims=True))
    return divide(sum(square(deviation), axis=axes, keepdims=keepdims), count - correction)


def std(x: Any, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """Standard deviation over axes: the square root of `var`."""
    return sqrt(var(x, axis=axis, correction=correction, keepdims=keepdims))


@op(canonical=_reduction, onnx="ReduceProd")
def prod(x: Any, *, axis: Any, keepdims: bool) -> Any:
    """out = product of x over the axes."""
    return np.prod(x, axis=axis, keepdims=keepdims)


@prod.vjp("x")
def _(g: Any, x: Any, *, axis: Any) -> Any:
    return multiply(expanded(g, x.shape, axis), _product_of_others(x, axis))


def _product_of_others(x: Any, axis: tuple[int, ...]) -> Any:
    """For each element the product of all others over the axes, right also where elements are zero.

    Element by element, from the left and from the right: others[k] = x[0]...x[k-1] * x[k+1]...x[n-1].
    """
    from minigrad.ops.index import getitem
    from minigrad.ops.shape import permute_dims, stack

    last = [i for i in range(x.ndim) if i not in axis] + list(axis)
    moved = permute_dims(x, axes=tuple(last))
    count = math.prod(x.shape[i] for i in axis)
    rows = reshape(moved, shape=(*moved.shape[: moved.ndim - len(axis)], count))
    if count == 0:
        return x
    items = [getitem(rows, index=(..., k)) for k in range(count)]
    one = exp(zeros_like(items[0]))
    left, right = [one], [one]
    for k in range(count - 1):
        left.append(left[-1] * items[k])
        right.append(right[-1] * items[count - 1 - k])
    others = stack([left[k] * right[count - 1 - k] for k in range(count)], axis=-1)
    return permute_dims(reshape(others, shape=moved.shape), axes=tuple(np.argsort(last).tolist()))

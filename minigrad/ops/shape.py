"""Reshaping, transposing, broadcasting, joining and casting: linear ops, whose rules are the ops that undo them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from minigrad import kernels
from minigrad.autograd.array_protocol import check_device
from minigrad.autograd.complex_numbers import conjugated, is_complex
from minigrad.autograd.registry import op
from minigrad.autograd.tensor import Tensor
from minigrad.errors import DTypeError, ShapeError
from minigrad.shapes import Shape, canonical_axes, canonical_axis, shape_of
from minigrad.typing import ArrayLike, DTypeLike, Settings, Value


def _to_shape(x: ArrayLike, *, shape: Value) -> Settings:
    shape = (shape,) if isinstance(shape, int) else shape
    return {"shape": tuple([size.__index__() for size in shape])}


def _reshaping(x: ArrayLike, *, shape: Value, copy: bool | None = None) -> Settings:
    if copy is False:
        np.reshape(np.asarray(x), shape, copy=False)  # which raises where it has to copy
    shape = (shape,) if isinstance(shape, int) else shape
    return {"shape": tuple([size.__index__() for size in shape])}


@op(canonical=_reshaping, linear=("x",), onnx="Reshape", complex="holomorphic")
def reshape(x: Value, *, shape: Shape) -> Value:
    """The same elements, in row-major order, in another shape.

    Args:
        x: numbers.
        shape: the sizes; one may be -1 and is worked out.
        copy: False to refuse what has to be copied; True makes no difference that shows, as values are not written to
            (default None: a copy where one is needed).

    Shapes: any -> `shape`.

    Raises:
        ValueError: `copy=False` where the memory does not allow it.
    """
    return np.reshape(x, shape)


@reshape.vjp("x")
def _(g: Value, x_shape: Shape) -> Value:
    return reshape(g, shape=x_shape)


def _permutation(x: ArrayLike, *, axes: Value = None) -> Settings:
    ndim = np.ndim(x)
    if axes is None:
        return {"axes": tuple(range(ndim))[::-1]}
    order = tuple([canonical_axis(a, ndim) for a in axes])
    if sorted(order) != list(range(ndim)):
        raise ShapeError(f"axes {tuple(axes)} are no reordering of the {ndim} dimensions")
    return {"axes": order}


@op(canonical=_permutation, linear=("x",), onnx="Transpose", complex="holomorphic")
def permute_dims(x: Value, *, axes: tuple[int, ...]) -> Value:
    """The dimensions in another order: dimension i of the result is dimension axes[i] of x.

    Args:
        x: numbers.
        axes: all dimensions in their new order (default None: reversed).

    Shapes: x (...) -> its sizes in that order.

    Raises:
        ShapeError: the axes are no reordering of the dimensions.
    """
    return np.transpose(x, axes)


@permute_dims.vjp("x")
def _(g: Value, *, axes: tuple[int, ...]) -> Value:
    return permute_dims(g, axes=tuple([axes.index(i) for i in range(len(axes))]))


@op(canonical=_to_shape, linear=("x",), onnx="Expand", complex="holomorphic")
def broadcast_to(x: Value, *, shape: Shape) -> Value:
    """Repeated, without a copy, along new leading dimensions and along those of size 1.

    Args:
        x: numbers.
        shape: the sizes of the result.

    Shapes: any -> `shape`.
    """
    return np.broadcast_to(x, shape)


@broadcast_to.vjp("x")
def _(g: Value, x_shape: Shape) -> Value:
    return sum_to(g, shape=x_shape)


@op(canonical=_to_shape, linear=("x",), complex="holomorphic")
def sum_to(x: Value, *, shape: Shape) -> Value:
    """Summed over what broadcasting from `shape` to x's shape repeated: the transpose of `broadcast_to`.

    Args:
        x: numbers.
        shape: the sizes of the result.

    Shapes: any to which `shape` broadcasts -> `shape`.
    """
    lead = np.ndim(x) - len(shape)
    axes = (*range(lead), *[i + lead for i, size in enumerate(shape) if size == 1 and np.shape(x)[i + lead] != 1])
    return np.sum(x, axis=axes, keepdims=True).reshape(shape) if axes else np.reshape(x, shape)


@sum_to.vjp("x")
def _(g: Value, x_shape: Shape) -> Value:
    return broadcast_to(g, shape=x_shape)


def _casting(x: Value, *, dtype: DTypeLike, copy: bool = True, device: str | None = None) -> Settings:
    check_device(device)
    return {"dtype": np.dtype(dtype)}


@op(canonical=_casting, onnx="Cast", complex="holomorphic")
def astype(x: Value, *, dtype: Value) -> Value:
    """Converted to another dtype; the gradient comes back in x's own.

    Args:
        x: numbers.
        dtype: that of the result.
        copy: whether it is new where x has the dtype already; no difference shows, as values are not written to
            (default True).
        device: "cpu", the only one (default None: the same).

    Shapes: any -> the same.

    Raises:
        DTypeError: from complex numbers to real ones.
    """
    if is_complex(x) and dtype.kind in "fiu":
        raise DTypeError(f"complex numbers do not become {dtype}: take real(), imag() or abs() of them")
    return np.asarray(x).astype(dtype, copy=False)


@astype.vjp("x")
def _(g: Value) -> Value:
    return g


def _joining(*xs: ArrayLike, axis: int = 0) -> Settings:
    if not xs:
        raise ShapeError("there is nothing to join: give at least one array")
    return {"axis": canonical_axis(axis, np.ndim(xs[0]))}


@op(name="concat", canonical=_joining, linear=("xs",), onnx="Concat", complex="holomorphic")
def _concat(*xs: Value, axis: int) -> Value:
    """Joined one after the other along an existing axis.

    Shapes: equal but along `axis` -> the same with the sum of these sizes there.
    """
    return kernels.concatenate(*xs, axis=axis)


@_concat.vjp("xs")
def _(g: Value, i: int, xs_shape: tuple[Shape, ...], *, axis: int) -> Value:
    from minigrad.ops.index import getitem

    start = sum([shape[axis] for shape in xs_shape[:i]])
    return getitem(g, index=(*[slice(None)] * axis, slice(start, start + xs_shape[i][axis])))


def concat(xs: Sequence[Value], axis: int | None = 0) -> Tensor:
    """Joined one after the other along an existing axis.

    Args:
        xs: the arrays.
        axis: the axis; None joins them flattened (default 0).

    Shapes: equal but along `axis` -> the same with the sum of these sizes there.

    Raises:
        ShapeError: there is nothing to join, or the other sizes differ.
    """
    if axis is None:
        return _concat(*[reshape(x, shape=(-1,)) for x in xs], axis=0)
    return _concat(*xs, axis=axis)


def stack(xs: Sequence[Value], axis: int = 0) -> Tensor:
    """Joined along a new axis.

    Args:
        xs: the arrays.
        axis: where the new axis stands in the result (default 0).

    Shapes: n times (...) -> (n, ...), with the n at `axis`.

    Raises:
        ShapeError: there is nothing to join, or the shapes differ.
    """
    return concat([expand_dims(x, axis=axis) for x in xs], axis=axis)


def expand_dims(x: Value, axis: Value) -> Tensor:
    """With new dimensions of size 1.

    Args:
        x: numbers.
        axis: where they stand in the result.

    Shapes: x (...) -> (..., 1, ...).

    Raises:
        ShapeError: the result has no such dimensions.
    """
    count = 1 if isinstance(axis, int) else len(axis)
    new = canonical_axes(axis, len(shape_of(x)) + count)
    sizes = iter(shape_of(x))
    return reshape(x, shape=tuple([1 if i in new else next(sizes) for i in range(len(shape_of(x)) + count)]))


def squeeze(x: Value, axis: Value = None) -> Tensor:
    """Without dimensions of size 1.

    Args:
        x: numbers.
        axis: the dimensions, which must have size 1 (default None: all that have).

    Shapes: x (..., 1, ...) -> (...).

    Raises:
        ShapeError: one of them has another size.
    """
    shape = shape_of(x)
    axes = [i for i, size in enumerate(shape) if size == 1] if axis is None else canonical_axes(axis, len(shape))
    wrong = [i for i in axes if shape[i] != 1]
    if wrong:
        raise ShapeError(f"squeeze: dimension {wrong[0]} of shape {shape} has size {shape[wrong[0]]}, not 1")
    return reshape(x, shape=tuple([size for i, size in enumerate(shape) if i not in axes]))


def flatten(x: Value, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Some dimensions, which follow one another, joined into one.

    Args:
        x: numbers.
        start_dim: the first (default 0).
        end_dim: the last (default -1).

    Shapes: x (...) -> with their product in their place.

    Raises:
        ShapeError: start_dim lies behind end_dim, or one does not exist.
    """
    shape = shape_of(x)
    if not shape:
        return reshape(x, shape=(1,))
    first, last = canonical_axis(start_dim, len(shape)), canonical_axis(end_dim, len(shape))
    if first > last:
        raise ShapeError(f"flatten: start_dim {start_dim} lies behind end_dim {end_dim} for shape {shape}")
    return reshape(x, shape=(*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))


def matrix_transpose(x: Value) -> Tensor:
    """out[..., j, i] = x[..., i, j]: the last two dimensions exchanged.

    Args:
        x: matrices.

    Shapes: x (..., I, J) -> (..., J, I).

    Raises:
        ShapeError: x has less than 2 dimensions.
    """
    ndim = len(shape_of(x))
    if ndim < 2:
        raise ShapeError(f"matrix_transpose needs at least 2 dimensions, got shape {shape_of(x)}")
    return permute_dims(x, axes=(*range(ndim - 2), ndim - 1, ndim - 2))


def adjoint(x: Value) -> Value:
    """The conjugate transpose of matrices; of real ones, the transpose."""
    return conjugated(matrix_transpose(x))


def ordered_axes(axis: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    """Axes as non-negative numbers, in the order in which they are named.

    Raises:
        ShapeError: an axis is out of range or named twice.
    """
    canonical_axes(axis, ndim)
    return tuple([canonical_axis(a, ndim) for a in (axis if isinstance(axis, Sequence) else (axis,))])

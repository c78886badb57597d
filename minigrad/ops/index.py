"""Indexing as in NumPy (basic, advanced, boolean), its transpose, and the functions that are made of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.batched_array import BatchedArray
from minigrad.autograd.registry import op
from minigrad.autograd.tensor import Tensor, as_array, copy_if_writable, wrap
from minigrad.errors import DTypeError, ShapeError
from minigrad.kernels import index as kernels
from minigrad.shapes import Shape, canonical_axis, shape_of
from minigrad.typing import ArrayLike, Settings, Value


def canonical_index(index: Value) -> Value:
    """An index that holds only what NumPy knows: Tensors and lists in it become arrays.

    Raises:
        DTypeError: an index of floating numbers.
    """
    if isinstance(index, tuple):
        return tuple([canonical_index(part) for part in index])
    if index is None or index is Ellipsis or isinstance(index, (int, slice)):
        return index
    if isinstance(index, (Tensor, BatchedArray)):
        array: Any = index._data if isinstance(index, Tensor) else index
    else:
        array = np.asarray(index)
    if array.size == 0 and isinstance(index, (list, tuple)):
        return array.astype(np.intp)
    if array.dtype.kind not in "iub":
        raise DTypeError(f"an index is made of integers or booleans, not {array.dtype}: use .astype(int)")
    return copy_if_writable(array)


def _indexing(x: ArrayLike, *, index: Value) -> Settings:
    return {"index": canonical_index(index)}


def _scattering(x: ArrayLike, *, index: Value, shape: Shape) -> Settings:
    return {"index": canonical_index(index), "shape": tuple(shape)}


@op(canonical=_indexing, linear=("x",), complex="holomorphic")
def getitem(x: Value, *, index: Value) -> Value:
    """out = x[index], as NumPy has it.

    Args:
        x: numbers.
        index: what stands in the brackets: numbers, slices, arrays of integers or booleans, and tuples of these.

    Shapes: x (...) -> what NumPy's brackets give.

    Raises:
        DTypeError: an index of floating numbers.
    """
    return x[index]


@getitem.vjp("x")
def _(g: Value, x_shape: Shape, *, index: Value) -> Value:
    return scatter_add(g, index=index, shape=x_shape)


@op(canonical=_scattering, linear=("x",), complex="holomorphic")
def scatter_add(x: Value, *, index: Value, shape: Shape) -> Value:
    """out = zeros, with x added at `index`, twice where it is named twice: the transpose of `getitem`.

    Args:
        x: numbers.
        index: as for `getitem`.
        shape: the sizes of the result.

    Shapes: x as `zeros(shape)[index]` -> `shape`.

    Raises:
        DTypeError: an index of floating numbers.
    """
    if may_repeat(index):
        return kernels.sums_at(x, index, shape)
    out = np.zeros(shape, x.dtype)
    out[index] = x
    return out


@scatter_add.vjp("x")
def _(g: Value, *, index: Value) -> Value:
    return getitem(g, index=index)


def may_repeat(index: Value) -> bool:
    """Only integer arrays can name an element twice; slices, numbers and masks cannot."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(part, (np.ndarray, BatchedArray)) and part.dtype.kind in "iu" for part in parts)


def take(x: Value, indices: Value, axis: int | None = None) -> Tensor:
    """The slices of x at `indices` along an axis, in that order and as often as they are named.

    Args:
        x: numbers.
        indices: their positions, integers.
        axis: the axis; a vector needs none (default None).

    Shapes: x (..., T, ...), indices (M) -> (..., M, ...).

    Raises:
        DTypeError: indices that are not integers.
        IndexError: an index is out of range.
        ShapeError: x is no vector and there is no axis.
    """
    shape = shape_of(x)
    if axis is None and len(shape) != 1:
        raise ShapeError(f"take: axis= is needed for an array of {len(shape)} dimensions")
    axis = canonical_axis(axis or 0, len(shape))
    return getitem(x, index=(*[slice(None)] * axis, _integers(indices)))


def take_along_axis(x: Value, indices: Value, axis: int = -1) -> Tensor:
    """out[i, j] = x[i, indices[i, j]] for axis 1, and so on: each row of x is indexed by its own row of indices.

    Args:
        x: numbers.
        indices: positions along the axis, integers.
        axis: the axis (default -1: the last).

    Shapes: x (..., T, ...), indices (..., M, ...) -> (..., M, ...); the other dimensions broadcast.

    Raises:
        DTypeError: indices that are not integers.
        IndexError: an index is out of range.
        ShapeError: x and indices differ in their number of dimensions.
    """
    indices = _integers(indices)
    shape, ndim = shape_of(x), indices.ndim
    if len(shape) != ndim:
        raise ShapeError(f"take_along_axis: x has {len(shape)} dimensions, but the indices have {ndim}")
    axis = canonical_axis(axis, ndim)
    rows = np.broadcast_shapes(*[(*s[:axis], 1, *s[axis + 1 :]) for s in (shape, indices.shape)])
    index: list[Any] = [
        np.minimum(np.arange(count), size - 1).reshape([-1 if k == d else 1 for k in range(ndim)])
        for d, (count, size) in enumerate(zip(rows, shape, strict=True))
    ]
    index[axis] = indices
    return getitem(x, index=tuple(index))


def nonzero(x: Value) -> tuple[Value, ...]:
    """The positions at which x is not 0: for each dimension an array of them, in row-major order, without gradients.

    Args:
        x: numbers.

    Shapes: x with n dimensions -> n times (how many there are).

    Raises:
        ShapeError: x has no dimensions.
    """
    if not shape_of(x):
        raise ShapeError("nonzero: an array without dimensions has no positions: compare it with 0")
    if isinstance(x, Tensor):
        return tuple([wrap(positions) for positions in np.nonzero(np.asarray(as_array(x)))])
    return np.nonzero(x)


def _integers(indices: Value) -> Value:
    """Indices as an array of integers; booleans would be a mask."""
    array = canonical_index(indices if not isinstance(indices, int) else np.asarray(indices))
    if array.dtype.kind == "b":
        raise DTypeError("indices are integers, not booleans: use x[mask]")
    return array

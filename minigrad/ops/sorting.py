"""Sorting and searching. Equal elements keep their order (stable), and NaN counts as the largest number."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minigrad.autograd.registry import op
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError, UsageError
from minigrad.ops.index import getitem, take_along_axis
from minigrad.ops.reduce import require_elements
from minigrad.shapes import canonical_axes, canonical_axis, checked_keepdims
from minigrad.typing import ArrayLike, Settings, Value


def _sorting(x: ArrayLike, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Settings:
    return {"axis": canonical_axis(axis, np.ndim(x)), "descending": bool(descending), "stable": bool(stable)}


def _order(x: Value, axis: int, descending: bool) -> Value:
    """The positions that sort x; always stably, which `stable=False` allows as well."""
    if not descending:
        return np.argsort(x, axis=axis, kind="stable")
    return np.flip(np.shape(x)[axis] - 1 - np.argsort(np.flip(x, axis), axis=axis, kind="stable"), axis)


def _by_taking(x: Value, *, axis: int, descending: bool, stable: bool) -> Value:
    return take_along_axis(x, argsort(x, axis=axis, descending=descending, stable=stable), axis=axis)


@op(canonical=_sorting, residuals=("order",), reference=_by_taking, kinks="ties")
def sort(x: Value, *, axis: int, descending: bool, stable: bool) -> Value:
    """The elements in order along an axis: a permutation, and its derivative is the same one.

    At a tie the elements keep their order, and so do their cotangents.

    Args:
        x: numbers.
        axis: the axis (default -1: the last).
        descending: whether the order is falling (default False).
        stable: equal elements always keep their order; False allows others, and changes nothing (default True).

    Shapes: x (..., T, ...) -> the same.
    """
    order = _order(x, axis, descending)
    return np.take_along_axis(x, order, axis), order


@sort.vjp("x")
def _(g: Value, order: Value, *, axis: int) -> Value:
    return take_along_axis(g, np.argsort(order, axis=axis), axis=axis)


@op(canonical=_sorting, non_differentiable=("x",))
def argsort(x: Value, *, axis: int, descending: bool, stable: bool) -> Value:
    """The positions that sort x along an axis, equal elements in their order.

    Args:
        x: numbers.
        axis: the axis (default -1: the last).
        descending: whether the order is falling (default False).
        stable: equal elements always keep their order; False allows others, and changes nothing (default True).

    Shapes: x (..., T, ...) -> the same.
    """
    return _order(x, axis, descending)


class TopK(NamedTuple):
    """What `topk` gives."""

    values: Tensor
    indices: Tensor


def topk(x: Value, k: int, axis: int = -1, largest: bool = True, sorted: bool = True) -> TopK:
    """The k largest elements along an axis, and where they are: each passes its cotangent on to its place.

    NaN counts as the largest number. Of equal elements the first are taken.

    Args:
        x: numbers.
        k: how many, at most as many as there are.
        axis: the axis (default -1: the last).
        largest: False for the smallest (default True).
        sorted: in their order, the most extreme first; False allows others, and changes nothing (default True).

    Shapes: x (..., T, ...) -> values and indices (..., k, ...).

    Raises:
        ShapeError: k is larger than the axis, or negative.

    >>> from minigrad import Tensor
    >>> topk(Tensor([3.0, 1.0, 2.0]), 2).indices.tolist()
    [0, 2]
    """
    axis = canonical_axis(axis, np.ndim(x))
    length = np.shape(x)[axis]
    if not 0 <= k <= length:
        raise ShapeError(f"topk: k={k} elements of axis {axis}, which has {length} (shape {np.shape(x)})")
    order = argsort(x, axis=axis, descending=largest)
    indices = getitem(order, index=(*[slice(None)] * axis, slice(k)))
    return TopK(take_along_axis(x, indices, axis=axis), indices)


def _searching(x: ArrayLike, y: ArrayLike, *, side: str = "left", sorter: Value = None) -> Settings:
    if np.ndim(x) != 1:
        raise ShapeError(f"the sorted x must be a vector, not of shape {np.shape(x)}")
    if side not in ("left", "right"):
        raise UsageError(f'side is "left" or "right", not {side!r}')
    return {"side": side, "sorter": sorter.data if isinstance(sorter, Tensor) else sorter}


@op(canonical=_searching, non_differentiable=("x", "y"))
def searchsorted(x: Value, y: Value, *, side: Value, sorter: Value) -> Value:
    """Where each y belongs in the sorted x: the number of elements of x below y.

    Args:
        x: the sorted numbers; with `sorter` it is x[sorter] that is sorted.
        y: the numbers to place.
        side: "left", or "right" to count elements equal to y, too (default "left").
        sorter: the positions that sort x, as of `argsort`; x is sorted unless given.

    Shapes: x (T), y (...) -> (...).

    Raises:
        ShapeError: x is no vector.
        UsageError: another side.
    """
    return np.searchsorted(x, y, side, sorter)


def _arg_reduction(x: ArrayLike, *, axis: int | None = None, keepdims: bool = False) -> Settings:
    axis = None if axis is None else canonical_axis(axis, np.ndim(x))
    require_elements("position of an extremum", np.shape(x), canonical_axes(axis, np.ndim(x)))
    return {"axis": axis, "keepdims": checked_keepdims(keepdims)}


@op(canonical=_arg_reduction, non_differentiable=("x",), onnx="ArgMax")
def argmax(x: Value, *, axis: int | None, keepdims: bool) -> Value:
    """The position of the first largest element along an axis.

    Args:
        x: numbers.
        axis: the axis along which to search (default None: in the flattened array).
        keepdims: whether it stays, with size 1 (default False).

    Shapes: x (...) -> x's without the axis, or with size 1 there.

    Raises:
        ShapeError: there are no elements along the axis.
    """
    return np.argmax(x, axis=axis, keepdims=keepdims)


@op(canonical=_arg_reduction, non_differentiable=("x",), onnx="ArgMin")
def argmin(x: Value, *, axis: int | None, keepdims: bool) -> Value:
    """The position of the first smallest element along an axis.

    Args:
        x: numbers.
        axis: the axis along which to search (default None: in the flattened array).
        keepdims: whether it stays, with size 1 (default False).

    Shapes: x (...) -> x's without the axis, or with size 1 there.

    Raises:
        ShapeError: there are no elements along the axis.
    """
    return np.argmin(x, axis=axis, keepdims=keepdims)

"""Indexing: what NumPy's brackets do (basic, advanced, boolean), and its transpose."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.errors import DTypeError
from minigrad.op import op
from minigrad.shapes import Shape
from minigrad.tensor import Tensor, own


def canonical_index(index: Any) -> Any:
    """An index that holds only what NumPy knows: Tensors and lists in it become arrays.

    Raises:
        DTypeError: an index of floating numbers.
    """
    if isinstance(index, tuple):
        return tuple([canonical_index(part) for part in index])
    if index is None or index is Ellipsis or isinstance(index, (int, slice)):
        return index
    array = index._data if isinstance(index, Tensor) else np.asarray(index)
    if array.size == 0 and isinstance(index, (list, tuple)):
        return array.astype(np.intp)
    if array.dtype.kind not in "iub":
        raise DTypeError(f"an index is made of integers or booleans, not {array.dtype}: use .astype(int)")
    return own(array)


def _indexing(x: Any, *, index: Any) -> dict[str, Any]:
    return {"index": canonical_index(index)}


def _scattering(x: Any, *, index: Any, shape: Shape) -> dict[str, Any]:
    return {"index": canonical_index(index), "shape": tuple(shape)}


@op(canonical=_indexing, linear=("x",))
def getitem(x: Any, *, index: Any) -> Any:
    """out = x[index]."""
    return x[index]


@getitem.vjp("x")
def _(g: Any, x_shape: Shape, *, index: Any) -> Any:
    return scatter_add(g, index=index, shape=x_shape)


@op(canonical=_scattering, linear=("x",))
def scatter_add(x: Any, *, index: Any, shape: Shape) -> Any:
    """Zeros of the given shape with x added at `index`, twice where it is named twice: the transpose of `getitem`."""
    out = np.zeros(shape, x.dtype)
    if _may_repeat(index):
        np.add.at(out, index, x)
    else:
        out[index] = x
    return out


@scatter_add.vjp("x")
def _(g: Any, *, index: Any) -> Any:
    return getitem(g, index=index)


def _may_repeat(index: Any) -> bool:
    """Only integer arrays can name an element twice; slices, numbers and masks cannot."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(part, np.ndarray) and part.dtype.kind in "iu" for part in parts)

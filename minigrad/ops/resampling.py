"""Resampling: weighted sums of a few elements along one axis, as in resized images and adaptive means.

    out[..., j, ...] = sum over t of weight[t, j] * x[..., index[t, j], ...]

`resample_input` is the transpose, so derivatives of all orders stay among the two.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from minigrad import kernels
from minigrad.autograd.registry import op
from minigrad.errors import ShapeError
from minigrad.shapes import Shape, canonical_axis
from minigrad.typing import Array, ArrayLike, Settings, Value

Table: TypeAlias = Array  # (taps, J)


def _table(index: Table, weight: Table, size: int) -> dict[str, Table]:
    index, weight = np.asarray(index), np.asarray(weight)
    if index.ndim != 2 or index.shape != weight.shape or index.dtype.kind not in "iu":
        raise ShapeError(f"index (integers) and weight are both (taps, J), got {index.shape} and {weight.shape}")
    if index.size and (index.min() < 0 or index.max() >= size or (np.diff(index) < 0).any()):
        raise ShapeError(f"each row of index must rise from 0 at least to {size - 1} at most: sort the places")
    return {"index": index, "weight": weight}


def _resampling(x: ArrayLike, *, axis: int, index: Table, weight: Table) -> Settings:
    axis = canonical_axis(axis, np.ndim(x))
    return {"axis": axis, **_table(index, weight, np.shape(x)[axis])}


def _transposed(y: ArrayLike, *, axis: int, index: Table, weight: Table, size: int) -> Settings:
    axis = canonical_axis(axis, np.ndim(y))
    if np.shape(y)[axis] != np.shape(index)[1]:
        raise ShapeError(f"y has {np.shape(y)[axis]} elements along axis {axis}, but the table {np.shape(index)[1]}")
    return {"axis": axis, **_table(index, weight, size), "size": size}


@op(canonical=_resampling, linear=("x",), onnx="Resize")
def resample(x: Value, *, axis: int, index: Table, weight: Table) -> Value:
    """out[..., j, ...] = sum over t of weight[t, j] * x[..., index[t, j], ...].

    Args:
        x: numbers.
        axis: the axis that is resampled.
        index: integers, from which places the elements come; no row of it may fall.
        weight: what each counts for.

    Shapes: x (..., T, ...), index and weight (taps, J) -> (..., J, ...).

    Raises:
        ShapeError: the tables are not of this form, or a place does not exist.
    """
    return kernels.resample(x, axis=axis, index=index, weight=weight)


@op(canonical=_transposed, linear=("y",))
def resample_input(y: Value, *, axis: int, index: Table, weight: Table, size: int) -> Value:
    """The transpose of `resample`: weight[t, j] * y[..., j, ...] added at index[t, j].

    Args:
        y: numbers.
        axis: the axis that was resampled.
        index: integers, to which places the elements go; no row of it may fall.
        weight: what each counts for.
        size: the number of elements along the axis of the result.

    Shapes: y (..., J, ...), index and weight (taps, J) -> (..., size, ...).

    Raises:
        ShapeError: the tables are not of this form, or a place does not exist.
    """
    return kernels.resample_input(y, axis=axis, index=index, weight=weight, size=size)


@resample.vjp("x")
def _(g: Value, x_shape: Shape, *, axis: int, index: Table, weight: Table) -> Value:
    return resample_input(g, axis=axis, index=index, weight=weight, size=x_shape[axis])


@resample_input.vjp("y")
def _(g: Value, *, axis: int, index: Table, weight: Table) -> Value:
    return resample(g, axis=axis, index=index, weight=weight)

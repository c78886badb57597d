"""Gathering, scattering, sorting and counting."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.errors import DataError
from minigrad.io.onnx.importer.node import Node, raw
from minigrad.io.onnx.importer.registry import onnx_operator
from minigrad.shapes import shape_of
from minigrad.typing import Array, Shape, Value

MAX_REPEATS = 4096
"""How often one place may be written by a scattering that multiplies or compares."""


@onnx_operator("Gather", constants=("indices",))
def _(node: Node, x: Value, indices: Value) -> Value:
    axis, shape, places = node.axis(node.integer("axis", 0), len(shape_of(x))), shape_of(x), shape_of(indices)
    node.require_size((*shape[:axis], *places, *shape[axis + 1 :]))
    return ops.take(x, _integers(node, indices), axis=axis)


def _integers(node: Node, indices: Value) -> Value:
    if raw(indices).dtype.kind not in "iu":
        raise DataError(f"{node.data}: indices are integers, not {raw(indices).dtype}")
    return np.asarray(raw(indices))


@onnx_operator("GatherElements", constants=("indices",))
def _(node: Node, x: Value, indices: Value) -> Value:
    axis = node.axis(node.integer("axis", 0), len(shape_of(x)))
    return ops.getitem(x, index=_element_index(node, shape_of(x), _integers(node, indices), axis))


def _element_index(node: Node, shape: Shape, indices: Array, axis: int) -> tuple[Array, ...]:
    """The index of the elements that are named along one axis, and are where they stand along the others."""
    if indices.ndim != len(shape):
        raise DataError(f"{node.data}: indices of shape {indices.shape} do not fit data of {shape}")
    grid: list[Array] = list(np.indices(indices.shape, sparse=True))
    grid[axis] = indices
    return tuple(grid)


@onnx_operator("GatherND", constants=("indices",))
def _(node: Node, x: Value, indices: Value) -> Value:
    places, lead = _integers(node, indices), node.integer("batch_dims", 0)
    shape = shape_of(x)
    if not 0 <= lead < places.ndim or places.shape[-1] + lead > len(shape):
        raise DataError(f"{node.data}: indices of shape {places.shape} do not fit data of {shape}")
    node.require_size((*places.shape[:-1], *shape[lead + places.shape[-1] :]))
    return ops.getitem(x, index=_point_index(places, lead))


def _point_index(places: Array, lead: int = 0) -> tuple[Array, ...]:
    """The index of points whose coordinates stand in the last dimension; the first dimensions are shared."""
    outer = places.shape[:-1]
    batch = [np.arange(outer[i]).reshape([-1 if k == i else 1 for k in range(len(outer))]) for i in range(lead)]
    coordinates = [places[..., i] for i in range(places.shape[-1])]
    return (*batch, *coordinates)


@onnx_operator("ScatterElements", "Scatter", constants=("indices",))
def _(node: Node, x: Value, indices: Value, updates: Value) -> Value:
    axis = node.axis(node.integer("axis", 0), len(shape_of(x)))
    places = _integers(node, indices)
    return _scattered(node, x, _element_index(node, shape_of(x), places, axis), updates)


@onnx_operator("ScatterND", constants=("indices",))
def _(node: Node, x: Value, indices: Value, updates: Value) -> Value:
    places = _integers(node, indices)
    if places.ndim < 1 or places.shape[-1] > len(shape_of(x)):
        raise DataError(f"{node.data}: indices of shape {places.shape} do not fit data of {shape_of(x)}")
    return _scattered(node, x, _point_index(places), updates)


def _scattered(node: Node, x: Value, index: tuple[Array, ...], updates: Value) -> Value:
    """x with updates written, added, multiplied or compared at an index."""
    kind = node.text("reduction", "none", ("none", "add", "mul", "max", "min"))
    shape = shape_of(x)
    target = np.empty(shape, np.bool_)[index].shape
    updates = updates if shape_of(updates) == target else ops.broadcast_to(updates, shape=target)
    if kind == "none":
        return ops.setitem(x, updates, index=index)
    if kind == "add":
        return ops.add(x, ops.scatter_add(updates, index=index, shape=shape))
    function = {"mul": ops.multiply, "max": ops.maximum, "min": ops.minimum}[kind]
    return _one_by_one(node, function, x, index, updates)


def _one_by_one(node: Node, function: Any, x: Value, index: tuple[Array, ...], updates: Value) -> Value:
    """Apply a function to places and updates, where a place is named several times once after the other."""
    grid: list[Array] = list(np.broadcast_arrays(*index))
    flat = np.ravel_multi_index(
        tuple(np.where(g < 0, g + n, g).reshape(-1) for g, n in zip(grid, shape_of(x), strict=False)),
        shape_of(x)[: len(grid)],
    )
    order = np.argsort(flat, kind="stable")
    _, starts, counts = np.unique(flat[order], return_index=True, return_counts=True)
    if counts.size and counts.max() > MAX_REPEATS:
        node.refuse(f"one place is written {counts.max():,} times, and {MAX_REPEATS:,} are possible")
    turn = np.empty(len(flat), int)
    turn[order] = np.arange(len(flat)) - np.repeat(starts, counts)
    rows = ops.reshape(updates, shape=(len(flat), *shape_of(updates)[grid[0].ndim :]))
    for k in range(int(counts.max()) if counts.size else 0):
        chosen = np.flatnonzero(turn == k)
        where = tuple(g.reshape(-1)[chosen] for g in grid)
        now = function(ops.getitem(x, index=where), ops.getitem(rows, index=chosen))
        x = ops.setitem(x, now, index=where)
    return x


@onnx_operator("OneHot", constants=("indices", "depth", "values"))
def _(node: Node, indices: Value, depth: Value, values: Value) -> Value:
    size = int(node.scalar(depth, "the depth"))
    places = np.asarray(raw(indices))
    axis = node.axis(node.integer("axis", -1), places.ndim + 1)
    node.require_size((*places.shape, size))
    within = np.where(places < 0, places + size, places)
    column = [-1 if k == axis else 1 for k in range(places.ndim + 1)]
    hot = np.expand_dims(within, axis) == np.arange(size).reshape(column)
    return ops.where(hot, ops.getitem(values, index=1), ops.getitem(values, index=0))


@onnx_operator("NonZero")
def _(node: Node, x: Value) -> Value:
    array = raw(x)
    return np.stack(np.nonzero(np.atleast_1d(array))).astype(np.int64)


@onnx_operator("TopK", constants=("k",))
def _(node: Node, x: Value, k: Value = None) -> Value:
    axis = node.axis(node.integer("axis", -1), len(shape_of(x)))
    count = node.integer("k") if k is None else int(node.scalar(k, "k"))
    if not 0 <= count <= shape_of(x)[axis]:
        raise DataError(f"{node.data}: there are no {count} largest among {shape_of(x)[axis]}")
    order = np.asarray(raw(ops.argsort(x, axis=axis, descending=node.flag("largest", True))))
    places = order[(*[slice(None)] * axis, slice(0, count))].astype(np.int64)
    return ops.take_along_axis(x, places, axis=axis), places


@onnx_operator("Unique")
def _(node: Node, x: Value) -> Value:
    array = np.asarray(raw(x))
    axis = node.axis(node.integer("axis"), array.ndim) if node.has("axis") else None
    source = array.reshape(-1) if axis is None else array
    values, first, inverse, counts = np.unique(source, True, True, True, axis=axis)
    inverse = inverse.reshape(-1)
    if not node.flag("sorted", True):
        order = np.argsort(first, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        values = np.take(values, order, axis=axis or 0)
        first, counts, inverse = first[order], counts[order], rank[inverse]
    chosen = ops.take(ops.reshape(x, shape=(-1,)) if axis is None else x, first, axis=axis or 0)
    return chosen, first.astype(np.int64), inverse.astype(np.int64), counts.astype(np.int64)

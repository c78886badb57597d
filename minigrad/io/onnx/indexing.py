"""Indexing as in NumPy: numbers and slices are one Slice, an array is a Gather, several are a GatherND."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from minigrad.io.onnx.builder import Builder
from minigrad.io.onnx.table import converter
from minigrad.io.onnx.values import Call, Size, Value

ENDS: Final = np.iinfo(np.int64)


@converter("getitem")
def _(b: Builder, call: Call) -> str:
    if call.index is not None:
        return _by_computed_index(b, call, call.index)
    parts = _parts(call)
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    others = [part for part in parts if not isinstance(part, (np.ndarray, slice))]
    if arrays and others:
        call.refuse("has arrays together with numbers or None as an index", "index by one after the other")
    if len(others) == 1 and others[0] is not None and all(part is others[0] or part == slice(None) for part in parts):
        axis = next(i for i, part in enumerate(parts) if part is others[0])
        return str(b.emit("Gather", b.x(call), b.constant(others[0], np.int64), axis=axis))
    name = _sliced(b, call, parts)
    if len(arrays) == 1:
        (axis,) = [i for i, part in enumerate(parts) if isinstance(part, np.ndarray)]
        return str(b.emit("Gather", name, b.constant(arrays[0], np.int64), axis=axis))
    if arrays:
        if not all(isinstance(part, np.ndarray) for part in parts[: len(arrays)]):
            call.refuse("has several arrays behind a slice as an index", "move these dimensions to the front before")
        return str(b.emit("GatherND", name, b.constant(np.stack(np.broadcast_arrays(*arrays), -1), np.int64)))
    return b.reshape(name, call.out.sizes) if others else name


def _by_computed_index(b: Builder, call: Call, index: Value) -> str:
    """Indices that depend on the inputs: of whole slices along an axis, or of an element in each row along one."""
    places, value = b.name(index, np.dtype(np.int64)), call.inputs[0]
    assert value is not None
    axis = call.part or 0
    others = [
        [part for k, part in enumerate(settings["index"]) if k != axis] if call.part is not None else []
        for settings in (call.settings, call.second_settings)
    ]
    if all(isinstance(part, slice) and part == slice(None) for part in others[0]):
        return str(b.emit("Gather", b.x(call), places, axis=axis))
    rows = [size for k, size in enumerate(value.sizes) if k != axis]
    if index.ndim != value.ndim or [size for k, size in enumerate(index.sizes) if k != axis] != rows:
        call.refuse("has an index that depends on the inputs, with others", "use take or take_along_axis")
    for run, parts in enumerate(others):
        if not all(_is_grid(part, size[run]) for part, size in zip(parts, rows, strict=True)):
            call.refuse("has an index that depends on the inputs, with others", "use take or take_along_axis")
    return str(b.emit("GatherElements", b.x(call), places, axis=axis))


def _is_grid(part: Any, size: int) -> bool:
    """Whether an index is 0, 1, 2, ..."""
    return isinstance(part, np.ndarray) and np.array_equal(part.reshape(-1), np.arange(size))


def _parts(call: Call) -> list[Any]:
    """The index, a part for each dimension of x, and None for each new one. Masks become arrays of positions."""
    index, value = call.settings["index"], call.inputs[0]
    assert value is not None
    parts: list[Any] = []
    for part in index if isinstance(index, tuple) else (index,):
        parts += np.nonzero(part) if _is_mask(part) else [part]
    missing = value.ndim - sum(part is not None and part is not Ellipsis for part in parts)
    place = next((i for i, part in enumerate(parts) if part is Ellipsis), len(parts))
    parts[place : place + 1] = [slice(None)] * missing
    return parts


def _is_mask(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.dtype.kind == "b"


def _sliced(b: Builder, call: Call, parts: list[Any]) -> str:
    """All numbers and slices in one node; the dimensions of numbers stay, with size 1."""
    starts, ends, axes, steps = [], [], [], []
    for axis, part in enumerate([part for part in parts if part is not None]):
        if isinstance(part, np.ndarray) or part == slice(None):
            continue
        chosen = part if isinstance(part, slice) else slice(part, None if part == -1 else part + 1)
        step = 1 if chosen.step is None else int(chosen.step)
        first, last = (0, ENDS.max) if step > 0 else (-1, ENDS.min)
        starts.append(first if chosen.start is None else int(chosen.start))
        ends.append(last if chosen.stop is None else int(chosen.stop))
        axes.append(axis)
        steps.append(step)
    if not axes:
        return b.x(call)
    return str(b.emit("Slice", b.x(call), b.ints(starts), b.ints(ends), b.ints(axes), b.ints(steps)))


@converter("roll")
def _(b: Builder, call: Call) -> str:
    name, value = b.x(call), call.inputs[0]
    assert value is not None
    shift, axis = call.settings["shift"], call.settings["axis"]
    if axis is None:
        count = Size(int(np.size(value.first)), int(np.size(value.second)))
        flat = _rolled(b, call, b.reshape(name, [count]), shift, 0, count)
        return b.reshape(flat, value.sizes)
    for places, along in zip(shift, axis, strict=True):
        name = _rolled(b, call, name, places, along, value.sizes[along])
    return name


def _rolled(b: Builder, call: Call, name: str, shift: int, axis: int, size: Size) -> str:
    if not size.fixed:
        call.refuse("along the batch has no form in ONNX", "roll along another axis")
    cut = [-shift % size.first if size.first else 0]
    tail = b.emit("Slice", name, b.ints(cut), b.ints([ENDS.max]), b.ints([axis]))
    head = b.emit("Slice", name, b.ints([0]), b.ints(cut), b.ints([axis]))
    return str(b.emit("Concat", tail, head, axis=axis))


@converter("scatter_add")
def _(b: Builder, call: Call) -> str:
    """Each element is added at its place in the flat result."""
    value, sizes = call.inputs[0], call.out.sizes
    assert value is not None
    if call.index is not None or not all(size.fixed for size in (*sizes, *value.sizes)):
        call.refuse("adds at places that depend on the inputs or on the batch size", "leave out dynamic_batch")
    count = math.prod(call.out.shape)
    places = np.arange(count).reshape(call.out.shape)[call.settings["index"]]
    zeros = b.emit("Expand", b.like(call.out, 0), b.ints([count]))
    updates = b.emit("Reshape", b.x(call), b.ints([-1]))
    flat = b.emit("ScatterElements", zeros, b.constant(places.reshape(-1), np.int64), updates, axis=0, reduction="add")
    return b.reshape(flat, sizes)

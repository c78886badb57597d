"""Ops that move elements: shapes, axes, padding, joining."""

from __future__ import annotations

import numpy as np

from minigrad.io.onnx.builder import Builder
from minigrad.io.onnx.capture import Call
from minigrad.io.onnx.reductions import reduce
from minigrad.io.onnx.table import converter

END = np.iinfo(np.int64)


@converter("reshape")
def _(b: Builder, call: Call) -> str:
    sizes, value = call.out.sizes, call.inputs[0]  # the setting may say -1
    if value is not None and value.ndim > 1 and value.sizes[:1] == sizes[:1] and len(sizes) == 2:
        return str(b.emit("Flatten", b.x(call), axis=1))
    return b.reshape(b.x(call), sizes)


@converter("permute_dims")
def _(b: Builder, call: Call) -> str:
    return str(b.emit("Transpose", b.x(call), perm=call.settings["axes"]))


@converter("broadcast_to")
def _(b: Builder, call: Call) -> str:
    return str(b.emit("Expand", b.x(call), b.shape(call.out.sizes)))


@converter("sum_to")
def _(b: Builder, call: Call) -> str:
    value, sizes = call.inputs[0], call.out.sizes
    assert value is not None
    more = value.ndim - len(sizes)
    repeated = [more + i for i, size in enumerate(sizes) if size == (1, 1) and value.sizes[more + i] != (1, 1)]
    return b.reshape(reduce(b, "ReduceSum", b.x(call), (*range(more), *repeated), True), sizes)


@converter("concat")
def _(b: Builder, call: Call) -> str:
    return str(b.emit("Concat", *b.operands(call), axis=call.settings["axis"]))


@converter("pad")
def _(b: Builder, call: Call) -> str:
    widths = call.settings["widths"]
    pads = [before for before, _ in widths] + [after for _, after in widths]
    return str(b.emit("Pad", b.x(call), b.ints(pads), b.like(call.out, call.settings["value"])))


@converter("flip")
def _(b: Builder, call: Call) -> str:
    axes = call.settings["axis"]
    if not axes:
        return str(b.emit("Identity", b.x(call)))
    steps = [-1] * len(axes)
    return str(b.emit("Slice", b.x(call), b.ints(steps), b.ints([END.min] * len(axes)), b.ints(axes), b.ints(steps)))


@converter("tril", "triu")
def _(b: Builder, call: Call) -> str:
    diagonal = b.constant(call.settings["k"], np.int64)
    return str(b.emit("Trilu", b.x(call), diagonal, upper=int(call.name == "triu")))


@converter("getitem")
def _(b: Builder, call: Call) -> str:
    if call.index is not None:
        return str(b.emit("Gather", b.x(call), b.name(call.index, np.dtype(np.int64)), axis=0))
    parts = _parts(call)
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    if len(arrays) > 1 or any(array.dtype.kind == "b" and array.ndim != 1 for array in arrays):
        call.refuse("has several arrays as an index", "index by one array at a time, or by slices")
    return _reshaped(b, call, parts, _gathered(b, parts, _sliced(b, call, parts)))


def _parts(call: Call) -> list[object]:
    """The index, a part for each dimension of x, and None for each new one."""
    index, value = call.settings["index"], call.inputs[0]
    assert value is not None
    parts = list(index) if isinstance(index, tuple) else [index]
    missing = value.ndim - sum(part is not None and part is not Ellipsis for part in parts)
    place = next((i for i, part in enumerate(parts) if part is Ellipsis), len(parts))
    parts[place : place + 1] = [slice(None)] * missing
    return parts


def _sliced(b: Builder, call: Call, parts: list[object]) -> str:
    """All numbers and slices in one node; the dimensions of numbers stay, with size 1."""
    starts, ends, axes, steps = [], [], [], []
    for axis, part in enumerate([part for part in parts if part is not None]):
        if isinstance(part, np.ndarray) or part == slice(None):
            continue
        chosen = part if isinstance(part, slice) else slice(part, None if part == -1 else part + 1)  # type: ignore[operator]  # a number
        step = 1 if chosen.step is None else int(chosen.step)
        first, last = (0, END.max) if step > 0 else (-1, END.min)
        starts.append(first if chosen.start is None else int(chosen.start))
        ends.append(last if chosen.stop is None else int(chosen.stop))
        axes.append(axis)
        steps.append(step)
    if not axes:
        return b.x(call)
    return str(b.emit("Slice", b.x(call), b.ints(starts), b.ints(ends), b.ints(axes), b.ints(steps)))


def _gathered(b: Builder, parts: list[object], name: str) -> str:
    for axis, part in enumerate([part for part in parts if part is not None]):
        if isinstance(part, np.ndarray):
            places = np.flatnonzero(part) if part.dtype.kind == "b" else part
            return str(b.emit("Gather", name, b.constant(places, np.int64), axis=axis))
    return name


def _reshaped(b: Builder, call: Call, parts: list[object], name: str) -> str:
    """The dimensions of numbers leave, and new ones come."""
    changes = any(part is None or isinstance(part, (int, np.integer)) for part in parts)
    first_array = next((i for i, part in enumerate(parts) if isinstance(part, np.ndarray)), None)
    if changes and first_array is not None and any(isinstance(p, (int, np.integer)) for p in parts):
        call.refuse("has numbers and an array as an index", "index by one after the other")
    if changes:
        return b.reshape(name, call.out.sizes)
    return name if name != b.x(call) else str(b.emit("Identity", name))


@converter("roll")
def _(b: Builder, call: Call) -> str:
    name, value = b.x(call), call.inputs[0]
    assert value is not None
    shifts, axes = call.settings["shift"], call.settings["axis"]
    if axes is None:
        call.refuse("without an axis has no form in ONNX", "name the axis")
    pairs = zip(shifts, axes, strict=True) if isinstance(axes, tuple) else [(shifts, axes)]
    for shift, axis in pairs:
        size = value.sizes[axis]
        if not size.fixed:
            call.refuse("along the batch has no form in ONNX", "roll along another axis")
        cut = [-shift % size.first if size.first else 0]
        tail = b.emit("Slice", name, b.ints(cut), b.ints([END.max]), b.ints([axis]))
        head = b.emit("Slice", name, b.ints([0]), b.ints(cut), b.ints([axis]))
        name = b.emit("Concat", tail, head, axis=axis)
    return name

"""Ops on shapes and axes: reshaping, repeating, padding, joining."""

from __future__ import annotations

import numpy as np

from minigrad.io.onnx.builder import Builder
from minigrad.io.onnx.reductions import reduce
from minigrad.io.onnx.table import converter
from minigrad.io.onnx.values import Call


@converter("reshape")
def _(b: Builder, call: Call) -> str:
    sizes, value = call.out.sizes, call.inputs[0]  # the setting may say -1
    if value is not None and value.ndim > 1 and value.sizes[:1] == sizes[:1] and len(sizes) == 2:
        return str(b.emit("Flatten", b.x(call), axis=1))
    return b.reshape(b.x(call), sizes)


@converter("permute_dims")
def _(b: Builder, call: Call) -> str:
    return str(b.emit("Transpose", b.x(call), perm=call.settings["axes"] or None))


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
    if not any(map(any, widths)):
        return str(b.emit("Identity", b.x(call)))
    pads = [before for before, _ in widths] + [after for _, after in widths]
    return str(b.emit("Pad", b.x(call), b.ints(pads), b.like(call.out, call.settings["value"])))


@converter("flip")
def _(b: Builder, call: Call) -> str:
    axes = call.settings["axis"]
    if not axes:
        return str(b.emit("Identity", b.x(call)))
    steps = [-1] * len(axes)
    return str(
        b.emit(
            "Slice", b.x(call), b.ints(steps), b.ints([np.iinfo(np.int64).min] * len(axes)), b.ints(axes), b.ints(steps)
        )
    )


@converter("tril", "triu")
def _(b: Builder, call: Call) -> str:
    diagonal = b.constant(call.settings["k"], np.int64)
    return str(b.emit("Trilu", b.x(call), diagonal, upper=int(call.name == "triu")))

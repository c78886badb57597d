"""Reductions, scans and sorting."""

from __future__ import annotations

import numpy as np

from minigrad.io.onnx.builder import Builder
from minigrad.io.onnx.table import converter
from minigrad.io.onnx.values import Call, Size

REDUCTIONS = {
    "sum": "ReduceSum", "mean": "ReduceMean", "max": "ReduceMax", "min": "ReduceMin", "prod": "ReduceProd",
    "logsumexp": "ReduceLogSumExp",
}  # fmt: skip


def reduce(b: Builder, operator: str, x: str, axis: tuple[int, ...], keepdims: bool) -> str:
    """A reduction over some axes; over none it is the value itself."""
    if not axis:
        return str(b.emit("Identity", x))
    return str(b.emit(operator, x, b.ints(axis), keepdims=int(keepdims)))


@converter(*REDUCTIONS)
def _(b: Builder, call: Call) -> str:
    axis, keepdims = call.settings["axis"], call.settings["keepdims"]
    (x,) = b.operands(call)
    if call.name == "mean" and keepdims and axis == (2, 3) and call.out.ndim == 4:
        return str(b.emit("GlobalAveragePool", x))
    return reduce(b, REDUCTIONS[call.name], x, axis, keepdims)


@converter("any", "all", "count_nonzero")
def _(b: Builder, call: Call) -> str:
    operator = {"any": "ReduceMax", "all": "ReduceMin", "count_nonzero": "ReduceSum"}[call.name]
    (x,) = b.operands(call, np.dtype(bool))
    count = b.cast(x, np.dtype(np.int64 if call.name == "count_nonzero" else np.int32))
    out = reduce(b, operator, count, call.settings["axis"], call.settings["keepdims"])
    return out if call.name == "count_nonzero" else b.cast(out, np.dtype(bool))


@converter("argmax", "argmin")
def _(b: Builder, call: Call) -> str:
    axis, x = call.settings["axis"], b.x(call)
    value = call.inputs[0]
    assert value is not None
    if axis is None:
        x, axis = b.emit("Reshape", x, b.ints([-1])), 0
    operator = {"argmax": "ArgMax", "argmin": "ArgMin"}[call.name]
    out = str(b.emit(operator, x, axis=axis, keepdims=int(call.settings["keepdims"])))
    if call.settings["axis"] is None and call.settings["keepdims"]:
        return b.reshape(out, [Size(1, 1)] * value.ndim)
    return out


@converter("cumulative_sum")
def _(b: Builder, call: Call) -> str:
    (x,) = b.operands(call)
    return str(b.emit("CumSum", x, b.constant(call.settings["axis"], np.int64)))


@converter("sort", "argsort")
def _(b: Builder, call: Call) -> str:
    axis = call.settings["axis"]
    count = b.shape([call.out.sizes[axis]])
    values, places = b.emit(
        "TopK", b.x(call), count, count=2, axis=axis, largest=int(call.settings["descending"]), sorted=1
    )
    return str(values if call.name == "sort" else places)


@converter("vector_norm")
def _(b: Builder, call: Call) -> str:
    axis, keepdims, order = (call.settings[name] for name in ("axis", "keepdims", "ord"))
    (x,) = b.operands(call)
    if order == 2 and axis:
        return reduce(b, "ReduceL2", x, axis, keepdims)
    powers = b.emit("Pow", b.emit("Abs", x), b.like(call.out, order))
    return str(b.emit("Pow", reduce(b, "ReduceSum", powers, axis, keepdims), b.like(call.out, 1 / order)))

"""Sums, means, extremes and norms over axes, and running sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from minigrad import ops
from minigrad.io.onnx.importer.node import Node, raw
from minigrad.io.onnx.importer.registry import onnx_operator
from minigrad.shapes import shape_of
from minigrad.typing import Value

Axes = tuple[int, ...]


def _sum(x: Value, axis: Axes, keepdims: bool) -> Value:
    return ops.sum(x, axis=axis, keepdims=keepdims)


def _extreme(function: Callable[..., Value], logical: Callable[..., Value], empty: int) -> Callable[..., Value]:
    """The largest or smallest; of none it is the highest (0) or lowest (1) number of the dtype."""

    def reduce(x: Value, axis: Axes, keepdims: bool) -> Value:
        dtype, shape = raw(x).dtype, shape_of(x)
        if dtype.kind == "b":
            return logical(x, axis=axis, keepdims=keepdims)
        if any(shape[a] == 0 for a in axis):
            left = [1 if i in axis else n for i, n in enumerate(shape) if keepdims or i not in axis]
            limits = (np.inf, -np.inf) if dtype.kind == "f" else (np.iinfo(dtype).max, np.iinfo(dtype).min)
            return np.full(left, limits[empty], dtype)
        return function(x, axis=axis, keepdims=keepdims)

    return reduce


REDUCTIONS: Final[dict[str, Callable[..., Value]]] = {
    "ReduceSum": _sum,
    "ReduceMean": lambda x, axis, keepdims: ops.mean(x, axis=axis, keepdims=keepdims),
    "ReduceProd": lambda x, axis, keepdims: ops.prod(x, axis=axis, keepdims=keepdims),
    "ReduceMax": _extreme(ops.max, ops.any, 1),
    "ReduceMin": _extreme(ops.min, ops.all, 0),
    "ReduceL1": lambda x, axis, keepdims: _sum(ops.abs(x), axis, keepdims),
    "ReduceL2": lambda x, axis, keepdims: _norm(x, axis, keepdims),
    "ReduceLogSum": lambda x, axis, keepdims: _log(_sum(x, axis, keepdims)),
    "ReduceLogSumExp": lambda x, axis, keepdims: ops.logsumexp(x, axis=axis, keepdims=keepdims),
    "ReduceSumSquare": lambda x, axis, keepdims: _sum(ops.multiply(x, x), axis, keepdims),
}  # fmt: skip


def _log(x: Value) -> Value:
    with np.errstate(divide="ignore"):
        return ops.log(x)


def _norm(x: Value, axis: Axes, keepdims: bool) -> Value:
    if raw(x).dtype.kind == "f":
        return ops.vector_norm(x, axis=axis, keepdims=keepdims, ord=2)
    return np.sqrt(np.sum(np.square(raw(x).astype(np.float64)), axis=axis, keepdims=keepdims))


@onnx_operator(*REDUCTIONS, constants=("axes",))
def _(node: Node, x: Value, axes: Value = None) -> Value:
    ndim, given = len(shape_of(x)), None
    if axes is not None:
        given = node.ints(axes, "axes")
    elif node.has("axes"):
        given = node.integers("axes")
    if not given and node.flag("noop_with_empty_axes"):
        return _without_axes(node, x)
    axis = node.axes(given, ndim) if given else tuple(range(ndim))
    out = REDUCTIONS[node.operator](x, axis, node.flag("keepdims", True))
    dtype = raw(x).dtype
    return out if raw(out).dtype == dtype else ops.astype(out, dtype=dtype)


def _without_axes(node: Node, x: Value) -> Value:
    """Each element by itself."""
    if node.operator in ("ReduceL1", "ReduceL2"):
        return ops.abs(x)
    if node.operator == "ReduceLogSum":
        return _log(x)
    return ops.multiply(x, x) if node.operator == "ReduceSumSquare" else x


@onnx_operator("ArgMax", "ArgMin")
def _(node: Node, x: Value) -> Value:
    function = ops.argmax if node.operator == "ArgMax" else ops.argmin
    axis, keepdims = node.axis(node.integer("axis", 0), len(shape_of(x))), node.flag("keepdims", True)
    if not node.flag("select_last_index"):
        return ops.astype(function(x, axis=axis, keepdims=keepdims), dtype=np.int64)
    last = shape_of(x)[axis] - 1
    found = ops.subtract(last, function(ops.flip(x, axis=axis), axis=axis, keepdims=keepdims))
    return ops.astype(found, dtype=np.int64)


@onnx_operator("CumSum", "CumProd", constants=("axis",))
def _(node: Node, x: Value, axis: Value) -> Value:
    """Running sums or products, perhaps without the element itself, perhaps from the end."""
    function, neutral = (ops.cumulative_sum, 0) if node.operator == "CumSum" else (ops.cumulative_prod, 1)
    place, dtype = node.axis(int(node.scalar(axis, "axis")), len(shape_of(x))), raw(x).dtype
    backward = node.flag("reverse")
    x = ops.flip(x, axis=place) if backward else x
    if node.flag("exclusive") and shape_of(x)[place]:
        widths = [(int(k == place), 0) for k in range(len(shape_of(x)))]
        kept = ops.getitem(x, index=(*[slice(None)] * place, slice(0, -1)))
        x = ops.pad(kept, widths=widths, value=neutral)
    out = function(x, axis=place)
    out = out if raw(out).dtype == dtype else ops.astype(out, dtype=dtype)
    return ops.flip(out, axis=place) if backward else out

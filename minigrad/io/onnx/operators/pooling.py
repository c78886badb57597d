"""Pooling, of windows and of whole images."""

from __future__ import annotations

import math
from functools import reduce

import numpy as np

from minigrad import ops
from minigrad.errors import DataError
from minigrad.io.onnx.importer.node import Node, raw
from minigrad.io.onnx.importer.registry import onnx_operator
from minigrad.io.onnx.operators.windows import Windows, covered, elements, windows
from minigrad.shapes import shape_of
from minigrad.typing import Array, Value


def _windows(node: Node, x: Value) -> Windows:
    shape = shape_of(x)
    if len(shape) < 3:
        raise DataError(f"{node.data} takes (N, C, ...), got the shape {shape}")
    found = windows(node, shape[2:], node.integers("kernel_shape"))
    node.require_size((*shape[:2], *found.count))
    return found


def _fits_op(x: Value, w: Windows) -> bool:
    """Whether the op for images and volumes does it, too: equal padding on both ends, of at most half of the kernel."""
    half = all(2 * p <= k for p, k in zip(w.before, w.kernel, strict=True))
    return len(w.size) in (2, 3) and half and raw(x).dtype.kind == "f"


@onnx_operator("MaxPool", note="of any number of sides; integers too")
def _(node: Node, x: Value) -> Value:
    w = _windows(node, x)
    if node.wants(1):
        return _with_positions(node, x, w)
    if _fits_op(x, w):
        return ops.max_pool(x, kernel=w.kernel, stride=w.stride, padding=w.before, dilation=w.dilation, size=w.count)
    return reduce(ops.maximum, elements(node, x, w, _lowest(x)))


def _lowest(x: Value) -> float:
    dtype = raw(x).dtype
    return -np.inf if dtype.kind == "f" else int(np.iinfo(dtype).min)


def _with_positions(node: Node, x: Value, w: Windows) -> tuple[Value, Value]:
    """The largest elements, and where they are in the whole tensor."""
    shape = shape_of(x)
    order = tuple(range(len(shape)))
    if node.integer("storage_order", 0):
        order = (0, 1, *reversed(range(2, len(shape))))
    places = np.arange(math.prod(shape)).reshape([shape[i] for i in order]).transpose(np.argsort(order))
    stack = np.stack([raw(e) for e in elements(node, raw(x), w, _lowest(x))])
    where = np.stack([np.asarray(e) for e in elements(node, places, w, -1)])
    best = np.argmax(stack, axis=0)[None]
    positions = np.take_along_axis(where, best, 0)[0]
    rows_first, grid = positions, [shape[i] for i in order]
    if order != tuple(range(len(shape))):
        where_in_grid = np.unravel_index(positions, grid)
        rows_first = np.ravel_multi_index(tuple(where_in_grid[order.index(k)] for k in range(len(shape))), shape)
    return ops.take(ops.reshape(x, shape=(-1,)), rows_first, axis=0), positions.astype(np.int64)


@onnx_operator("AveragePool", note="of any number of sides")
def _(node: Node, x: Value) -> Value:
    w, counts = _windows(node, x), node.flag("count_include_pad")
    plain = (
        all(d == 1 for d in w.dilation)
        and w.symmetric
        and all(o <= b for o, b in zip(w.overhang, w.after, strict=True))
    )
    if plain and _fits_op(x, w):
        return ops.avg_pool(
            x, kernel=w.kernel, stride=w.stride, padding=w.before, size=w.count, count_include_pad=counts
        )
    total = reduce(ops.add, elements(node, x, w))
    return ops.divide(total, np.maximum(covered(w, raw(x).dtype, counts), 1))


@onnx_operator("LpPool", note="of any number of sides")
def _(node: Node, x: Value) -> Value:
    w = _windows(node, x)
    parts = elements(node, x, w)
    return ops.vector_norm(ops.stack(parts, axis=0), axis=0, ord=_order(node))


def _order(node: Node) -> int:
    order = node.integer("p", 2)
    if order < 1:
        raise DataError(f"{node.data}: p must be at least 1, and is {order}")
    return order


@onnx_operator("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def _(node: Node, x: Value) -> Value:
    axis = tuple(range(2, len(shape_of(x))))
    if node.operator == "GlobalLpPool":
        return ops.vector_norm(x, axis=axis, ord=_order(node), keepdims=True)
    return (ops.mean if node.operator == "GlobalAveragePool" else ops.max)(x, axis=axis, keepdims=True)


@onnx_operator("MaxUnpool", constants=("positions", "shape"))
def _(node: Node, x: Value, positions: Value, shape: Value = None) -> Value:
    small, sides = shape_of(x), len(shape_of(x)) - 2
    kernel = node.integers("kernel_shape")
    stride, pads = node.integers("strides", (1,) * sides), node.integers("pads", (0,) * 2 * sides)
    if not len(kernel) == len(stride) == sides == len(pads) // 2 or shape_of(positions) != small:
        raise DataError(f"{node.data}: the settings do not fit images of shape {small}")
    sizes = [
        (n - 1) * s - pads[i] - pads[i + sides] + k
        for i, (n, s, k) in enumerate(zip(small[2:], stride, kernel, strict=True))
    ]
    natural = node.require_size((*small[:2], *sizes))
    places = np.asarray(raw(positions)).astype(np.int64)
    if shape is None:
        return _placed(x, places, natural)
    whole = node.require_size(node.ints(shape, "the shape"))
    widths = [(0, m - n) for n, m in zip(natural, whole, strict=True)]
    return ops.pad(_placed(x, places, natural), widths=widths)


def _placed(x: Value, places: Array, shape: tuple[int, ...]) -> Value:
    flat = ops.scatter_add(ops.reshape(x, shape=(-1,)), index=places.reshape(-1), shape=(math.prod(shape),))
    return ops.reshape(flat, shape=shape)


@onnx_operator("MaxRoiPool", constants=("rois",))
def _(node: Node, x: Value, rois: Value) -> Value:
    rows, columns = node.integers("pooled_shape")
    boxes, scale = np.asarray(raw(rois), np.float64), node.number("spatial_scale", 1.0)
    _, c, height, width = shape_of(x)
    node.require_size((len(boxes), c, rows, columns))
    outs = []
    for image, *corners in boxes:
        left, top, right, bottom = (int(np.floor(z * scale + 0.5)) for z in corners)
        high, wide = max(bottom - top + 1, 1) / rows, max(right - left + 1, 1) / columns
        for i in range(rows):
            ys = np.clip([top + np.floor(i * high), top + np.ceil((i + 1) * high)], 0, height).astype(int)
            for j in range(columns):
                xs = np.clip([left + np.floor(j * wide), left + np.ceil((j + 1) * wide)], 0, width).astype(int)
                cell = ops.getitem(x, index=(int(image), slice(None), slice(*ys), slice(*xs)))
                empty = 0 in shape_of(cell)
                outs.append(np.zeros(c, raw(x).dtype) if empty else ops.max(cell, axis=(1, 2)))
    stacked = ops.reshape(ops.stack(outs, axis=0), shape=(len(boxes), rows, columns, c))
    return ops.permute_dims(stacked, axes=(0, 3, 1, 2))

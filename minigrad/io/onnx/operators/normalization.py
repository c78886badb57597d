"""Normalization, and dropout, which also differs between training and evaluation."""

from __future__ import annotations

import math

import numpy as np

from minigrad import functional as F  # noqa: N812
from minigrad import ops
from minigrad.errors import DataError
from minigrad.io.onnx.importer.node import Node, raw
from minigrad.io.onnx.importer.registry import onnx_operator
from minigrad.shapes import shape_of
from minigrad.typing import Value


def _columns(y: Value, ndim: int) -> Value:
    """A number for each channel, in a shape that broadcasts along (N, C, ...)."""
    return ops.reshape(y, shape=(-1, *(1,) * (ndim - 2)))


@onnx_operator(
    "BatchNormalization", buffers=("mean", "variance"),
    note="in training with the batch's statistics, which move the running ones as those of nn.BatchNorm2d",
)  # fmt: skip
def _(node: Node, x: Value, scale: Value, bias: Value, mean: Value, variance: Value) -> Value:
    eps, momentum = node.number("epsilon", 1e-5), node.number("momentum", 0.9)
    if not 0 <= momentum <= 1:
        raise DataError(f"{node.data}: the momentum must be in [0, 1], and is {momentum}")
    if not node.training:
        return F.batch_norm(x, mean, variance, scale, bias, False, 0.0, eps), mean, variance
    axis = (0, *range(2, len(shape_of(x))))
    fresh = [np.mean(raw(x), axis=axis), np.var(raw(x), axis=axis)]
    moved = [
        (raw(old) * momentum + new * (1 - momentum)).astype(raw(old).dtype)
        for old, new in zip((mean, variance), fresh, strict=True)
    ]
    return F.batch_norm(x, mean, variance, scale, bias, True, 1 - momentum, eps), *moved


@onnx_operator("InstanceNormalization")
def _(node: Node, x: Value, scale: Value, bias: Value) -> Value:
    ndim = len(shape_of(x))
    eps = node.number("epsilon", 1e-5)
    return ops.standardize(x, _columns(scale, ndim), _columns(bias, ndim), axis=tuple(range(2, ndim)), eps=eps)[0]


@onnx_operator("RMSNormalization")
def _(node: Node, x: Value, scale: Value) -> Value:
    first = node.axis(node.integer("axis", -1), len(shape_of(x)))
    axis = tuple(range(first, len(shape_of(x))))
    kind = raw(x).dtype.type
    mean = ops.mean(ops.square(x), axis=axis, keepdims=True)
    return ops.multiply(ops.divide(x, ops.sqrt(mean + kind(node.number("epsilon", 1e-5)))), scale)


@onnx_operator("GroupNormalization", note="before opset 21 with a scale for each group, as there")
def _(node: Node, x: Value, scale: Value, bias: Value) -> Value:
    shape, groups = shape_of(x), node.integer("num_groups")
    if groups < 1 or shape[1] % groups:
        raise DataError(f"{node.data}: {shape[1]} channels do not make {groups} groups")
    parts = (groups, shape[1] // groups)
    per_group = node.opset < 21 and shape_of(scale) == (groups,)
    around = (1,) * (len(shape) - 2)
    affine = [ops.reshape(y, shape=((groups, 1) if per_group else parts) + around) for y in (scale, bias)]
    grouped = ops.reshape(x, shape=(shape[0], *parts, *shape[2:]))
    axis = tuple(range(2, len(shape) + 1))
    return ops.reshape(ops.standardize(grouped, *affine, axis=axis, eps=node.number("epsilon", 1e-5))[0], shape=shape)


@onnx_operator("LayerNormalization")
def _(node: Node, x: Value, scale: Value, bias: Value = None) -> Value:
    ndim = len(shape_of(x))
    axis = tuple(range(node.axis(node.integer("axis", -1), ndim), ndim))
    eps = node.number("epsilon", 1e-5)
    out, mean, variance = ops.standardize(x, scale, bias, axis=axis, eps=eps)
    if not node.wants(1) and not node.wants(2):
        return out
    inverse = ops.reciprocal(ops.sqrt(ops.add(variance, raw(variance).dtype.type(eps))))
    return out, mean, inverse


@onnx_operator("RMSNormalization")
def _(node: Node, x: Value, scale: Value) -> Value:
    ndim, kind = len(shape_of(x)), raw(x).dtype.type
    axis = tuple(range(node.axis(node.integer("axis", -1), ndim), ndim))
    squares = ops.mean(ops.square(x), axis=axis, keepdims=True)
    return ops.multiply(ops.divide(x, ops.sqrt(ops.add(squares, kind(node.number("epsilon", 1e-5))))), scale)


@onnx_operator("MeanVarianceNormalization")
def _(node: Node, x: Value) -> Value:
    axis = node.axes(node.integers("axes", (0, 2, 3)), len(shape_of(x)))
    deviation = ops.subtract(x, ops.mean(x, axis=axis, keepdims=True))
    spread = ops.sqrt(ops.mean(ops.square(deviation), axis=axis, keepdims=True))
    return ops.divide(deviation, ops.add(spread, raw(x).dtype.type(1e-9)))


@onnx_operator("LpNormalization")
def _(node: Node, x: Value) -> Value:
    axis, order = node.axis(node.integer("axis", -1), len(shape_of(x))), node.integer("p", 2)
    if order not in (1, 2):
        raise DataError(f"{node.data}: p must be 1 or 2, and is {order}")
    norm = ops.vector_norm(x, axis=axis, ord=order, keepdims=True)
    zero = ops.equal(norm, 0)
    return ops.divide(x, ops.where(zero, raw(x).dtype.type(1), norm))


@onnx_operator("LRN")
def _(node: Node, x: Value) -> Value:
    """x / (bias + alpha / size * the sum of squares over neighboring channels)^beta."""
    size, kind, shape = node.integer("size"), raw(x).dtype.type, shape_of(x)
    if size < 1 or len(shape) < 3:
        raise DataError(f"{node.data}: a size of {size} for x of shape {shape} is impossible")
    before, after = min((size - 1) // 2, shape[1]), min(size // 2, shape[1])
    widths = [(before, after + 1) if i == 1 else (0, 0) for i in range(len(shape))]
    running = ops.cumulative_sum(ops.pad(ops.square(x), widths=widths), axis=1)
    whole = (slice(None),)
    reach, n = before + after + 1, shape[1]
    upper = ops.getitem(running, index=(*whole, slice(reach - 1, reach - 1 + n)))
    lower = ops.pad(
        ops.getitem(running, index=(*whole, slice(0, n - 1))),
        widths=[(1, 0) if i == 1 else (0, 0) for i in range(len(shape))],
    )
    scaled = ops.multiply(ops.subtract(upper, lower), kind(node.number("alpha", 1e-4) / size))
    return ops.divide(x, ops.pow(ops.add(scaled, kind(node.number("bias", 1.0))), kind(node.number("beta", 0.75))))


@onnx_operator("Dropout", constants=("ratio", "training"), note="drops in training mode, whatever the file says")
def _(node: Node, x: Value, ratio: Value = None, training: Value = None) -> Value:
    p = node.number("ratio", 0.5) if ratio is None else node.scalar(ratio, "the ratio")
    if not 0 <= p < 1 or math.isnan(p):
        raise DataError(f"{node.data}: the ratio must be in [0, 1), and is {p}")
    if not node.training or p == 0:
        return x, np.ones(shape_of(x), bool)
    mask = F.dropout(np.ones(shape_of(x), raw(x).dtype), p, True)
    return ops.multiply(x, mask), raw(mask) != 0

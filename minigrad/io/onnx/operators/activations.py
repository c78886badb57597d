"""Activations, and softmax with its kin."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from minigrad import ops
from minigrad.io.onnx.importer.node import Node, raw
from minigrad.io.onnx.importer.registry import onnx_operator
from minigrad.shapes import shape_of
from minigrad.typing import Shape, Value

PLAIN: Final[dict[str, Callable[..., Value]]] = {
    "Relu": ops.relu, "Softsign": ops.softsign, "HardSwish": ops.hardswish, "Mish": ops.mish,
}  # fmt: skip

SELU: Final = (1.67326319217681884765625, 1.05070102214813232421875)
"""The alpha and gamma for which mean 0 and variance 1 stay."""

AXIS_FROM: Final = 13
"""The opset from which softmax works along one axis; before, it works over all dimensions from that axis on."""


@onnx_operator(*PLAIN)
def _(node: Node, x: Value) -> Value:
    return PLAIN[node.operator](x)


@onnx_operator("Softplus")
def _(node: Node, x: Value) -> Value:
    return ops.softplus(x, beta=1.0, threshold=math.inf)


@onnx_operator("LeakyRelu")
def _(node: Node, x: Value) -> Value:
    return ops.leaky_relu(x, negative_slope=node.number("alpha", 0.01))


@onnx_operator("Elu")
def _(node: Node, x: Value) -> Value:
    return ops.elu(x, alpha=node.number("alpha", 1.0))


@onnx_operator("Celu")
def _(node: Node, x: Value) -> Value:
    return ops.celu(x, alpha=node.number("alpha", 1.0))


@onnx_operator("Selu")
def _(node: Node, x: Value) -> Value:
    alpha, gamma = node.number("alpha", SELU[0]), node.number("gamma", SELU[1])
    if np.allclose((alpha, gamma), SELU, rtol=1e-6):
        return ops.selu(x)
    return ops.multiply(ops.elu(x, alpha=alpha), raw(x).dtype.type(gamma))


@onnx_operator("PRelu", broadcasts=True)
def _(node: Node, x: Value, slope: Value) -> Value:
    return ops.where(ops.less(x, 0), ops.multiply(slope, x), x)


@onnx_operator("ThresholdedRelu")
def _(node: Node, x: Value) -> Value:
    return ops.threshold(x, threshold=node.number("alpha", 1.0), value=0.0)


@onnx_operator("Shrink")
def _(node: Node, x: Value) -> Value:
    limit, bias = node.number("lambd", 0.5), node.number("bias", 0.0)
    kind = raw(x).dtype.type
    inner = ops.where(ops.greater(x, limit), ops.subtract(x, kind(bias)), kind(0))
    return ops.where(ops.less(x, -limit), ops.add(x, kind(bias)), inner)


@onnx_operator("HardSigmoid")
def _(node: Node, x: Value) -> Value:
    kind = raw(x).dtype.type
    line = ops.add(ops.multiply(x, kind(node.number("alpha", 0.2))), kind(node.number("beta", 0.5)))
    return ops.clip(line, kind(0), kind(1))


@onnx_operator("Gelu")
def _(node: Node, x: Value) -> Value:
    return ops.gelu(x) if node.text("approximate", "none", ("none", "tanh")) == "none" else ops.gelu_tanh(x)


@onnx_operator("Swish")
def _(node: Node, x: Value) -> Value:
    alpha = node.number("alpha", 1.0)
    if alpha == 1:
        return ops.silu(x)
    return ops.multiply(x, ops.sigmoid(ops.multiply(x, raw(x).dtype.type(alpha))))


@onnx_operator("Clip", constants=("low", "high"))
def _(node: Node, x: Value, low: Value = None, high: Value = None) -> Value:
    if node.opset < 11:
        kind = raw(x).dtype.type
        low = kind(node.number("min")) if node.has("min") else None
        high = kind(node.number("max")) if node.has("max") else None
    low, high = (None if bound is None else np.reshape(raw(bound), ()) for bound in (low, high))
    return x if low is None and high is None else ops.clip(x, low, high)


@onnx_operator(
    "Softmax", "LogSoftmax", "Hardmax", note="before opset 13 over all dimensions from the axis on, as there"
)
def _(node: Node, x: Value) -> Value:
    functions: dict[str, Callable[..., Value]] = {
        "Softmax": ops.softmax, "LogSoftmax": ops.log_softmax, "Hardmax": _hardmax,
    }  # fmt: skip
    function = functions[node.operator]
    shape = shape_of(x)
    axis = node.integer("axis", -1 if node.opset >= AXIS_FROM else 1)
    if node.opset >= AXIS_FROM:
        return function(x, axis=node.axis(axis, len(shape)))
    rows = _rows(node, shape, axis)
    return ops.reshape(function(ops.reshape(x, shape=rows), axis=1), shape=shape)


def _rows(node: Node, shape: Shape, axis: int) -> Shape:
    first = len(shape) if axis == len(shape) else node.axis(axis, len(shape))
    return (math.prod(shape[:first]), math.prod(shape[first:]))


def _hardmax(x: Value, *, axis: int) -> Value:
    best = ops.argmax(x, axis=axis, keepdims=True)
    places = np.arange(shape_of(x)[axis]).reshape([-1 if k == axis else 1 for k in range(len(shape_of(x)))])
    return ops.astype(ops.equal(places, best), dtype=raw(x).dtype)

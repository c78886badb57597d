"""Activations with settings, and those that ONNX has no operator for, or has only in newer opsets."""

from __future__ import annotations

from math import pi, sqrt

from minigrad.io.onnx.builder import Builder
from minigrad.io.onnx.table import converter
from minigrad.io.onnx.values import Call

GELU_OPSET = 20
"""The first with the operator Gelu."""


@converter("leaky_relu")
def _(b: Builder, call: Call) -> str:
    return str(b.emit("LeakyRelu", b.x(call), alpha=call.settings["negative_slope"]))


@converter("prelu")
def _(b: Builder, call: Call) -> str:
    x, weight = b.operands(call)
    value = call.inputs[0]
    if value is not None and value.sizes == call.out.sizes:
        return str(b.emit("PRelu", x, weight))
    positive = b.emit("Greater", x, b.like(call.out, 0))  # PRelu does not repeat x
    return str(b.emit("Where", positive, x, b.emit("Mul", weight, x)))


@converter("elu", "celu")
def _(b: Builder, call: Call) -> str:
    return str(b.emit(call.name.capitalize(), b.x(call), alpha=float(call.settings["alpha"])))


@converter("relu6", "hardtanh")
def _(b: Builder, call: Call) -> str:
    low, high = call.settings.get("min_val", 0), call.settings.get("max_val", 6)
    return str(b.emit("Clip", b.x(call), b.like(call.out, low), b.like(call.out, high)))


@converter("hardsigmoid")
def _(b: Builder, call: Call) -> str:
    return str(b.emit("HardSigmoid", b.x(call), alpha=1 / 6, beta=0.5))


@converter("silu")
def _(b: Builder, call: Call) -> str:
    return str(b.emit("Mul", b.x(call), b.emit("Sigmoid", b.x(call))))


@converter("logsigmoid")
def _(b: Builder, call: Call) -> str:
    return str(b.emit("Neg", b.emit("Softplus", b.emit("Neg", b.x(call)))))


@converter("softplus")
def _(b: Builder, call: Call) -> str:
    x, beta = b.x(call), b.like(call.out, call.settings["beta"])
    scaled = b.emit("Mul", x, beta)
    linear = b.emit("Greater", scaled, b.like(call.out, call.settings["threshold"]))
    return str(b.emit("Where", linear, x, b.emit("Div", b.emit("Softplus", scaled), beta)))


@converter("softshrink")
def _(b: Builder, call: Call) -> str:
    return str(b.emit("Shrink", b.x(call), lambd=call.settings["lambd"], bias=call.settings["lambd"]))


@converter("hardshrink")
def _(b: Builder, call: Call) -> str:
    return str(b.emit("Shrink", b.x(call), lambd=call.settings["lambd"], bias=0.0))


@converter("threshold")
def _(b: Builder, call: Call) -> str:
    above = b.emit("Greater", b.x(call), b.like(call.out, call.settings["threshold"]))
    return str(b.emit("Where", above, b.x(call), b.like(call.out, call.settings["value"])))


@converter("gelu")
def _(b: Builder, call: Call) -> str:
    if b.opset >= GELU_OPSET:
        return str(b.emit("Gelu", b.x(call)))
    cumulative = b.emit(
        "Add", b.emit("Erf", b.emit("Mul", b.x(call), b.like(call.out, sqrt(0.5)))), b.like(call.out, 1)
    )
    return _half_of_product(b, call, cumulative)


@converter("gelu_tanh")
def _(b: Builder, call: Call) -> str:
    if b.opset >= GELU_OPSET:
        return str(b.emit("Gelu", b.x(call), approximate="tanh"))
    x = b.x(call)
    cube = b.emit("Mul", b.emit("Mul", x, x), x)
    argument = b.emit("Add", x, b.emit("Mul", cube, b.like(call.out, 0.044715)))
    tanh = b.emit("Tanh", b.emit("Mul", argument, b.like(call.out, sqrt(2 / pi))))
    return _half_of_product(b, call, b.emit("Add", tanh, b.like(call.out, 1)))


def _half_of_product(b: Builder, call: Call, factor: str) -> str:
    return str(b.emit("Mul", b.emit("Mul", b.x(call), b.like(call.out, 0.5)), factor))


@converter("softmax", "log_softmax")
def _(b: Builder, call: Call) -> str:
    operator = {"softmax": "Softmax", "log_softmax": "LogSoftmax"}[call.name]
    return str(b.emit(operator, *b.operands(call), axis=call.settings["axis"]))

"""Arithmetic, comparisons, logic and bits, element by element."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Final

import numpy as np

from minigrad import ops
from minigrad.io.onnx.importer.node import Node, is_tensor, raw
from minigrad.io.onnx.importer.registry import onnx_operator
from minigrad.typing import Value

UNARY: Final[dict[str, Callable[..., Value]]] = {
    "Abs": ops.abs, "Neg": ops.negative, "Sign": ops.sign, "Ceil": ops.ceil, "Floor": ops.floor, "Round": ops.round,
    "Reciprocal": ops.reciprocal, "Sqrt": ops.sqrt, "Exp": ops.exp, "Log": ops.log, "Sin": ops.sin, "Cos": ops.cos,
    "Tan": ops.tan, "Asin": ops.asin, "Acos": ops.acos, "Atan": ops.atan, "Sinh": ops.sinh, "Cosh": ops.cosh,
    "Tanh": ops.tanh, "Asinh": ops.asinh, "Acosh": ops.acosh, "Atanh": ops.atanh, "Erf": ops.erf,
    "Sigmoid": ops.sigmoid, "IsNaN": ops.isnan, "Not": ops.logical_not, "BitwiseNot": ops.bitwise_invert,
}  # fmt: skip

BINARY: Final[dict[str, Callable[..., Value]]] = {
    "Equal": ops.equal, "Greater": ops.greater, "Less": ops.less, "GreaterOrEqual": ops.greater_equal,
    "LessOrEqual": ops.less_equal, "And": ops.logical_and, "Or": ops.logical_or, "Xor": ops.logical_xor,
    "BitwiseAnd": ops.bitwise_and, "BitwiseOr": ops.bitwise_or, "BitwiseXor": ops.bitwise_xor, "Add": ops.add,
    "Sub": ops.subtract, "Mul": ops.multiply,
}  # fmt: skip

VARIADIC: Final[dict[str, Callable[..., Value]]] = {"Max": ops.maximum, "Min": ops.minimum, "Sum": ops.add}


@onnx_operator(*UNARY)
def _(node: Node, x: Value) -> Value:
    return UNARY[node.operator](x)


@onnx_operator(*BINARY, broadcasts=True)
def _(node: Node, x: Value, y: Value) -> Value:
    return BINARY[node.operator](x, y)


@onnx_operator(*VARIADIC, broadcasts=True)
def _(node: Node, *xs: Value) -> Value:
    return reduce(VARIADIC[node.operator], xs)


@onnx_operator("Mean", broadcasts=True)
def _(node: Node, *xs: Value) -> Value:
    return ops.divide(reduce(ops.add, xs), raw(xs[0]).dtype.type(len(xs)))


@onnx_operator("Identity")
def _(node: Node, x: Value) -> Value:
    return x


@onnx_operator("Div", broadcasts=True, note="integers are divided toward 0")
def _(node: Node, x: Value, y: Value) -> Value:
    if raw(x).dtype.kind not in "iu":
        return ops.divide(x, y)
    a, b = raw(x), raw(y)
    quotient = np.floor_divide(a, b)
    return quotient + ((quotient < 0) & (quotient * b != a)).astype(quotient.dtype)


@onnx_operator("Mod", broadcasts=True)
def _(node: Node, x: Value, y: Value) -> Value:
    if not node.flag("fmod"):
        return ops.remainder(x, y)
    if raw(x).dtype.kind in "iu":
        return np.fmod(raw(x), raw(y))
    return ops.subtract(x, ops.multiply(np.trunc(raw(x) / raw(y)), y)) if is_tensor(x) else np.fmod(x, y)


@onnx_operator("Pow", broadcasts=True)
def _(node: Node, x: Value, y: Value) -> Value:
    """In the dtype of x."""
    dtype = raw(x).dtype
    if dtype.kind in "iu":
        with np.errstate(invalid="ignore"):
            return np.power(raw(x).astype(np.float64 if raw(y).dtype.kind == "f" else dtype), raw(y)).astype(dtype)
    exponent = y if raw(y).dtype.kind == "f" else ops.astype(y, dtype=dtype)
    if not is_tensor(y) and raw(y).size == 1 and raw(y).reshape(()) == 2:
        return ops.broadcast_to(ops.square(x), shape=np.broadcast_shapes(np.shape(raw(x)), np.shape(raw(y))))
    return ops.pow(x, exponent)


@onnx_operator("IsInf")
def _(node: Node, x: Value) -> Value:
    negative, positive = node.flag("detect_negative", True), node.flag("detect_positive", True)
    if negative and positive:
        return ops.isinf(x)
    found = ops.isinf(x)
    right = ops.less(x, 0) if negative else ops.greater(x, 0) if positive else np.asarray(False)
    return ops.logical_and(found, right)


@onnx_operator("BitShift", broadcasts=True)
def _(node: Node, x: Value, y: Value) -> Value:
    left = node.text("direction", among=("LEFT", "RIGHT")) == "LEFT"
    return (ops.bitwise_left_shift if left else ops.bitwise_right_shift)(x, y)


@onnx_operator("Where", broadcasts=True)
def _(node: Node, condition: Value, x: Value, y: Value) -> Value:
    return ops.where(condition, x, y)

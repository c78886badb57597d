"""Elementwise ops without an ONNX operator of the same meaning, or with other dtypes than it takes."""

from __future__ import annotations

import math

import numpy as np

from minigrad.io.onnx.builder import Builder
from minigrad.io.onnx.table import converter
from minigrad.io.onnx.values import Call, Value

COMPARISONS = {"equal": "Equal", "greater": "Greater", "greater_equal": "GreaterOrEqual", "less": "Less",
               "less_equal": "LessOrEqual"}  # fmt: skip
LOGIC = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor", "logical_not": "Not"}
BITS = {"bitwise_and": "BitwiseAnd", "bitwise_or": "BitwiseOr", "bitwise_xor": "BitwiseXor"}


def common_dtype(*values: Value | None) -> np.dtype[np.generic]:
    """The dtype in which values meet; plain numbers take that of the arrays."""
    return np.result_type(*[value.first if value.weak else value.dtype for value in values if value is not None])


@converter(*COMPARISONS)
def _(b: Builder, call: Call) -> str:
    return str(b.emit(COMPARISONS[call.name], *b.operands(call, common_dtype(*call.inputs))))


@converter("not_equal")
def _(b: Builder, call: Call) -> str:
    return str(b.emit("Not", b.emit("Equal", *b.operands(call, common_dtype(*call.inputs)))))


@converter(*LOGIC)
def _(b: Builder, call: Call) -> str:
    return str(b.emit(LOGIC[call.name], *b.operands(call, np.dtype(bool))))


@converter(*BITS)
def _(b: Builder, call: Call) -> str:
    operator = LOGIC[call.name.replace("bitwise", "logical")] if call.out.dtype.kind == "b" else BITS[call.name]
    return str(b.emit(operator, *b.operands(call)))


@converter("bitwise_invert")
def _(b: Builder, call: Call) -> str:
    return str(b.emit("Not" if call.out.dtype.kind == "b" else "BitwiseNot", b.x(call)))


@converter("isnan")
def _(b: Builder, call: Call) -> str:
    return str(b.emit("IsNaN", b.x(call)))


@converter("isinf")
def _(b: Builder, call: Call) -> str:
    return str(b.emit("IsInf", b.x(call)))


@converter("isfinite")
def _(b: Builder, call: Call) -> str:
    return str(b.emit("Not", b.emit("Or", b.emit("IsNaN", b.x(call)), b.emit("IsInf", b.x(call)))))


@converter("where")
def _(b: Builder, call: Call) -> str:
    condition, x, y = call.inputs
    assert condition is not None
    assert x is not None
    assert y is not None
    dtype = call.out.dtype
    return str(b.emit("Where", b.name(condition, np.dtype(bool)), b.name(x, dtype), b.name(y, dtype)))


@converter("positive")
def _(b: Builder, call: Call) -> str:
    return str(b.emit("Identity", b.x(call)))


@converter("square")
def _(b: Builder, call: Call) -> str:
    return str(b.emit("Mul", b.x(call), b.x(call)))


@converter("weighted")
def _(b: Builder, call: Call) -> str:
    w, x = b.operands(call)
    zero = b.like(call.out, 0)
    return str(b.emit("Where", b.emit("Equal", w, zero), zero, b.emit("Mul", w, x)))


@converter("step")
def _(b: Builder, call: Call) -> str:
    return b.cast(b.emit("Greater", b.x(call), b.like(call.out, 0)), call.out.dtype)


@converter("trunc")
def _(b: Builder, call: Call) -> str:
    x = b.x(call)
    if call.out.dtype.kind != "f":
        return str(b.emit("Identity", x))
    return str(b.emit("Mul", b.emit("Sign", x), b.emit("Floor", b.emit("Abs", x))))


@converter("round", "floor", "ceil")
def _(b: Builder, call: Call) -> str:
    operator = "Identity" if call.out.dtype.kind != "f" else call.name.capitalize()
    return str(b.emit(operator, b.x(call)))


@converter("remainder")
def _(b: Builder, call: Call) -> str:
    x, y = b.operands(call)
    if call.out.dtype.kind != "f":
        return str(b.emit("Mod", x, y))
    r, zero = b.emit("Mod", x, y, fmod=1), b.like(call.out, 0)  # with the sign of x; NumPy's has that of y
    wrong = b.emit("Less", b.emit("Mul", b.emit("Sign", r), b.emit("Sign", y)), zero)
    return str(b.emit("Where", wrong, b.emit("Add", r, y), r))


@converter("exp2")
def _(b: Builder, call: Call) -> str:
    return str(b.emit("Pow", b.like(call.out, 2), *b.operands(call)))


@converter("log2", "log10")
def _(b: Builder, call: Call) -> str:
    base = {"log2": 2, "log10": 10}[call.name]
    return str(b.emit("Div", b.emit("Log", *b.operands(call)), b.like(call.out, math.log(base))))


@converter("expm1")
def _(b: Builder, call: Call) -> str:
    """2 t / (1 - t) with t = tanh(x / 2) keeps the digits near 0, where exp(x) - 1 loses them."""
    (x,) = b.operands(call)
    one, two = b.like(call.out, 1), b.like(call.out, 2)
    t = b.emit("Tanh", b.emit("Div", x, two))
    near = b.emit("Div", b.emit("Mul", two, t), b.emit("Sub", one, t))
    small = b.emit("Less", b.emit("Abs", x), one)
    return str(b.emit("Where", small, near, b.emit("Sub", b.emit("Exp", x), one)))


@converter("log1p")
def _(b: Builder, call: Call) -> str:
    """log(1 + x) = 2 atanh(x / (2 + x)) keeps the digits near 0, where 1 + x loses them."""
    (x,) = b.operands(call)
    one, two = b.like(call.out, 1), b.like(call.out, 2)
    near = b.emit("Mul", two, b.emit("Atanh", b.emit("Div", x, b.emit("Add", two, x))))
    small = b.emit("Less", b.emit("Abs", x), b.like(call.out, 0.5))
    return str(b.emit("Where", small, near, b.emit("Log", b.emit("Add", one, x))))


@converter("logaddexp")
def _(b: Builder, call: Call) -> str:
    """The larger one + softplus(-|x - y|); the difference of equal infinities is no number."""
    x, y = b.operands(call)
    larger, distance = b.emit("Max", x, y), b.emit("Abs", b.emit("Sub", x, y))
    more = b.emit("Add", larger, b.emit("Softplus", b.emit("Neg", distance)))
    return str(b.emit("Where", b.emit("IsNaN", distance), larger, more))


@converter("astype")
def _(b: Builder, call: Call) -> str:
    value = call.inputs[0]
    assert value is not None
    return b.name(value, call.out.dtype)


@converter("zeros_like", "ones_like", "full_like")
def _(b: Builder, call: Call) -> str:
    number = {"zeros_like": 0, "ones_like": 1}.get(call.name, call.settings.get("fill_value"))
    return str(b.emit("Expand", b.like(call.out, number), b.shape(call.out.sizes)))  # type: ignore[arg-type]  # a number

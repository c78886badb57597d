"""The derivative table: elementwise functions, each with the rule for each of its inputs.

Read a row as: name, function, and for each input the product of the incoming cotangent g with the partial
derivative. Broadcasting is undone by the engine, so no row mentions it. `out` is the function's own result.

Where a slope can become infinite, the rule says `over` and `times` for / and *: a zero cotangent stays zero there, so
that a branch which `where` did not take cannot put NaN into a gradient.

At a point where the derivative does not exist, the rule gives a subgradient: 0 for abs, sign and relu at 0; and
where two values tie, the first argument wins (maximum, minimum, clip at its bounds).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import kernels
from minigrad.domain import ABOVE_MINUS_ONE, NONZERO, POSITIVE, UNIT
from minigrad.op import Op, elementwise, op
from minigrad.tensor import Tensor


@op(non_differentiable=("condition",), onnx="Where")
def where(condition: Any, x: Any, y: Any) -> Any:
    """out = x where the condition holds, else y. The branch not taken gets a zero gradient, even where it is NaN."""
    return np.where(condition, x, y)


where.vjp("x")(lambda g, condition: where(condition, g, 0))
where.vjp("y")(lambda g, condition: where(condition, 0, g))


@op(non_differentiable=("x",))
def zeros_like(x: Any) -> Any:
    """Zeros in the shape and dtype of x."""
    return np.zeros_like(x)


def over(g: Any, y: Any) -> Any:
    """g / y, but 0 where both are 0: no cotangent arrives there, so none is passed on."""
    return g / where((g == 0) & (y == 0), 1, y)


def times(g: Any, slope: Any) -> Any:
    """g * slope, but 0 where g is 0 and the slope is not finite: no cotangent arrives there, so none is passed on."""
    return g * where((g == 0) & ~np.isfinite(slope), 0, slope)


def _sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


# fmt: off
# ---- arithmetic ----------------------------------------------------------------------------------------------
add      = elementwise("add",      np.add,      x=lambda g: g,       y=lambda g: g,       onnx="Add")
subtract = elementwise("subtract", np.subtract, x=lambda g: g,       y=lambda g: -g,      onnx="Sub")
multiply = elementwise("multiply", np.multiply, x=lambda g, y: g * y, y=lambda g, x: g * x, onnx="Mul")
divide   = elementwise("divide",   np.divide,   x=lambda g, y: over(g, y), y=lambda g, y, out: -over(times(g, out), y),
                       domain={"y": NONZERO}, onnx="Div")
pow      = elementwise("pow",      np.power,    x=lambda g, x, y: times(g, _power_slope(x, y)),
                       y=lambda g, x, out: times(g, out * _log_or_zero(x)), domain={"x": POSITIVE}, onnx="Pow")
negative = elementwise("negative", np.negative, x=lambda g: -g,      onnx="Neg")
square   = elementwise("square",   np.square,   x=lambda g, x: g * (2 * x))
sqrt     = elementwise("sqrt",     np.sqrt,     x=lambda g, out: over(g, 2 * out), domain={"x": POSITIVE}, onnx="Sqrt")
reciprocal = elementwise("reciprocal", np.reciprocal, x=lambda g, out: -times(times(g, out), out),
                         domain={"x": NONZERO}, onnx="Reciprocal")

# ---- exponentials and logarithms -----------------------------------------------------------------------------
exp   = elementwise("exp",   np.exp,   x=lambda g, out: times(g, out), onnx="Exp")
expm1 = elementwise("expm1", np.expm1, x=lambda g, out: times(g, out + 1))
log   = elementwise("log",   np.log,   x=lambda g, x: over(g, x),      domain={"x": POSITIVE}, onnx="Log")
log1p = elementwise("log1p", np.log1p, x=lambda g, x: over(g, 1 + x),  domain={"x": ABOVE_MINUS_ONE})

# ---- trigonometric and hyperbolic functions ------------------------------------------------------------------
sin     = elementwise("sin",     np.sin,     x=lambda g, x: g * cos(x),            onnx="Sin")
cos: Op = elementwise("cos",     np.cos,     x=lambda g, x: -g * sin(x),           onnx="Cos")
tan     = elementwise("tan",     np.tan,     x=lambda g, out: g * (1 + out * out), domain={"x": UNIT}, onnx="Tan")
sinh    = elementwise("sinh",    np.sinh,    x=lambda g, x: times(g, cosh(x)),           onnx="Sinh")
cosh: Op = elementwise("cosh",    np.cosh,    x=lambda g, x: times(g, sinh(x)),           onnx="Cosh")
arctan  = elementwise("arctan",  np.arctan,  x=lambda g, x: g / (1 + x * x),       onnx="Atan")
tanh    = elementwise("tanh",    kernels.tanh, x=lambda g, out: g * (1 - out * out),
                      fast={"x": kernels.tanh_vjp}, onnx="Tanh")

# ---- activations ---------------------------------------------------------------------------------------------
sigmoid = elementwise("sigmoid", _sigmoid, "1 / (1 + exp(-x)), without overflow.",
                      x=lambda g, out: g * (out * (1 - out)), fast={"x": kernels.sigmoid_vjp}, onnx="Sigmoid")
relu    = elementwise("relu",    kernels.relu, x=lambda g, out: where(out > 0, g, 0),
                      fast={"x": kernels.relu_vjp}, onnx="Relu")

# ---- choosing ------------------------------------------------------------------------------------------------
abs     = elementwise("abs",     np.absolute, x=lambda g, x: g * sign(x), onnx="Abs")
maximum = elementwise("maximum", np.maximum, x=lambda g, x, y: where(x >= y, g, 0),
                      y=lambda g, x, y: where(x >= y, 0, g), onnx="Max")
minimum = elementwise("minimum", np.minimum, x=lambda g, x, y: where(x <= y, g, 0),
                      y=lambda g, x, y: where(x <= y, 0, g), onnx="Min")

# ---- steps: flat wherever they have a derivative -------------------------------------------------------------
sign: Op = elementwise("sign",  np.sign,  x=lambda g: zeros_like(g), onnx="Sign")
floor = elementwise("floor", np.floor, x=lambda g: zeros_like(g), onnx="Floor")
ceil  = elementwise("ceil",  np.ceil,  x=lambda g: zeros_like(g), onnx="Ceil")
round = elementwise("round", np.rint,  x=lambda g: zeros_like(g), onnx="Round")
step  = elementwise("step",  lambda x: (x > 0).astype(x.dtype), "1 where x > 0, else 0.", x=lambda g: zeros_like(g))


# ---- comparisons and integers: no derivatives ----------------------------------------------------------------
def _constant(name: str, function: np.ufunc) -> Op:
    return elementwise(name, function, non_differentiable=("x", "y")[: function.nin])


equal          = _constant("equal",         np.equal)
not_equal      = _constant("not_equal",     np.not_equal)
less           = _constant("less",          np.less)
less_equal     = _constant("less_equal",    np.less_equal)
greater        = _constant("greater",       np.greater)
greater_equal  = _constant("greater_equal", np.greater_equal)
isfinite       = _constant("isfinite",      np.isfinite)
isnan          = _constant("isnan",         np.isnan)
isinf          = _constant("isinf",         np.isinf)
floor_divide   = _constant("floor_divide",  np.floor_divide)
logical_not    = _constant("logical_not",   np.logical_not)
logical_and    = _constant("logical_and",   np.logical_and)
logical_or     = _constant("logical_or",    np.logical_or)
bitwise_invert = _constant("bitwise_invert", np.invert)
bitwise_and    = _constant("bitwise_and",   np.bitwise_and)
bitwise_or     = _constant("bitwise_or",    np.bitwise_or)
bitwise_xor    = _constant("bitwise_xor",   np.bitwise_xor)
bitwise_left_shift  = _constant("bitwise_left_shift",  np.left_shift)
bitwise_right_shift = _constant("bitwise_right_shift", np.right_shift)
# fmt: on

remainder = elementwise("remainder", np.remainder, x=lambda g: g, y=lambda g, x, y: -g * floor_divide(x, y),
                        domain={"y": NONZERO})  # fmt: skip


def clip(x: Any, min: Any = None, max: Any = None) -> Tensor:
    """Each element moved into [min, max]: minimum(maximum(x, min), max).

    Gradients flow to x where it lies inside, bounds included, and else to the bound that holds it.
    """
    x = x if min is None else maximum(x, min)
    return x if max is None else minimum(x, max)


def _power_slope(x: Any, y: Any) -> Any:
    """d(x**y)/dx = y * x**(y-1); for y = 0 it is 0 everywhere, also at x = 0."""
    if isinstance(y, (int, float)):
        return y * x ** (y - 1) if y != 0 else zeros_like(x)
    return y * x ** where(y == 0, 1, y - 1)


def _log_or_zero(x: Any) -> Any:
    """log(x), and 0 at x = 0, where x**y is 0 for every y > 0 and does not change with y."""
    return log(where(x == 0, 1, x))

"""The derivative table: elementwise functions, each with the rule for each of its inputs.

Read a row as: name, function, and for each input the product of the incoming cotangent g with the partial
derivative. Broadcasting is undone by the engine, so no row mentions it. `out` is the function's own result.

Where a slope is infinite or NaN, a cotangent of 0 still passes on 0: the engine sees to that, too (see
`autograd/silence.py`).

At a point where the derivative does not exist, the rule gives a subgradient: 0 for abs, relu and hypot at 0, and for
every step; and where two values tie, the first argument wins (maximum, minimum, clip at its bounds).
"""

from __future__ import annotations

from math import log as ln

import numpy as np

from minigrad.autograd.complex_numbers import conjugated
from minigrad.autograd.elementwise import BinaryOp, UnaryOp, elementwise
from minigrad.autograd.op import Op
from minigrad.autograd.registry import op
from minigrad.autograd.tensor import Tensor
from minigrad.domain import ABOVE_MINUS_ONE, ABOVE_ONE, NONZERO, POSITIVE, UNIT
from minigrad.ops.complex_parts import imag, real
from minigrad.ops.exact_quotient import smooth_at_zero
from minigrad.ops.fill import zeros_like
from minigrad.ops.logic import floor_divide, isinf
from minigrad.typing import ArrayLike, Value


@op(non_differentiable=("condition",), elementwise=True, complex="holomorphic", onnx="Where")
def where(condition: Value, x: Value, y: Value) -> Value:
    """out = x where the condition holds, else y. The branch not taken gets a zero gradient, even where it is NaN.

    Args:
        condition: truth values.
        x, y: numbers.

    Shapes: any three that broadcast -> the common one.
    """
    return np.where(condition, x, y)


where.vjp("x")(lambda g, condition: where(condition, g, 0))
where.vjp("y")(lambda g, condition: where(condition, 0, g))


def _sigmoid(x: Value) -> Value:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def _rint(x: Value) -> Value:
    """The nearest integer, and of two the even one; integers stay what they are."""
    return x if x.dtype.kind in "iu" else np.rint(x)


def times(w: Value, x: Value) -> Value:
    """w * x of arrays, where 0 times an infinity is 0."""
    with np.errstate(invalid="ignore"):
        out = w * x
    if np.isnan(out).any():
        out = np.where((w == 0) & np.isinf(x), np.zeros((), out.dtype), out)
    return out


# fmt: off
# ---- arithmetic ----------------------------------------------------------------------------------------------
add      = elementwise("add",      np.add,      x=lambda g: g,       y=lambda g: g,       onnx="Add",
                       complex="holomorphic")
subtract = elementwise("subtract", np.subtract, x=lambda g: g,       y=lambda g: -g,      onnx="Sub",
                       complex="holomorphic")
multiply = elementwise("multiply", np.multiply, x=lambda g, y: g * y, y=lambda g, x: g * x,
                       onnx="Mul", complex="holomorphic")
weighted = elementwise("weighted", times, "w * x, where a weight of 0 makes 0 of an infinity, too: 0 log 0 = 0.",
                       w=lambda g, w, x: g * where((w == 0) & isinf(x), 0, x), x=lambda g, w: g * w)
divide   = elementwise("divide",   np.divide,   x=lambda g, y: g / y, y=lambda g, y, out: -g * out / y,
                       domain={"y": NONZERO}, onnx="Div", complex="holomorphic")
remainder = elementwise("remainder", np.remainder, x=lambda g: g, y=lambda g, x, y: -g * floor_divide(x, y),
                        domain={"y": NONZERO}, onnx="Mod")
pow      = elementwise("pow",      np.power,    x=lambda g, x, y: g * _power_slope(x, y),
                       y=lambda g, x, out: g * (out * _log_or_zero(x, out)), domain={"x": POSITIVE}, onnx="Pow",
                       complex="holomorphic")
positive = elementwise("positive", np.positive, x=lambda g: g,       onnx="Identity", complex="holomorphic")
negative = elementwise("negative", np.negative, x=lambda g: -g,      onnx="Neg", complex="holomorphic")
square   = elementwise("square",   np.square,   x=lambda g, x: g * (2 * x), complex="holomorphic")
sqrt     = elementwise("sqrt",     np.sqrt,     x=lambda g, out: g / (2 * out), domain={"x": POSITIVE}, onnx="Sqrt",
                       complex="holomorphic")
reciprocal = elementwise("reciprocal", np.reciprocal, x=lambda g, out: -g * out * out,
                         domain={"x": NONZERO}, onnx="Reciprocal", complex="holomorphic")

# ---- exponentials and logarithms -----------------------------------------------------------------------------
exp   = elementwise("exp",   np.exp,   x=lambda g, out: g * out, onnx="Exp", complex="holomorphic")
exp2  = elementwise("exp2",  np.exp2,  x=lambda g, out: g * (out * ln(2)), complex="holomorphic")
expm1 = elementwise("expm1", np.expm1, x=lambda g, out: g * (out + 1), complex="holomorphic")
log   = elementwise("log",   np.log,   x=lambda g, x: g / x,          domain={"x": POSITIVE}, onnx="Log",
                    complex="holomorphic")
log2  = elementwise("log2",  np.log2,  x=lambda g, x: g / ln(2) / x,  domain={"x": POSITIVE}, complex="holomorphic")
log10 = elementwise("log10", np.log10, x=lambda g, x: g / ln(10) / x, domain={"x": POSITIVE}, complex="holomorphic")
log1p = elementwise("log1p", np.log1p, x=lambda g, x: g / (1 + x),      domain={"x": ABOVE_MINUS_ONE},
                    complex="holomorphic")
logaddexp = elementwise("logaddexp", np.logaddexp, x=lambda g, x, y: g * sigmoid(_difference(x, y)),
                        y=lambda g, x, y: g * sigmoid(_difference(y, x)))

# ---- trigonometric functions, in radians ---------------------------------------------------------------------
sin     = elementwise("sin",  np.sin,  x=lambda g, x: g * cos(x),            onnx="Sin", complex="holomorphic")
cos: UnaryOp = elementwise("cos",  np.cos,  x=lambda g, x: -g * sin(x),           onnx="Cos", complex="holomorphic")
tan     = elementwise("tan",  np.tan,  x=lambda g, out: g * (1 + out * out), domain={"x": UNIT}, onnx="Tan",
                      complex="holomorphic")
asin  = elementwise("asin",  np.arcsin,  x=lambda g, x: g / sqrt((1 - x) * (1 + x)),
                    domain={"x": UNIT}, onnx="Asin", complex="holomorphic")
acos  = elementwise("acos",  np.arccos,  x=lambda g, x: -g / sqrt((1 - x) * (1 + x)),
                    domain={"x": UNIT}, onnx="Acos", complex="holomorphic")
atan  = elementwise("atan",  np.arctan,  x=lambda g, x: g / (1 + x * x), onnx="Atan", complex="holomorphic")
atan2 = elementwise("atan2", np.arctan2, x=lambda g, x, y: _per_norm(_per_norm(g, x, y) * y, x, y),
                    y=lambda g, x, y: -_per_norm(_per_norm(g, x, y) * x, x, y))
hypot = elementwise("hypot", np.hypot,   x=lambda g, x, out: _radial(g, x, out), y=lambda g, y, out: _radial(g, y, out),
                    kinks=(0.0,))

# ---- hyperbolic functions ------------------------------------------------------------------------------------
sinh     = elementwise("sinh", np.sinh, x=lambda g, x: g * cosh(x), onnx="Sinh", complex="holomorphic")
cosh: UnaryOp = elementwise("cosh", np.cosh, x=lambda g, x: g * sinh(x), onnx="Cosh", complex="holomorphic")
tanh     = elementwise("tanh", np.tanh, x=lambda g, out: g * (1 - out * out), onnx="Tanh", complex="holomorphic")
asinh = elementwise("asinh", np.arcsinh, x=lambda g, x: g / _asinh_root(x), onnx="Asinh", complex="holomorphic")
acosh = elementwise("acosh", np.arccosh, x=lambda g, x: g / (sqrt(x - 1) * sqrt(x + 1)),
                    domain={"x": ABOVE_ONE}, onnx="Acosh", complex="holomorphic")
atanh = elementwise("atanh", np.arctanh, x=lambda g, x: g / ((1 - x) * (1 + x)), domain={"x": UNIT}, onnx="Atanh",
                    complex="holomorphic")

# ---- activations ---------------------------------------------------------------------------------------------
sigmoid: Op[[ArrayLike], Tensor] = elementwise("sigmoid", _sigmoid, "1 / (1 + exp(-x)), without overflow.",
                      x=lambda g, out: g * (out * (1 - out)), onnx="Sigmoid")
relu    = elementwise("relu",    lambda x: np.maximum(x, 0), "max(x, 0); NaN stays NaN.",
                      x=lambda g, out: where(out > 0, g, 0), kinks=(0.0,), onnx="Relu")

# ---- choosing ------------------------------------------------------------------------------------------------
abs      = elementwise("abs",      np.absolute, x=lambda g, x: _toward(g, x), kinks=(0.0,), onnx="Abs",
                       complex="nonholomorphic")
copysign: BinaryOp = elementwise("copysign", np.copysign, x=lambda g, x, y: g * (sign(x) * copysign(1, y)),
                       y=lambda g: zeros_like(g), kinks=(0.0,))
maximum  = elementwise("maximum",  np.maximum,  x=lambda g, x, y: where(x >= y, g, 0),
                       y=lambda g, x, y: where(x >= y, 0, g), kinks="ties", onnx="Max")
minimum  = elementwise("minimum",  np.minimum,  x=lambda g, x, y: where(x <= y, g, 0),
                       y=lambda g, x, y: where(x <= y, 0, g), kinks="ties", onnx="Min")

# ---- steps: flat wherever they have a derivative -------------------------------------------------------------
sign: UnaryOp = elementwise("sign",  np.sign,  x=lambda g, x, out: _turned(g, x, out), onnx="Sign",
                            complex="nonholomorphic")
floor = elementwise("floor", np.floor, x=lambda g: zeros_like(g), onnx="Floor")
ceil  = elementwise("ceil",  np.ceil,  x=lambda g: zeros_like(g), onnx="Ceil")
trunc = elementwise("trunc", np.trunc, x=lambda g: zeros_like(g))
round = elementwise("round", _rint, x=lambda g: zeros_like(g), onnx="Round", complex="nonholomorphic")
step  = elementwise("step",  lambda x: (x > 0).astype(x.dtype), "1 where x > 0, else 0.", x=lambda g: zeros_like(g))
# fmt: on


def clip(x: Value, min: Value = None, max: Value = None) -> Tensor:
    """out = minimum(maximum(x, min), max): each element moved into [min, max]. Where min > max the result is max.

    Gradients flow to x where it lies inside, bounds included, and else to the bound that holds it.

    Args:
        x: numbers.
        min: the lower bound; none unless given.
        max: the upper bound; none unless given.

    Shapes: any that broadcast -> the common one.
    """
    x = x if min is None else maximum(x, min)
    return x if max is None else minimum(x, max)


def angle(x: Value) -> Tensor:
    """The angle of complex numbers, z = |z| exp(i angle), in radians from -pi to pi; 0 or pi for real numbers.

    Args:
        x: numbers.

    Shapes: any -> the same.
    """
    return atan2(imag(x), real(x))


def _power_slope(x: Value, y: Value) -> Value:
    """d(x**y)/dx = y * x**(y-1); for y = 0 it is 0 everywhere, also at x = 0."""
    if isinstance(y, (int, float, complex)):
        return zeros_like(x) if y == 0 else y if y == 1 else y * x ** (y - 1)
    return y * x ** where((x == 0) & (y == 0), 1, y - 1)


def _log_or_zero(x: Value, power: Value) -> Value:
    """log(x), complex where the power is, and 0 at x = 0, where x**y is 0 for every y > 0, whatever y is."""
    x = where(x == 0, 1, x)
    becomes_complex = power.dtype.kind == "c" and x.dtype.kind != "c"  # x + 0j would lose the sign of an imaginary -0
    return log(x + 0j if becomes_complex else x)


def _difference(x: Value, y: Value) -> Value:
    """x - y, and 0 where both are the same infinity: there the two share what arrives, half each."""
    same = (x == y) & isinf(x)
    return where(same, 0, x) - where(same, 0, y)


def _radial(g: Value, x: Value, norm: Value) -> Value:
    """g * x / norm; where the norm is 0, and has no derivative, see `exact_quotient.py`."""
    return smooth_at_zero(g * (x / where(norm == 0, 1, norm)), g, x, norm, "hypot")


def _toward(g: Value, x: Value) -> Value:
    """g * conj(sign(x)); where x is 0, and |x| has no derivative, see `exact_quotient.py`."""
    return smooth_at_zero(g * conjugated(sign(x)), g, x, x, "abs")


def _turned(g: Value, x: Value, direction: Value) -> Value:
    """The slope of x / |x|: 0 for real numbers, and for complex ones i Im(g * direction) conj(direction) / |x|."""
    if x.dtype.kind != "c":
        return zeros_like(g)
    return 1j * imag(g * direction) * conjugated(direction) / where(x == 0, 1, abs(x))


def _asinh_root(x: Value) -> Value:
    """The square root of 1 + x^2, for real numbers without overflow."""
    return hypot(1, x) if x.dtype.kind != "c" else sqrt(1 + x * x)


def _per_norm(g: Value, x: Value, y: Value) -> Value:
    """g / hypot(x, y), without overflow between; 0 at (0, 0), where the angle has no derivative."""
    norm = hypot(x, y)
    return where(norm == 0, 0, g / where(norm == 0, 1, norm))

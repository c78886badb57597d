"""Comparisons, tests, logic and integers: elementwise functions whose results have no derivatives."""

from __future__ import annotations

import numpy as np

from minigrad.autograd.complex_numbers import Complex
from minigrad.autograd.elementwise import BinaryOp, UnaryOp, elementwise
from minigrad.typing import Value


def _unary(name: str, function: np.ufunc, complex: Complex | None = None) -> UnaryOp:
    return elementwise(name, function, non_differentiable=("x",), complex=complex)


def _binary(name: str, function: np.ufunc, complex: Complex | None = None) -> BinaryOp:
    return elementwise(name, function, non_differentiable=("x", "y"), complex=complex)


def _floor_divide(x: Value, y: Value) -> Value:
    """The largest integer up to x / y. With one of both infinite it is x / y, where NumPy gives NaN and -1."""
    with np.errstate(invalid="ignore"):
        out = np.floor_divide(x, y)
        if out.dtype.kind == "f" and (infinite := np.isinf(x) ^ np.isinf(y)).any():
            out = np.where(infinite, np.divide(x, y), out)
    return out


# fmt: off
equal          = _binary("equal",         np.equal, complex="nonholomorphic")
not_equal      = _binary("not_equal",     np.not_equal, complex="nonholomorphic")
less           = _binary("less",          np.less)
less_equal     = _binary("less_equal",    np.less_equal)
greater        = _binary("greater",       np.greater)
greater_equal  = _binary("greater_equal", np.greater_equal)

isfinite       = _unary("isfinite",      np.isfinite, complex="nonholomorphic")
isnan          = _unary("isnan",         np.isnan, complex="nonholomorphic")
isinf          = _unary("isinf",         np.isinf, complex="nonholomorphic")
signbit        = _unary("signbit",       np.signbit)
nextafter      = _binary("nextafter",     np.nextafter)
floor_divide   = elementwise("floor_divide", _floor_divide, non_differentiable=("x", "y"))

logical_not    = _unary("logical_not",   np.logical_not, complex="nonholomorphic")
logical_and    = _binary("logical_and",   np.logical_and, complex="nonholomorphic")
logical_or     = _binary("logical_or",    np.logical_or, complex="nonholomorphic")
logical_xor    = _binary("logical_xor",   np.logical_xor, complex="nonholomorphic")

bitwise_invert = _unary("bitwise_invert", np.invert)
bitwise_and    = _binary("bitwise_and",   np.bitwise_and)
bitwise_or     = _binary("bitwise_or",    np.bitwise_or)
bitwise_xor    = _binary("bitwise_xor",   np.bitwise_xor)
bitwise_left_shift  = _binary("bitwise_left_shift",  np.left_shift)
bitwise_right_shift = _binary("bitwise_right_shift", np.right_shift)

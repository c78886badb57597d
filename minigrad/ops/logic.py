"""Comparisons, tests, logic and integers: elementwise functions whose results have no derivatives."""

from __future__ import annotations

import numpy as np

from minigrad.autograd.elementwise import elementwise
from minigrad.autograd.op import Op


def _constant(name: str, function: np.ufunc) -> Op:
    return elementwise(name, function, non_differentiable=("x", "y")[: function.nin])


# fmt: off
equal          = _constant("equal",         np.equal)
not_equal      = _constant("not_equal",     np.not_equal)
less           = _constant("less",          np.less)
less_equal     = _constant("less_equal",    np.less_equal)
greater        = _constant("greater",       np.greater)
greater_equal  = _constant("greater_equal", np.greater_equal)

isfinite       = _constant("isfinite",      np.isfinite)
isnan          = _constant("isnan",         np.isnan)
isinf          = _constant("isinf",         np.isinf)
signbit        = _constant("signbit",       np.signbit)
nextafter      = _constant("nextafter",     np.nextafter)
floor_divide   = _constant("floor_divide",  np.floor_divide)

logical_not    = _constant("logical_not",   np.logical_not)
logical_and    = _constant("logical_and",   np.logical_and)
logical_or     = _constant("logical_or",    np.logical_or)
logical_xor    = _constant("logical_xor",   np.logical_xor)

bitwise_invert = _constant("bitwise_invert", np.invert)
bitwise_and    = _constant("bitwise_and",   np.bitwise_and)
bitwise_or     = _constant("bitwise_or",    np.bitwise_or)
bitwise_xor    = _constant("bitwise_xor",   np.bitwise_xor)
bitwise_left_shift  = _constant("bitwise_left_shift",  np.left_shift)
bitwise_right_shift = _constant("bitwise_right_shift", np.right_shift)

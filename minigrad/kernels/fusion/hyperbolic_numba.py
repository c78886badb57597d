"""Hyperbolic functions and their inverses without branches, for generated loops.

sinh and cosh are made of half of exp(|x|), which does not overflow before they do; sinh of a polynomial in x**2 near 0.

The inverses are logarithms of u = 1 + t, where t, and what rounding took from it, are found to more digits than a
number has (by fused products): asinh and acosh take u = |x| + sqrt(x**2 +- 1), atanh u = (1 + |x|) / (1 - |x|).
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final, TypeAlias

import numpy as np

from ..jit import inlined
from .float_bits_numba import copysign, exponent, mantissa, multiply_add, rounded_product
from .polynomial_numba import polynomial

Number: TypeAlias = Any  # a float of the library's dtype, which only Numba knows

# fmt: off
SINH: Final = {
    np.float32: (0.16666666141066693682, 0.0083334077211260554961, 0.00019824852302455494457,
                 2.8712520406477188975e-6),
    np.float64: (0.16666666666666666649, 0.0083333333333333432132, 0.00019841269841260662792, 2.75573192272335617e-6,
                 2.5052107821289140918e-8, 1.605909702903293811e-10, 7.6443877839357698634e-13,
                 2.8867293798103269639e-15),
}
# fmt: on


def hyperbolic(f: Any, half_exp: Callable[[Any], Any], log_near_one: Callable[..., Any]) -> SimpleNamespace:
    """The functions for numbers of the dtype f.

    Args:
        f: float32 or float64.
        half_exp: half of exp(x), for x >= 0.
        log_near_one: see `vector_math_numba`.
    """
    math = SimpleNamespace()
    _functions(f, half_exp, math)
    _inverse_functions(f, log_near_one, math)
    return math


def _functions(f: Any, half_exp: Callable[[Any], Any], math: SimpleNamespace) -> None:
    curved, near, quarter = polynomial(f, SINH[f]), f(1.5), f(0.25)

    @inlined
    def sinh(x: Number) -> Number:
        size = abs(x)
        half = half_exp(size)
        return x + x * (x * x) * curved(x * x) if size < near else copysign(half - quarter / half, x)

    @inlined
    def cosh(x: Number) -> Number:
        half = half_exp(abs(x))
        return half + quarter / half

    math.sinh, math.cosh = sinh, cosh


def _inverse_functions(f: Any, log_near_one: Callable[..., Any], math: SimpleNamespace) -> None:
    zero, half, one, two, infinity, nan = map(f, (0, 0.5, 1, 2, np.inf, np.nan))
    far, tiny = f(np.sqrt(np.finfo(f).max) / 4), f(np.sqrt(np.finfo(f).tiny))

    @inlined
    def log_sum(size: Number, root: Number, lost: Number) -> Number:
        """log(size + root + lost); log(2 size) where size is far from 0."""
        large = size > far
        u = size if large else size + root
        larger = size if size > root else root
        lost = zero if large else ((larger - u) + (root if size > root else size) + lost) / u
        k = exponent(u)
        return log_near_one(mantissa(u) - one, k + one if large else k, lost)

    @inlined
    def asinh(x: Number) -> Number:
        size = abs(x)
        short = far if size > far else size
        square = rounded_product(short, short)
        rest = multiply_add(short, short, -square)
        whole = square + one
        rest += (square - whole) + one if square > one else (one - whole) + square
        root = np.sqrt(whole)
        out = log_sum(size, root, (multiply_add(-root, root, whole) + rest) / (two * root))
        out = size if (size < tiny) | (size == infinity) else out
        return x if x != x else copysign(out, x)

    @inlined
    def acosh(x: Number) -> Number:
        short = far if x > far else x
        square = rounded_product(short, short)
        rest = multiply_add(short, short, -square)
        whole = square - one
        rest += (square - whole) - one
        root = np.sqrt(whole + rest)
        lost = multiply_add(-root, root, whole) + rest
        out = log_sum(x, root, zero if root == zero else lost / (two * root))
        out = x if x == infinity else out
        return out if x >= one else nan

    @inlined
    def atanh(x: Number) -> Number:
        size = abs(x)
        below = one - size
        t = (size + size) / below
        lost = (multiply_add(-t, below, size + size) - t * ((one - below) - size)) / below
        u = one + t
        k = exponent(u)
        lost += zero if k == zero else (one - (u - t) if t > one else t - (u - one))
        out = half * log_near_one(t if k == zero else mantissa(u) - one, k, lost / u)
        out = infinity if size == one else (nan if size > one else out)
        return x if (size < tiny) | (x != x) else copysign(out, x)

    math.arcsinh, math.arccosh, math.arctanh = asinh, acosh, atanh

"""Powers, logarithms to other bases, lengths and remainders without branches, for generated loops.

exp2 takes x = k + r; log2 and log10 take x = 2**k (1 + t), and the product of log(1 + t) with a constant in two parts.
A power of float32 numbers is computed as exp(y log x) in float64; for float64 there is nothing wider, and no loop.
"""

from __future__ import annotations

import math as exact
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final, TypeAlias

import numpy as np

from ..jit import inlined
from .float_bits_numba import copysign, exponent, mantissa, multiply_add, power_of_two, rounded_product

Number: TypeAlias = Any  # a float of the library's dtype, which only Numba knows

LARGEST_QUOTIENT: Final = 2.0**22
"""Up to it quotients are rounded down rightly, or one too high; what lies beyond is left to the C library."""

LOG10_2: Final = {
    np.float32: (0.3010300099849700927734375, -1.432098883924481924623251e-8),
    np.float64: (0.301029995663981198017467, -2.803728127785170393732601e-18),
}
PER_LOG_2: Final = {
    np.float32: (1.44269502162933349609375, 1.925963033500011079013348e-8),
    np.float64: (1.442695040888963387004651, 2.035527374093103311102109e-17),
}
PER_LOG_10: Final = {
    np.float32: (0.4342944920063018798828125, -1.010304995219257762073539e-8),
    np.float64: (0.4342944819032518276511289, 1.098319650216765072738721e-17),
}


def powers(f: Any, expm1_small: Callable[[Any], Any], odd: Callable[[Any], Any], wide: Any) -> SimpleNamespace:
    """The functions for numbers of the dtype f.

    Args:
        f: float32 or float64.
        expm1_small: exp(r) - 1 for |r| <= log(2) / 2.
        odd: the polynomial of s**2 in log(1 + t) = t - t**2/2 + s (t**2/2 + odd(s**2)), where s = t / (2 + t).
        wide: for float32, exp and log of float64; None else.
    """
    math = SimpleNamespace()
    _exponential(f, expm1_small, math)
    math.log2 = _logarithm(f, odd, (1.0, 0.0), PER_LOG_2[f])
    math.log10 = _logarithm(f, odd, LOG10_2[f], PER_LOG_10[f])
    _remainders(f, math)
    _length(f, math)
    if wide is not None:
        _power(f, wide, math)
    return math


def _exponential(f: Any, expm1_small: Callable[[Any], Any], math: SimpleNamespace) -> None:
    info = np.finfo(f)
    lowest, highest, log_2, half, one = map(f, (info.minexp - info.nmant - 2, info.maxexp + 1, exact.log(2), 0.5, 1))

    @inlined
    def exp2(x: Number) -> Number:
        x = lowest if x < lowest else x  # NaN passes
        x = highest if x > highest else x
        k = np.rint(x)
        first = np.floor(k * half)  # 2**k itself may be no normal number
        return (one + expm1_small((x - k) * log_2)) * power_of_two(first) * power_of_two(k - first)

    math.exp2 = exp2


def _logarithm(f: Any, odd: Callable[[Any], Any], of_two: tuple[float, float], per: tuple[float, float]) -> Any:
    """The logarithm to the base of which `of_two` is the logarithm of 2, and `per` 1 over the natural one."""
    two_high, two_low, per_high, per_low = map(f, (*of_two, *per))
    zero, half, one, two, infinity, nan = map(f, (0, 0.5, 1, 2, np.inf, np.nan))
    normal, digits = np.finfo(f).tiny, f(np.finfo(f).nmant + 2)
    scale = f(2.0 ** float(digits))

    @inlined
    def log(x: Number) -> Number:
        subnormal = x < normal
        y = x * scale if subnormal else x
        k, t = exponent(y), mantissa(y) - one
        k = k - digits if subnormal else k
        s = t / (two + t)
        square = rounded_product(half * t, t)
        high = t - square  # log(1 + t) in two parts
        low = ((t - high) - square) + s * (square + odd(s * s))
        product = rounded_product(high, per_high)
        rest = multiply_add(high, per_high, -product) + (high * per_low + low * per_high)
        whole = rounded_product(k, two_high)
        rest += multiply_add(k, two_high, -whole) + k * two_low
        total = whole + product
        out = total + (rest + ((whole - total) + product))
        out = x if (x == infinity) | (x != x) else out
        out = nan if x < zero else out
        return -infinity if x == zero else out

    return log


def _remainders(f: Any, math: SimpleNamespace) -> None:
    zero, one = f(0), f(1)

    @inlined
    def remainder(x: Number, y: Number) -> Number:
        q = np.floor(x / y)
        r = x if q == zero else multiply_add(-q, y, x)
        r = r + y if (r != zero) & ((r < zero) != (y < zero)) else r
        return copysign(r, y) if r == zero else r

    @inlined
    def floor_divide(x: Number, y: Number) -> Number:
        q = x / y
        whole = np.floor(q)
        r = x if whole == zero else multiply_add(-whole, y, x)
        whole = whole - one if (r != zero) & ((r < zero) != (y < zero)) else whole
        return copysign(whole, q) if whole == zero else whole

    math.remainder, math.floor_divide = remainder, floor_divide


def _length(f: Any, math: SimpleNamespace) -> None:
    info = np.finfo(f)
    huge, small = f(2.0 ** (info.maxexp // 2 - 2)), f(2.0 ** (info.minexp // 2 + info.nmant + 2))
    up, down = f(2.0 ** (info.maxexp // 2 + info.nmant)), f(2.0 ** (-info.maxexp // 2 - 2))
    one, infinity = f(1), f(np.inf)

    @inlined
    def hypot(x: Number, y: Number) -> Number:
        x, y = abs(x), abs(y)
        larger = x if x > y else y
        scale = down if larger > huge else (up if larger < small else one)
        a, b = x * scale, y * scale
        out = np.sqrt(multiply_add(a, a, b * b)) / scale
        return infinity if (x == infinity) | (y == infinity) else out

    math.hypot = hypot


def _power(f: Any, wide: Any, math: SimpleNamespace) -> None:
    exp, log = wide.exp, wide.log
    zero, half, one, nan = map(f, (0, 0.5, 1, np.nan))
    nothing = np.float64(0)

    @inlined
    def power(x: Number, y: Number) -> Number:
        whole = np.floor(y) == y
        odd = whole & (np.floor(y * half) != y * half)
        logarithm = log(np.float64(abs(x)))
        out = f(exp(nothing if logarithm == nothing else np.float64(y) * logarithm))
        out = -out if odd & (copysign(one, x) < zero) else out
        out = out if whole | (x >= zero) | (abs(x) == f(np.inf)) else nan
        return one if (y == zero) | (x == one) else out

    math.wide_power = power

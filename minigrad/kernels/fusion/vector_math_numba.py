"""Exponentials, logarithms and error functions without branches, so that LLVM computes many elements at a time.

    math = library(np.float32);  math.exp(x)

Each is within 2 units in the last place on the whole line (tanh and erf: 3, erfc: 6), with the right infinities, NaN,
signed zeros and subnormal numbers. What is done differs only in constants for the two dtypes.

exp and expm1 take x = k log 2 + r, and a polynomial of r. log and log1p take x = 2**k (1 + f), and FreeBSD's msun
polynomials in s = f / (2 + f). erfc is exp(-x**2) / (x + 2) times a polynomial of 1 / (x + 2) for all x >= 0, whose
coefficients were interpolated at the Chebyshev points with 60 digits; erf is a polynomial near 0.

Products may be fused into sums (`compiled`); where that would change the meaning, what is subtracted is exact.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any, Final, TypeAlias

import numpy as np

from ..jit import inlined
from .float_bits_numba import (
    copysign,
    exponent,
    mantissa,
    multiply_add,
    power_of_two,
    rounded_product,
    with_exponent,
)
from .hyperbolic_numba import hyperbolic
from .polynomial_numba import polynomial
from .powers_numba import powers
from .trigonometry_numba import trigonometry

Number: TypeAlias = Any  # a float of the library's dtype, which only Numba knows
Function: TypeAlias = Callable[..., Number]

# fmt: off
SINGLE: Final = {
    "lowest": -104.0, "highest": 89.0, "lift": 64, "no_tail": -18.0, "tanh_end": 10.0,
    "log2_high": 0.693359375, "log2_low": -2.12194440e-4,
    "exp": (0.5, 0.16666575985420823064, 0.041666553362644262107, 0.008363345810987111096, 0.0013926391896140631539),
    "log": (0.66666662693, 0.40000972152, 0.28498786688, 0.24279078841),
    "near": (1.1283791656017914552, -0.37612609007469802928, 0.11282831428465861874, -0.026757732735015515622,
             0.0047190825672188138798),
    "far_middle": 0.29, "far_width": 0.21, "far_end": 10.5,
    "far": (1.1388174448925865025, 0.65437581159544212274, 0.20704198429600518867, 0.012616870772865733898,
            -0.012654635512444587249, -0.0013498168555663178186, 0.0012501165121395744703, 0.000019705307880322261235,
            -0.00014197497470804102168, 0.000013059690364280432024, 0.000011438622189604816142),
}
DOUBLE: Final = {
    "lowest": -746.0, "highest": 710.0, "lift": 200, "no_tail": -40.0, "tanh_end": 20.0,
    "log2_high": 6.93147180369123816490e-01, "log2_low": 1.90821492927058770002e-10,
    "exp": (0.5, 0.16666666666666671113, 0.041666666666666669842, 0.0083333333333259731077, 0.0013888888888883632605,
            0.00019841269875385479525, 0.000024801587325951109373, 2.7557254685728802533e-6, 2.7557273132896040925e-7,
            2.5105513541847084876e-8, 2.0914898727175524234e-9),
    "log": (6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
            1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01),
    "near": (1.1283791670955125739, -0.3761263890318375052, 0.11283791670954869097, -0.026866170644999719804,
             0.0052239776220169363623, -0.00085483265107247963985, 0.00012055286202005713254,
             -0.000014923003368152098786, 1.6371234425770000733e-6, -1.4620913409451748679e-7),
    "far_middle": 0.26694915254237288136, "far_width": 0.23305084745762711864, "far_end": 27.5,
    "far": (1.0694653229892509462, 0.67634175163188611503, 0.24877097469837111636, 0.024570649331666884575,
            -0.017735661417641145574, -0.0036273960587330709176, 0.0022327672505910436522, 0.00029187738134710095788,
            -0.00037416831469929348731, 0.000028544036855886515763, 0.000056406262776965963267,
            -0.000021361970921012280811, -3.6165775539298694486e-6, 5.4744713984400306128e-6, -1.4086036559138019739e-6,
            -5.5486673000684402382e-7, 5.5413835169255846909e-7, -1.4051438538545350374e-7, -5.9452018709641479419e-8,
            6.6897856287709021669e-8, -1.9317262515191510293e-8, -8.6004546124322375152e-9, 8.3265198177667341459e-9,
            -9.9045174417935696995e-10, -1.0599618122912187616e-9, 3.275968546095774014e-10),
}
# fmt: on


def constants(f: Any) -> dict[str, Any]:
    """What differs between the dtypes."""
    return SINGLE if f is np.float32 else DOUBLE


@cache
def library(f: Any) -> SimpleNamespace:
    """The functions for numbers of the dtype f."""
    math, given = SimpleNamespace(), constants(f)
    expm1_small, half_exp, exp_of_sum = _exponentials(f, given, math)
    odd, log_near_one = _logarithms(f, given, math)
    _error_functions(f, given, exp_of_sum, math)
    wide = library(np.float64) if f is np.float32 else None
    for more in (
        trigonometry(f), hyperbolic(f, half_exp, log_near_one), powers(f, expm1_small, odd, wide)
    ):  # fmt: skip
        vars(math).update(vars(more))
    return math


def _exponentials(f: Any, c: dict[str, Any], math: SimpleNamespace) -> tuple[Function, Function, Function]:
    lowest, highest, no_tail, tanh_end = f(c["lowest"]), f(c["highest"]), f(c["no_tail"]), f(c["tanh_end"])
    log2_high, log2_low, per_log2 = f(c["log2_high"]), f(c["log2_low"]), f(1 / np.log(2))
    tiny, later = f(np.finfo(f).eps / 4), f(c["highest"] + 1)
    one, two, half = f(1), f(2), f(0.5)
    info, nothing, shrink = np.finfo(f), f(-0.0), f(2.0 ** -c["lift"])  # to add -0 is to do nothing
    rounder = f(1.5 * 2.0**info.nmant + info.maxexp - 1 + c["lift"])  # t = n + rounder ends with the bits of n's power
    small_rounder = f(1.5 * 2.0**info.nmant + info.maxexp - 1)  # without the lift, which only small powers need
    curved = polynomial(f, c["exp"])

    @inlined
    def expm1_small(r: Number) -> Number:
        """exp(r) - 1 for |r| <= log(2) / 2."""
        return r + r * r * curved(r)

    @inlined
    def exp(x: Number) -> Number:
        x = lowest if x < lowest else x  # NaN passes
        x = highest if x > highest else x
        k = np.floor(x * per_log2 + half)
        r = (x - k * log2_high) - k * log2_low
        first = np.floor(k * half)  # 2**k itself may be no normal number
        return (one + r * (one + r * curved(r))) * power_of_two(first) * power_of_two(k - first)

    @inlined
    def exp_of_sum(x: Number, rest: Number) -> Number:
        """exp(x + rest), for x <= 0 and a rest that is small beside 1."""
        x = lowest if x < lowest else x
        t = x * per_log2 + rounder
        k = t - rounder
        r = ((x - k * log2_high) - k * log2_low) + rest
        return (one + r * (one + r * curved(r))) * with_exponent(t) * shrink  # 2**k itself may be no normal number

    @inlined
    def exp_nonpositive(x: Number) -> Number:
        """exp(x) for x <= 0, which is less work."""
        return exp_of_sum(x, nothing)

    @inlined
    def half_exp(x: Number) -> Number:
        """Half of exp(x), for x >= 0."""
        x = later if x > later else x
        k = np.floor(x * per_log2 + half)
        r = (x - k * log2_high) - k * log2_low
        first = np.floor(k * half)
        return (one + expm1_small(r)) * power_of_two(first) * power_of_two(k - one - first)

    @inlined
    def expm1(x: Number) -> Number:
        y = no_tail if x < no_tail else x
        y = highest if y > highest else y
        k = np.floor(y * per_log2 + half)
        r = (y - k * log2_high) - k * log2_low
        scale = power_of_two(k - one)  # half of 2**k, which may be too large
        out = two * (expm1_small(r) * scale + (scale - half))
        return x if abs(x) < tiny else out

    @inlined
    def tanh(x: Number) -> Number:
        """e / (e + 2), where e = exp(2 |x|) - 1 = 2**k (1 + p) - 1."""
        size = abs(x)
        size = tanh_end if size > tanh_end else size  # NaN passes
        t = size * (two * per_log2) + small_rounder
        k = t - small_rounder
        r = (two * size - k * log2_high) - k * log2_low
        scale = with_exponent(t)
        e = expm1_small(r) * scale + (scale - one)
        return copysign(e / (e + two), x)

    math.exp, math.exp_nonpositive, math.expm1, math.tanh = exp, exp_nonpositive, expm1, tanh
    return expm1_small, half_exp, exp_of_sum


def _logarithms(f: Any, c: dict[str, Any], math: SimpleNamespace) -> tuple[Function, Function]:
    log2_high, log2_low = f(c["log2_high"]), f(c["log2_low"])
    one, two, half, zero, infinity, nan = f(1), f(2), f(0.5), f(0), f(np.inf), f(np.nan)
    normal, eps = np.finfo(f).tiny, f(np.finfo(f).eps / 4)
    digits = f(np.finfo(f).nmant + 2)
    scale = f(2.0 ** float(digits))
    odd = polynomial(f, (0.0, *c["log"]))

    @inlined
    def log_near_one(t: Number, k: Number, correction: Number) -> Number:
        """k log 2 + log(1 + t) + correction, for sqrt(1/2) <= 1 + t < sqrt(2)."""
        s = t / (two + t)
        square = half * t * t
        return ((s * (square + odd(s * s)) + (k * log2_low + correction)) - square + t) + k * log2_high

    @inlined
    def log(x: Number) -> Number:
        subnormal = x < normal
        y = x * scale if subnormal else x
        k = exponent(y)
        k = k - digits if subnormal else k
        out = log_near_one(mantissa(y) - one, k, zero)
        out = x if (x == infinity) | (x != x) else out
        out = nan if x < zero else out
        return -infinity if x == zero else out

    @inlined
    def log1p(x: Number) -> Number:
        u = one + x
        k = exponent(u)
        lost = one - (u - x) if x > one else x - (u - one)  # what rounding took from u
        t = x if k == zero else mantissa(u) - one
        out = log_near_one(t, k, zero if k == zero else lost / u)
        out = x if (abs(x) < eps) | (x == infinity) | (x != x) else out
        out = nan if x < -one else out
        return -infinity if x == -one else out

    math.log, math.log1p = log, log1p
    return odd, log_near_one


def _error_functions(f: Any, c: dict[str, Any], exp_of_sum: Function, math: SimpleNamespace) -> None:
    near, far = polynomial(f, c["near"]), polynomial(f, c["far"])
    level, slope = f((1 - 2 * c["far_middle"]) / c["far_width"]), f(c["far_middle"] / c["far_width"])
    end, zero, half, one, two = f(c["far_end"]), f(0), f(0.5), f(1), f(2)

    @inlined
    def gaussian(x: Number) -> Number:
        size = abs(x)
        size = end if size > end else size
        square = rounded_product(size, size)
        return exp_of_sum(-square, -multiply_add(size, size, -square))  # with what rounding took from the square

    @inlined
    def tail(size: Number, e: Number) -> Number:
        """erfc(size) for size >= 0, where e is exp(-size**2)."""
        size = end if size > end else size
        inverse = one / (size + two)
        return e * (inverse * far((level - slope * size) * inverse))

    @inlined
    def erf_given(x: Number, e: Number) -> Number:
        size = abs(x)
        return x * near(x * x) if size < half else copysign(one - tail(size, e), x)

    @inlined
    def erfc_given(x: Number, e: Number) -> Number:
        outside = tail(abs(x), e)
        return two - outside if x < zero else outside

    math.gaussian, math.erf_given, math.erfc_given = gaussian, erf_given, erfc_given

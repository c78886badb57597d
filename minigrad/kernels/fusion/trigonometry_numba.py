"""Trigonometric functions without branches, for generated loops; the coefficients are of polynomials in x**2.

sin, cos and tan take x = n pi/2 + r, where r is found to more digits than a number has (Cody and Waite's reduction,
with fused products), and polynomials of r. That is right up to `FARTHEST`; what lies beyond is left to the C library.

asin and acos take sqrt((1 - |x|) / 2) beyond 1/2; atan and atan2 take a quotient between 0 and tan(pi/8).
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final, TypeAlias

import numpy as np

from ..jit import inlined
from .float_bits_numba import copysign, multiply_add, rounded_product
from .polynomial_numba import polynomial

Number: TypeAlias = Any  # a float of the library's dtype, which only Numba knows

FARTHEST: Final = 2.0**17
"""The largest argument of sin, cos and tan: n and all products with it are exact."""

# fmt: off
SINGLE: Final = {
    "sin": (-0.16666666662874472685, 0.0083333315079291940025, -0.00019839896107747110632, 2.7226134177356092967e-6),
    "cos": (0.041666664154634536297, -0.0013888208620953395467, 0.000024528306626766834733),
    "asin": (0.1666666633654049, 0.075000947611729011, 0.044599319162871138, 0.031101727829067167, 0.017143716819253569,
             0.033700726321365132),
    "atan": (-0.33333331725382944242, 0.19999532278580064713, -0.14263672007517818858, 0.10740673734651949428,
             -0.064418185062993356804),
}
DOUBLE: Final = {
    "sin": (-0.16666666666666666665, 0.0083333333333333304476, -0.00019841269841262896105, 2.7557319217717119748e-6,
            -2.505210569062106571e-8, 1.6058448993897476237e-10, -7.5820090089648599065e-13),
    "cos": (0.041666666666666664664, -0.0013888888888886719874, 0.000024801587297780697425, -2.7557316780401080817e-7,
            2.0876047749694532913e-9, -1.1375800426028643975e-11),
    "asin": (0.16666666666666668, 0.074999999999984243, 0.044642857146373381, 0.030381944137085214,
             0.022372173002005597, 0.017352391265909228, 0.013971235301124539, 0.011478952690257387,
             0.010324318288744112, 0.0054508781877205499, 0.017419357964884857, -0.014881409392818067,
             0.028778442612593041),
    "atan": (-0.33333333333333329999, 0.19999999999995316993, -0.14285714284624152447, 0.11111111011855054504,
             -0.09090904440257445357, 0.076921799957678409761, -0.06664466550806599561, 0.058577598393914550896,
             -0.050834186453829251784, 0.039173122608293251033, -0.019105372975400335966),
}
HALF_PI: Final = {  # as a sum of three numbers
    np.float32: (1.57079637050628662109375, -4.371138828673792886547744e-8, -1.715124510005881872803934e-15),
    np.float64: (1.570796326794896557998982, 6.12323399573676603586882e-17, -1.497384904859169832943508e-33),
}
# fmt: on


def trigonometry(f: Any) -> SimpleNamespace:
    """The functions for numbers of the dtype f."""
    math = SimpleNamespace()
    _functions(f, math)
    _inverse_functions(f, math)
    return math


def _functions(f: Any, math: SimpleNamespace) -> None:
    constants = SINGLE if f is np.float32 else DOUBLE
    sine, cosine = polynomial(f, constants["sin"]), polynomial(f, constants["cos"])
    first, second, third = map(f, HALF_PI[f])
    per_half_pi, zero, quarter, half, one, two, three, four = map(f, (2 / np.pi, 0, 0.25, 0.5, 1, 2, 3, 4))

    @inlined
    def reduced(x: Number) -> tuple[Number, Number, Number]:
        """The quarter of the circle in which x lies, 0 to 3, and r in two parts."""
        n = np.rint(x * per_half_pi)
        r = multiply_add(-n, first, x)  # exact
        product = rounded_product(n, second)
        head = r - product
        moved = head - r
        tail = (r - (head - moved)) - (product + moved)  # what rounding took from head
        tail = multiply_add(-n, third, tail - multiply_add(n, second, -product))
        return n - four * np.floor(n * quarter), head, tail

    @inlined
    def sin_of(r: Number, tail: Number) -> Number:
        square = r * r
        return r + (r * square * sine(square) + tail * (one - half * square))

    @inlined
    def cos_of(r: Number, tail: Number) -> Number:
        square = r * r
        drop = half * square
        level = one - drop
        return level + (((one - level) - drop) + (square * square * cosine(square) - r * tail))

    @inlined
    def sin(x: Number) -> Number:
        quarter, r, tail = reduced(x)
        out = cos_of(r, tail) if (quarter == one) | (quarter == three) else sin_of(r, tail)
        out = -out if quarter >= two else out
        return x if x == zero else out

    @inlined
    def cos(x: Number) -> Number:
        quarter, r, tail = reduced(x)
        out = sin_of(r, tail) if (quarter == one) | (quarter == three) else cos_of(r, tail)
        return -out if (quarter == one) | (quarter == two) else out

    @inlined
    def tan(x: Number) -> Number:
        quarter, r, tail = reduced(x)
        odd = (quarter == one) | (quarter == three)
        s, c = sin_of(r, tail), cos_of(r, tail)
        return x if x == zero else (-c if odd else s) / (s if odd else c)

    math.sin, math.cos, math.tan = sin, cos, tan


def _inverse_functions(f: Any, math: SimpleNamespace) -> None:
    constants = SINGLE if f is np.float32 else DOUBLE
    arcsine, arctangent = polynomial(f, constants["asin"]), polynomial(f, constants["atan"])
    half_pi, rest = f(HALF_PI[f][0]), f(HALF_PI[f][1])
    quarter_pi, quarter_rest, steepest = f(HALF_PI[f][0] / 2), f(HALF_PI[f][1] / 2), f(np.tan(np.pi / 8))
    huge, quarter = f(np.finfo(f).max / 4), f(0.25)
    small, boost = f(np.finfo(f).tiny / np.finfo(f).eps), f(1 / np.finfo(f).eps)
    zero, half, one, two, four, infinity = map(f, (0, 0.5, 1, 2, 4, np.inf))

    @inlined
    def asin(x: Number) -> Number:
        size = abs(x)
        near = size < half
        square = x * x if near else (one - size) * half
        s = size if near else np.sqrt(square)
        more = s * square * arcsine(square)
        return copysign(s + more if near else half_pi - (two * s + (two * more - rest)), x)

    @inlined
    def acos(x: Number) -> Number:
        size = abs(x)
        near = size < half
        square = x * x if near else (one - size) * half
        s = x if near else np.sqrt(square)
        more = s * square * arcsine(square)
        middle = half_pi - (s + (more - rest))
        right = two * (s + more)
        left = two * (half_pi - (s + (more - rest)))
        return middle if near else (right if x > zero else left)

    @inlined
    def angle(a: Number, b: Number, turns: Number, sign: Number) -> Number:
        """turns * pi/4 + sign * atan(a / b), for 0 <= a <= b."""
        steep = a > steepest * b
        t = (a - b if steep else a) / (a + b if steep else b)
        turns = turns + sign if steep else turns
        more = sign * (t * (t * t) * arctangent(t * t))
        whole = turns * quarter_pi
        lost = multiply_add(turns, quarter_pi, -whole)
        return whole + (sign * t + (more + (lost + turns * quarter_rest)))

    @inlined
    def atan(x: Number) -> Number:
        size = abs(x)
        far = size > one
        out = angle(one if far else size, size if far else one, two if far else zero, -one if far else one)
        return copysign(out, x)

    @inlined
    def atan2(y: Number, x: Number) -> Number:
        height, width = abs(y), abs(x)
        larger = width if width > height else height
        scale = quarter if larger > huge else (boost if larger < small else one)  # no sum overflows or loses digits
        height, width = height * scale, width * scale
        both = (height == infinity) & (width == infinity)
        height, width = one if both else height, one if both else width
        a, b = height if height < width else width, width if height < width else height
        upright, left = height > width, copysign(one, x) < zero
        turns = two if upright else (four if left else zero)
        out = angle(a, one if b == zero else b, turns, -one if upright != left else one)
        return x + y if (x != x) | (y != y) else copysign(out, y)

    math.arcsin, math.arccos, math.arctan, math.arctan2 = asin, acos, atan, atan2

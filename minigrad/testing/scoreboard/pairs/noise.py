"""Right gradients of functions that are computed with few digits: in low precision, by iteration, with noise."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from minigrad.testing.scoreboard.pair import Pair, elementwise, general, normal, scalar
from minigrad.testing.scoreboard.pairs.functions import sigmoid, sigmoid_slope, softmax, softmax_vjp
from minigrad.typing import Array, Function

LOW_PRECISION: Final = "low precision"
NOISE: Final = "noise"
ROUNDING: Final = "rounding inside"


def pseudo_noise(x: Array) -> Array:
    """Numbers in [-1, 1] that look random, the same for the same x."""
    bits = np.ascontiguousarray(x, np.float64).view(np.uint64)
    mixed = (bits ^ (bits >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0x94D049BB133111EB)
    return np.asarray((mixed >> np.uint64(11)).astype(float) / 2.0**52 - 1)


def noisy(f: Function, size: float) -> Function:
    """f with relative noise."""

    def with_noise(*xs: Array) -> Array:
        value = np.asarray(f(*xs), float)
        spread = sum(float(np.sum(pseudo_noise(x))) for x in xs)
        return np.asarray(value * (1 + size * pseudo_noise(value + spread)))

    return with_noise


def in_precision(f: Function, dtype: Any) -> Function:
    """f computed in a narrower dtype, and its result cast back."""

    def narrow(*xs: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.asarray(f(*[x.astype(dtype) for x in xs])).astype(np.float64)

    return narrow


def fixed_point(tolerance: float) -> Function:
    """y = cos(x y) by iteration until a step is smaller than the tolerance, or 1,000 times where it does not settle."""

    def solve(x: Array) -> Array:
        y = np.full_like(x, 0.5)
        for _ in range(1000):
            new = np.cos(x * y)
            y, step = new, float(np.abs(new - y).max())
            if step <= tolerance:
                break
        return y

    return solve


def _fixed_point_slope(x: Array) -> Array:
    y = fixed_point(1e-15)(x)
    s = np.sin(x * y)
    return np.asarray(-y * s / (1 + x * s))


def _fixed_point_exactly(x: Array) -> Array:
    y = 0 * x + 0.5
    for _ in range(60):
        y = y - (y - np.cos(x * y)) / (1 + x * np.sin(x * y))
    return y


def bisected_root(tolerance: float) -> Function:
    """The root of y^3 + y = x by bisection."""

    def solve(x: Array) -> Array:
        low, high = np.zeros_like(x), 2 + 0 * x
        while float((high - low).max()) > tolerance:
            middle = (low + high) / 2
            above = middle**3 + middle > x
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return np.asarray((low + high) / 2)

    return solve


def _root_exactly(x: Array) -> Array:
    y = 0 * x + 1
    for _ in range(60):
        y = y - (y**3 + y - x) / (3 * y * y + 1)
    return y


def _root_slope(x: Array) -> Array:
    return np.asarray(1 / (3 * bisected_root(1e-15)(x) ** 2 + 1))


def quantized(f: Function) -> Function:
    """f of an argument that was stored in float32."""
    return lambda *xs: f(*[x.astype(np.float32).astype(np.float64) for x in xs])


SMOOTH: Final[dict[str, tuple[Function, Function, Any]]] = {
    "sin": (np.sin, lambda g, x: g * np.cos(x), [0.4, 1.1, -2.0]),
    "exp": (np.exp, lambda g, x: g * np.exp(x), [0.3, 2.0]),
    "sigmoid": (sigmoid, lambda g, x: g * sigmoid_slope(x), [0.3, -1.5]),
    "sum of squares": (lambda x: (x * x).sum(), lambda g, x: 2 * g * x, normal(91, 5)),
    "softmax": (softmax, softmax_vjp, normal(92, 4)),
    "matmul": (lambda a, b: a @ b, lambda g, a, b: (g @ b.T, a.T @ g), None),
    "log": (np.log, lambda g, x: g / x, [0.5, 3.0]),
}


def smooth(name: str, kind: str, label: str, wrap: Function, **more: Any) -> Pair:
    """One of the smooth functions, computed with few digits."""
    f, vjp, x = SMOOTH[name]
    args = (normal(93, 3, 4), normal(94, 4, 2)) if x is None else (x,)
    return general(kind, f"{name}, {label}", wrap(f), vjp, *args, exact=f, **more)


PAIRS: Final[list[Pair]] = [
    *[smooth(name, LOW_PRECISION, "computed in float32", lambda f: in_precision(f, np.float32)) for name in SMOOTH],
    *[smooth(name, LOW_PRECISION, "computed in float16", lambda f: in_precision(f, np.float16)) for name in SMOOTH],
    elementwise(
        LOW_PRECISION,
        "sin, function and gradient in float16",
        in_precision(np.sin, np.float16),
        in_precision(np.cos, np.float16),
        [0.4, 1.1],
        exact=np.sin,
        rtol=1e-3,
    ),
    elementwise(
        LOW_PRECISION,
        "exp, function and gradient in float32",
        in_precision(np.exp, np.float32),
        in_precision(np.exp, np.float32),
        [0.4, 1.1],
        exact=np.exp,
        rtol=1e-6,
    ),
    *[
        elementwise(
            NOISE,
            f"fixed point of cos(x y) to {tolerance}",
            fixed_point(tolerance),
            _fixed_point_slope,
            [0.3, 0.8],
            exact=_fixed_point_exactly,
        )
        for tolerance in (1e-8, 1e-10, 1e-6)
    ],
    *[
        elementwise(
            NOISE,
            f"root of y^3 + y = x to {tolerance}",
            bisected_root(tolerance),
            _root_slope,
            [1.3, 3.0],
            exact=_root_exactly,
        )
        for tolerance in (1e-8, 1e-10)
    ],
    *[
        smooth(name, NOISE, f"noise of {size}", lambda f, size=size: noisy(f, size))
        for name in SMOOTH
        for size in (1e-8, 1e-10)
    ],
    *[smooth(name, NOISE, "noise of 1e-05", lambda f: noisy(f, 1e-5)) for name in ("sin", "sum of squares")],
    scalar(
        NOISE,
        "energy with noise of 1e-10 beside a constant of 1e4",
        lambda x: 1e4 + noisy(lambda x: (np.sin(x) ** 2).sum(), 1e-10)(x),
        lambda x: np.sin(2 * x),
        normal(95, 4),
        exact=lambda x: 1e4 + (np.sin(x) ** 2).sum(),
    ),
    *[smooth(name, ROUNDING, "the argument stored in float32", quantized) for name in ("sin", "exp", "log", "softmax")],
    *[
        smooth(name, ROUNDING, "the value stored in float32", lambda f: lambda x: f(x).astype(np.float32).astype(float))
        for name in ("sin", "sigmoid", "exp")
    ],
    *[
        smooth(name, ROUNDING, f"rounded to {digits} digits", lambda f, d=digits: lambda x: np.round(f(x), d))
        for name in ("sin", "softmax")
        for digits in (6, 10)
    ],
]

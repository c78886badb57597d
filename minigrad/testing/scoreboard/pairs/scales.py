"""Right gradients of very large and very small numbers, and of both at once."""

from __future__ import annotations

from typing import Final

import numpy as np

from minigrad.testing.scoreboard.pair import Pair, elementwise, general, normal, scalar
from minigrad.typing import Array

KIND: Final = "scales"

_MIXED: Final = np.array([1.0, 1e-7, -1e-7, 2.0])
_ONE_SMALL: Final = np.where(np.arange(1000) == 700, 1e-6, 1.0)


def _square(name: str, x: object) -> Pair:
    return elementwise(KIND, f"x^2 at {name}", lambda x: x * x, lambda x: 2 * x, x)


def _linear(factor: float) -> Pair:
    return elementwise(KIND, f"{factor} x", lambda x: factor * x, lambda x: factor + 0 * x, [0.3, -2.0])


def _norm_gradient(x: Array) -> Array:
    unit = x / np.abs(x).max()
    return np.asarray(unit / np.sqrt((unit * unit).sum()))


PAIRS: Final[list[Pair]] = [
    *[_linear(factor) for factor in (1e200, 1e-200, 1e-30, 1e15)],
    *[_square(f"{x}", x) for x in (1e100, 1e-100, 1e-12, 1e12, [1e-8, 1.0, 1e8])],
    *[
        elementwise(KIND, f"1 / x at {x}", lambda x: 1 / x, lambda x: -1 / x / x, x)
        for x in (1e-50, 1e50, [1e-50, 1.0], -1e-12, 1e-100)
    ],
    *[
        elementwise(
            KIND, f"sin(x / {s})", lambda x, s=s: np.sin(x / s), lambda x, s=s: np.cos(x / s) / s, [s, -0.4 * s]
        )
        for s in (1e-12, 1e12, 1e-100)
    ],
    elementwise(KIND, "exp(1e12 x) at 1e-12", lambda x: np.exp(1e12 * x), lambda x: 1e12 * np.exp(1e12 * x), 1e-12),
    scalar(
        KIND, "(1e12 x)^2 of size 1e-12", lambda x: ((1e12 * x) ** 2).sum(), lambda x: 2e24 * x, 1e-12 * normal(71, 4)
    ),
    scalar(
        KIND,
        "products of 1e-12",
        lambda x: x[0] * x[1] + x[1] * x[2],
        lambda x: np.array([x[1], x[0] + x[2], x[1]]),
        [1e-12, -3e-12, 2e-12],
    ),
    scalar(KIND, "a sum of cubes, entries 1e-7 below the largest", lambda x: (x**3).sum(), lambda x: 3 * x * x, _MIXED),
    scalar(
        KIND,
        "weights 1 and 1e-7",
        lambda x: (np.abs(_MIXED) * np.sin(x)).sum(),
        lambda x: np.abs(_MIXED) * np.cos(x),
        normal(72, 4),
    ),
    scalar(
        KIND,
        "weights 1 and 1e-10",
        lambda x: x[0] ** 2 + 1e-10 * x[1] ** 2,
        lambda x: np.array([2 * x[0], 2e-10 * x[1]]),
        [1.3, 0.7],
    ),
    elementwise(
        KIND,
        "one of 1,000 outputs of size 1e-6",
        lambda x: _ONE_SMALL * np.sin(x),
        lambda x: _ONE_SMALL * np.cos(x),
        normal(73, 1000),
    ),
    general(
        KIND,
        "outputs of size 1 and 1e-9",
        lambda x: np.array([1.0, 1e-9]) * (x @ x),
        lambda g, x: 2 * x * (g[0] + 1e-9 * g[1]),
        normal(74, 3),
    ),
    elementwise(KIND, "log at 1e-300", np.log, lambda x: 1 / x, [1e-300, 1e300]),
    elementwise(KIND, "sqrt at 1e-100", np.sqrt, lambda x: 0.5 / np.sqrt(x), [1e-100, 1e100]),
    *[
        scalar(
            KIND,
            f"norm of a vector of {s}",
            lambda x, s=s: s * np.sqrt(((x / s) ** 2).sum()),
            _norm_gradient,
            s * normal(75, 4),
        )
        for s in (1e-160, 1e160, 1e-9)
    ],
    scalar(
        KIND,
        "two arguments, 1e-12 and 1e6",
        lambda x, y: (x * y).sum() + (x * x).sum() * 1e24,
        lambda x, y: (y + 2e24 * x, x),
        1e-12 * normal(76, 3),
        1e6 * normal(77, 3),
    ),
    scalar(
        KIND,
        "two arguments, weight of 1e-8",
        lambda x, w: np.tanh(x * w * 1e8).sum(),
        lambda x, w: (1e8 * w / np.cosh(x * w * 1e8) ** 2, 1e8 * x / np.cosh(x * w * 1e8) ** 2),
        normal(78, 3),
        1e-8 * normal(79, 3),
    ),
    elementwise(KIND, "x^3 at 1e-60", lambda x: x**3, lambda x: 3 * x * x, [1e-60, -2e-60]),
    elementwise(KIND, "1e-200 exp(x)", lambda x: 1e-200 * np.exp(x), lambda x: 1e-200 * np.exp(x), [1.0, 10.0]),
    general(
        KIND,
        "matmul of 1e-10 by 1e10",
        lambda a, b: a @ b,
        lambda g, a, b: (g @ b.T, a.T @ g),
        1e-10 * normal(80, 2, 3),
        1e10 * normal(81, 3, 2),
    ),
    scalar(
        KIND,
        "time since 1970 in seconds",
        lambda t: np.sin(2 * np.pi * t / 86400).sum(),
        lambda t: 2 * np.pi / 86400 * np.cos(2 * np.pi * t / 86400),
        [1.7e9, 1.7e9 + 4e4],
        rtol=1e-6,
    ),
]

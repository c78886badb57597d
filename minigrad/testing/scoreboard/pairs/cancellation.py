"""Right gradients of functions in whose value nearly equal numbers are subtracted."""

from __future__ import annotations

from typing import Final

import numpy as np

from minigrad.testing.scoreboard.pair import Pair, elementwise, normal, scalar
from minigrad.testing.scoreboard.pairs.functions import (
    cross_entropy,
    cross_entropy_gradient,
    logsumexp,
    softmax,
)
from minigrad.typing import Array

KIND: Final = "cancellation"


def _cross_entropy(name: str, x: object, target: int) -> Pair:
    return scalar(
        KIND,
        f"cross entropy of {name}",
        lambda x: cross_entropy(x, target),
        lambda x: cross_entropy_gradient(x, target),
        x,
    )


def _variance(x: Array) -> Array:
    return np.asarray(((x - x.mean()) ** 2).mean())


def _variance_by_squares(x: Array) -> Array:
    return np.asarray((x * x).mean() - x.mean() ** 2)


def _variance_gradient(x: Array) -> Array:
    return np.asarray(2 * (x - x.mean()) / x.size)


def _divergence(x: Array) -> Array:
    q = np.array([0.25, 0.25, 0.5])
    return np.asarray((x * np.log(x / q) - x + q).sum())


PAIRS: Final[list[Pair]] = [
    _cross_entropy("logits 30 apart, the target on top", [0.0, 30.0, 5.0], 1),
    _cross_entropy("logits 30 apart, the target below", [0.0, 30.0, 5.0], 0),
    _cross_entropy("logits 40 apart, the target on top", [0.0, 40.0, -3.0], 1),
    _cross_entropy("logits 20 apart, the target on top", [1.0, 21.0, 4.0, -2.0], 1),
    _cross_entropy("large logits, the target on top", [1000.0, 980.0, 970.0], 0),
    _cross_entropy("two logits 35 apart", [35.0, 0.0], 0),
    *[
        scalar(KIND, f"logsumexp of {x}", logsumexp, softmax, x)
        for x in ([0.0, 30.0, -30.0], [1e4, 1e4 + 1], [25.0, -25.0])
    ],
    *[
        elementwise(KIND, f"log(1 - x^2) at {x!r}", lambda x: np.log(1 - x * x), lambda x: -2 * x / (1 - x * x), x)
        for x in (1 - 1e-6, 1 - 1e-9, -1 + 1e-4)
    ],
    *[
        elementwise(
            KIND,
            f"(1 - cos x) / x^2 at {x}",
            lambda x: (1 - np.cos(x)) / x**2,
            lambda x: -x / 12 + x**3 / 180 - x**5 / 6720,
            x,
        )
        for x in (1e-4, 1e-2, 1e-3)
    ],
    *[
        elementwise(
            KIND,
            f"(exp x - 1) / x at {x}",
            lambda x: (np.exp(x) - 1) / x,
            lambda x: 1 / 2 + x / 3 + x**2 / 8 + x**3 / 30 + x**4 / 144,
            x,
        )
        for x in (1e-5, 1e-3, -1e-8)
    ],
    *[
        elementwise(KIND, f"sin(x) / x at {x}", lambda x: np.sin(x) / x, lambda x: -x / 3 + x**3 / 30 - x**5 / 840, x)
        for x in (1e-6, 1e-2)
    ],
    *[
        scalar(KIND, f"variance of numbers near {at:.0e}", _variance, _variance_gradient, at + normal(31, 6), rtol=1e-6)
        for at in (1e4, 1e6)
    ],
    *[
        scalar(
            KIND,
            f"variance by squares near {at:.0e}",
            _variance_by_squares,
            _variance_gradient,
            at + normal(31, 6),
            rtol=1e-6,
        )
        for at in (1e2, 1e4, 1e6)
    ],
    elementwise(
        KIND,
        "sqrt(x + 1) - sqrt(x) at 1e8",
        lambda x: np.sqrt(x + 1) - np.sqrt(x),
        lambda x: -0.5 / (np.sqrt(x + 1) * np.sqrt(x) * (np.sqrt(x + 1) + np.sqrt(x))),
        1e8,
    ),
    elementwise(KIND, "log(1 + x) - x at 1e-4", lambda x: np.log(1 + x) - x, lambda x: -x / (1 + x), 1e-4),
    elementwise(KIND, "x - sin x at 0.01", lambda x: x - np.sin(x), lambda x: 2 * np.sin(x / 2) ** 2, 0.01),
    elementwise(KIND, "1e6 + sin x", lambda x: 1e6 + np.sin(x), np.cos, [0.3, 1.2]),
    elementwise(KIND, "1e9 + x^2", lambda x: 1e9 + x * x, lambda x: 2 * x, [1.0, 3.0]),
    elementwise(KIND, "(x + 1e6)^2 - 1e12 - 2e6 x", lambda x: (x + 1e6) ** 2 - 1e12 - 2e6 * x, lambda x: 2 * x, 0.7),
    elementwise(
        KIND,
        "1 / x - 1 / (x + 1) at 1e5",
        lambda x: 1 / x - 1 / (x + 1),
        lambda x: -(2 * x + 1) / (x * (x + 1)) ** 2,
        1e5,
    ),
    elementwise(
        KIND,
        "sqrt(1 + x^2) - 1 at 1e-4",
        lambda x: np.sqrt(1 + x * x) - 1,
        lambda x: x / np.sqrt(1 + x * x),
        [1e-4, -1e-3],
    ),
    elementwise(KIND, "log x at 1 + 1e-9", np.log, lambda x: 1 / x, 1 + 1e-9),
    elementwise(
        KIND,
        "the small root of x^2 + b x + 1 at 1e6",
        lambda b: (-b + np.sqrt(b * b - 4)) / 2,
        lambda b: 2 / (np.sqrt(b * b - 4) * (b + np.sqrt(b * b - 4))),
        1e6,
    ),
    elementwise(KIND, "cosh x - 1 at 1e-3", lambda x: np.cosh(x) - 1, np.sinh, 1e-3),
    scalar(
        KIND,
        "divergence next to its minimum",
        _divergence,
        lambda x: np.log1p((x - np.array([0.25, 0.25, 0.5])) / np.array([0.25, 0.25, 0.5])),
        [0.25 + 1e-5, 0.25 - 2e-5, 0.5 + 1e-5],
        rtol=1e-6,
    ),
    scalar(
        KIND,
        "distance of points 1e-6 apart",
        lambda x, y: np.sqrt(((x - y) ** 2).sum()),
        lambda x, y: (
            (x - y) / np.sqrt(((x - y) ** 2).sum()),
            (y - x) / np.sqrt(((x - y) ** 2).sum()),
        ),
        [1.0, 2.0],
        [1.0 + 1e-6, 2.0 - 2e-6],
    ),
    scalar(
        KIND,
        "an alternating sum of large numbers",
        lambda x: (x * np.array([1e8, -1e8, 1e8, -1e8])).sum() + (x * x).sum(),
        lambda x: np.array([1e8, -1e8, 1e8, -1e8]) + 2 * x,
        [1.0, 1.0, 2.0, 2.0],
    ),
]

"""Right gradients in the tails, where functions are flat and their values round to 0 or 1."""

from __future__ import annotations

from typing import Final

import numpy as np

from minigrad.testing.scoreboard.pair import Pair, elementwise, general, scalar
from minigrad.testing.scoreboard.pairs.functions import (
    TWO_OVER_ROOT_PI,
    erf,
    erf_slope,
    erfc,
    logsumexp,
    normal_cdf,
    normal_pdf,
    sigmoid,
    sigmoid_slope,
    softmax,
    softmax_vjp,
    softplus,
)
from minigrad.typing import Array

KIND: Final = "tails"


def _gelu_slope(x: Array) -> Array:
    return np.asarray(normal_cdf(x) + x * normal_pdf(x))


def _gelu_by_erf(x: Array) -> Array:
    return np.asarray(x * 0.5 * (1 + erf(x / np.sqrt(2))))


def _tanh_slope(x: Array) -> Array:
    return np.asarray(1 / np.cosh(x) ** 2)


def _silu_slope(x: Array) -> Array:
    return np.asarray(sigmoid(x) + x * sigmoid_slope(x))


# `1 + erf` of the usual gelu loses all digits at -9, where the derivative is right to the last.
PAIRS: Final[list[Pair]] = [
    *[elementwise(KIND, f"gelu at {x}", _gelu_by_erf, _gelu_slope, x) for x in (-9.0, -6.0, -12.0, 9.0, [-5.0, 5.0])],
    elementwise(KIND, "gelu by erfc at -9", lambda x: x * normal_cdf(x), _gelu_slope, -9.0),
    *[elementwise(KIND, f"tanh at {x}", np.tanh, _tanh_slope, x) for x in (20.0, -20.0, 10.0, 40.0, [0.0, 15.0])],
    elementwise(KIND, "tanh at 20 by 1 - tanh^2", np.tanh, lambda x: 1 - np.tanh(x) ** 2, 20.0, atol=1e-15),
    *[elementwise(KIND, f"erf at {x}", erf, erf_slope, x) for x in (4.0, 5.0, -6.0, [0.5, 5.5])],
    *[elementwise(KIND, f"erfc at {x}", erfc, lambda x: -erf_slope(x), x) for x in (5.0, 10.0, 20.0, -6.0)],
    *[
        elementwise(KIND, f"sigmoid at {x}", sigmoid, sigmoid_slope, x)
        for x in (40.0, -40.0, 800.0, -800.0, [-40.0, 0.0, 40.0])
    ],
    elementwise(KIND, "sigmoid at 40 by s (1 - s)", sigmoid, lambda x: sigmoid(x) * (1 - sigmoid(x)), 40.0, atol=1e-15),
    *[elementwise(KIND, f"softplus at {x}", softplus, sigmoid, x) for x in (40.0, -40.0, 800.0, -800.0)],
    *[
        elementwise(KIND, f"log_sigmoid at {x}", lambda x: -softplus(-x), lambda x: sigmoid(-x), x)
        for x in (40.0, -40.0, 800.0)
    ],
    *[elementwise(KIND, f"silu at {x}", lambda x: x * sigmoid(x), _silu_slope, x) for x in (-40.0, 40.0, 800.0)],
    *[
        elementwise(KIND, f"exp(-x^2) at {x}", lambda x: np.exp(-x * x), lambda x: -2 * x * np.exp(-x * x), x)
        for x in (5.0, 10.0, 26.0)
    ],
    elementwise(KIND, "exp at -700", np.exp, np.exp, -700.0),
    elementwise(KIND, "exp at -800", np.exp, np.exp, -800.0, atol=1e-300),
    elementwise(KIND, "exp at 700", np.exp, np.exp, 700.0),
    elementwise(KIND, "1 / cosh at 30", lambda x: 1 / np.cosh(x), lambda x: -np.sinh(x) / np.cosh(x) ** 2, 30.0),
    elementwise(KIND, "arctan at 1e8", np.arctan, lambda x: 1 / (1 + x * x), [1e8, -1e8]),
    elementwise(KIND, "1 / (1 + x^2) at 1e6", lambda x: 1 / (1 + x * x), lambda x: -2 * x / (1 + x * x) ** 2, 1e6),
    elementwise(KIND, "log at 1e12", np.log, lambda x: 1 / x, 1e12),
    elementwise(KIND, "normal distribution function at -10", normal_cdf, normal_pdf, -10.0),
    elementwise(
        KIND,
        "log of the normal distribution function at -10",
        lambda x: np.log(normal_cdf(x)),
        lambda x: normal_pdf(x) / normal_cdf(x),
        -10.0,
    ),
    elementwise(
        KIND,
        "log(erfc x) at 8",
        lambda x: np.log(erfc(x)),
        lambda x: -TWO_OVER_ROOT_PI * np.exp(-x * x) / erfc(x),
        8.0,
    ),
    elementwise(KIND, "x exp(-x) at 50", lambda x: x * np.exp(-x), lambda x: (1 - x) * np.exp(-x), 50.0),
    elementwise(KIND, "log1p(exp(-x)) at 36", lambda x: np.log1p(np.exp(-x)), lambda x: -sigmoid(-x), 36.0),
    general(KIND, "softmax of logits 50 apart", softmax, softmax_vjp, [0.0, 50.0, 25.0], atol=1e-14),
    general(KIND, "softmax of logits 800 apart", softmax, softmax_vjp, [0.0, 800.0, -800.0], atol=1e-300),
    scalar(KIND, "logsumexp of logits 40 apart", logsumexp, softmax, [0.0, 40.0, -40.0]),
    elementwise(
        KIND,
        "many tails in one array",
        lambda x: np.tanh(x) + sigmoid(x),
        lambda x: _tanh_slope(x) + sigmoid_slope(x),
        [-20.0, -7.0, -1.0, 0.0, 1.0, 7.0, 20.0, 36.0],
    ),
]

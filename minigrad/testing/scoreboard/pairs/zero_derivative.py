"""Right gradients that are 0, or of functions that are 0, but for rounding."""

from __future__ import annotations

from typing import Final

import numpy as np

from minigrad.testing.scoreboard.pair import Pair, elementwise, general, normal, scalar, uniform
from minigrad.testing.scoreboard.pairs.functions import (
    log_softmax,
    logsumexp,
    sigmoid,
    sigmoid_slope,
    softmax,
    softmax_vjp,
    standardize,
    standardize_vjp,
)
from minigrad.typing import Array

KIND: Final = "zero derivative"


def _norm_sum(name: str, x: Array, axis: int, eps: float, weight: float = 1.0) -> Pair:
    return general(
        KIND,
        name,
        lambda x: (weight * standardize(x, axis, eps)).sum(),
        lambda g, x: standardize_vjp(np.full(x.shape, g * weight), x, axis, eps),
        x,
        atol=1e-12,
    )


def _one(name: str, f: object, vjp: object, x: object, atol: float = 1e-12) -> Pair:
    assert callable(f)
    assert callable(vjp)
    return general(KIND, name, f, vjp, x, atol=atol)


def _ones_like(g: object, x: Array) -> Array:
    return np.full(x.shape, g, float)


PAIRS: Final[list[Pair]] = [
    _norm_sum("sum of layer_norm, 4 x 8", normal(1, 4, 8), -1, 1e-5),
    _norm_sum("sum of layer_norm, 2 x 64", normal(2, 2, 64), -1, 1e-5),
    _norm_sum("sum of layer_norm without eps", normal(3, 5, 6), -1, 0.0),
    _norm_sum("sum of layer_norm of numbers near 1000", 1e3 + normal(4, 3, 8), -1, 1e-5),
    _norm_sum("sum of layer_norm of small numbers", 1e-2 * normal(5, 3, 8), -1, 1e-5),
    _norm_sum("sum of batch_norm, 16 x 3", normal(6, 16, 3), 0, 1e-5),
    _norm_sum("sum of batch_norm, 50 x 4, times 100", normal(7, 50, 4), 0, 1e-5, 100.0),
    _norm_sum("mean of layer_norm", normal(8, 4, 8), -1, 1e-5, 1 / 32),
    _one(
        "((x - mean) * 0.1).sum()",
        lambda x: ((x - x.mean()) * 0.1).sum(),
        lambda g, x: 0.1 * _ones_like(g, x) - (0.1 * _ones_like(g, x)).mean(),
        normal(9, 12),
    ),
    _one(
        "(x - mean over columns).sum() of 6 x 7",
        lambda x: (x - x.mean(1, keepdims=True)).sum(),
        lambda g, x: _ones_like(g, x) - _ones_like(g, x).mean(1, keepdims=True),
        normal(10, 6, 7),
    ),
    *[
        _one(f"log(exp x) - x at {x}", lambda x: np.log(np.exp(x)) - x, lambda g, x: g / np.exp(x) * np.exp(x) - g, x)
        for x in (0.3, 5.0, [-3.0, 0.1, 20.0])
    ],
    _one("x / 3 * 3 - x", lambda x: x / 3 * 3 - x, lambda g, x: g * 3 / 3 - g, [0.1, 0.7, -5.3]),
    _one("x / 7 * 7 - x at 1e6", lambda x: x / 7 * 7 - x, lambda g, x: g * 7 / 7 - g, [1.1e6, -3.7e6]),
    _one("x / 49 * 49, less x", lambda x: (x / 49 * 49 - x).sum(), lambda g, x: _ones_like(g, x) * 0, normal(11, 9)),
    _one(
        "sum of softmax",
        lambda x: softmax(x).sum(),
        lambda g, x: softmax_vjp(_ones_like(g, x), x),
        normal(12, 10),
    ),
    _one(
        "sum of softmax over rows",
        lambda x: softmax(x).sum(-1),
        lambda g, x: softmax_vjp(np.broadcast_to(g[:, None], x.shape), x),
        3 * normal(13, 4, 6),
    ),
    _one(
        "sum of exp(log_softmax)",
        lambda x: np.exp(log_softmax(x)).sum(),
        lambda g, x: softmax_vjp(_ones_like(g, x), x),
        normal(14, 8),
    ),
    _one(
        "sin^2 + cos^2",
        lambda x: np.sin(x) ** 2 + np.cos(x) ** 2,
        lambda g, x: g * (2 * np.sin(x) * np.cos(x) - 2 * np.cos(x) * np.sin(x)),
        normal(15, 5),
    ),
    _one(
        "cosh^2 - sinh^2",
        lambda x: np.cosh(x) ** 2 - np.sinh(x) ** 2,
        lambda g, x: g * (2 * np.cosh(x) * np.sinh(x) - 2 * np.sinh(x) * np.cosh(x)),
        [0.5, 3.0, 6.0],
        1e-9,
    ),
    _one(
        "sqrt(x)^2 - x", lambda x: np.sqrt(x) ** 2 - x, lambda g, x: g * (np.sqrt(x) / np.sqrt(x)) - g, [2.0, 3.7, 11.3]
    ),
    _one(
        "sigmoid(x) + sigmoid(-x)",
        lambda x: sigmoid(x) + sigmoid(-x),
        lambda g, x: g * (sigmoid_slope(x) - sigmoid_slope(-x)),
        [0.3, -4.0, 11.0],
    ),
    _one("(x + 1000) - 1000 - x", lambda x: (x + 1000.0) - 1000.0 - x, lambda g, x: g - g, [0.1, 0.2, 0.3]),
    _one(
        "squared length of a unit vector",
        lambda x: ((x / np.sqrt((x * x).sum())) ** 2).sum(),
        lambda g, x: 2 * g * (x / (x @ x) - x * (x @ x) / (x @ x) ** 2),
        normal(16, 7),
    ),
    _one(
        "tan(arctan x) - x",
        lambda x: np.tan(np.arctan(x)) - x,
        lambda g, x: g * (1 + np.tan(np.arctan(x)) ** 2) / (1 + x * x) - g,
        [0.4, 2.0, -8.0],
        1e-11,
    ),
    _one(
        "logsumexp(x + 3) - logsumexp(x)",
        lambda x: logsumexp(x + 3.0) - logsumexp(x),
        lambda g, x: g * (softmax(x + 3.0) - softmax(x)),
        normal(17, 6),
    ),
    _one(
        "difference of a convolution with itself reversed",
        lambda x: np.convolve(x, x[::-1], "valid") - (x * x).sum(),
        lambda g, x: g[0] * 2 * x - g[0] * 2 * x,
        normal(18, 9),
    ),
    scalar(KIND, "variance of one element", lambda x: ((x - x.mean()) ** 2).sum(), lambda x: 0 * x, [3.3]),
    scalar(KIND, "a constant", lambda x: 2.5 + 0 * x.sum(), lambda x: 0 * x, normal(19, 4)),
    elementwise(KIND, "x * 0", lambda x: x * 0.0, lambda x: 0 * x, normal(20, 3)),
    scalar(KIND, "cos at its top", lambda x: np.cos(x).sum(), lambda x: -np.sin(x), np.zeros(3)),
    elementwise(KIND, "x^4 at 0", lambda x: x**4, lambda x: 4 * x**3, [0.0, 0.0]),
    elementwise(KIND, "x^3 at 0 beside 1", lambda x: x**3, lambda x: 3 * x**2, [0.0, 1.0]),
    scalar(
        KIND,
        "least squares at its minimum",
        lambda x: ((x - np.array([1.0, 2.0, 3.0])) ** 2).sum(),
        lambda x: 2 * (x - np.array([1.0, 2.0, 3.0])),
        [1.0, 2.0, 3.0],
    ),
    scalar(
        KIND,
        "an argument that does nothing",
        lambda x, y: (x * x).sum(),
        lambda x, y: (2 * x, 0 * y),
        normal(21, 3),
        uniform(22, 1, 2, 2),
    ),
]

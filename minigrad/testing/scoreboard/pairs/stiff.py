"""Right gradients of functions that change fast: their steps must be small, or the function is flat but for a spot."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from minigrad.testing.scoreboard.pair import Pair, elementwise, general, normal, scalar
from minigrad.testing.scoreboard.pairs.functions import sigmoid, sigmoid_slope, softmax, softmax_vjp
from minigrad.typing import Array, Function

KIND: Final = "stiff"


def repeated(f: Function, slope: Function, times: int) -> tuple[Function, Function]:
    """f applied `times` times, and its slope."""

    def composed(x: Array) -> Array:
        for _ in range(times):
            x = f(x)
        return x

    def composed_slope(x: Array) -> Array:
        product: Any = 1.0
        for _ in range(times):
            product, x = product * slope(x), f(x)
        return np.asarray(product)

    return composed, composed_slope


def _chain(times: int, f: Function, slope: Function, name: str, x: object) -> Pair:
    composed, composed_slope = repeated(f, slope, times)
    return elementwise(KIND, f"{name}, {times} times", composed, composed_slope, x)


def _chebyshev(n: int) -> tuple[Function, Function]:
    return lambda x: np.cos(n * np.arccos(x)), lambda x: n * np.sin(n * np.arccos(x)) / np.sqrt(1 - x * x)


def layers_of_sigmoids(x: Array, *weights: Array) -> Array:
    """sigmoid(W_k ... sigmoid(W_1 x))."""
    for w in weights:
        x = sigmoid(w @ x)
    return x


def layers_of_sigmoids_vjp(g: Array, x: Array, *weights: Array) -> tuple[Array, ...]:
    """Backpropagation through them."""
    inputs = [x]
    for w in weights:
        inputs.append(sigmoid(w @ inputs[-1]))
    gradients: list[Array] = []
    for w, before in zip(reversed(weights), reversed(inputs[:-1]), strict=True):
        g = g * sigmoid_slope(w @ before)
        gradients.append(np.outer(g, before))
        g = w.T @ g
    return (g, *reversed(gradients))


TEN_LAYERS: Final = general(
    KIND,
    "ten layers of sigmoids",
    layers_of_sigmoids,
    layers_of_sigmoids_vjp,
    normal(41, 3),
    *[normal(42 + k, 3, 3) for k in range(10)],
)

PAIRS: Final[list[Pair]] = [
    *[
        elementwise(KIND, f"exp(50 x) at {x}", lambda x: np.exp(50 * x), lambda x: 50 * np.exp(50 * x), x)
        for x in (0.3, 0.5, -0.2, [1.0, 2.0])
    ],
    *[
        elementwise(
            KIND, f"sin({k:.0f} x)", lambda x, k=k: np.sin(k * x), lambda x, k=k: k * np.cos(k * x), [0.1, 0.77]
        )
        for k in (1e3, 1e4, 1e5)
    ],
    _chain(10, sigmoid, sigmoid_slope, "sigmoid", [0.5, -1.0]),
    _chain(20, sigmoid, sigmoid_slope, "sigmoid", 0.2),
    _chain(10, np.tanh, lambda x: 1 / np.cosh(x) ** 2, "tanh", [0.5, 2.0]),
    _chain(3, np.exp, np.exp, "exp", [0.2, 0.9]),
    _chain(12, lambda x: 3.9 * x * (1 - x), lambda x: 3.9 * (1 - 2 * x), "logistic map", 0.31),
    _chain(15, lambda x: 1.5 * x, lambda x: 1.5 + 0 * x, "times 1.5", 0.3),
    _chain(50, np.sin, np.cos, "sin", 0.9),
    TEN_LAYERS,
    elementwise(
        KIND,
        "tanh(1000 x) near 0",
        lambda x: np.tanh(1e3 * x),
        lambda x: 1e3 / np.cosh(1e3 * x) ** 2,
        [1e-3, -2e-4, 0.0],
    ),
    elementwise(
        KIND,
        "1 / (1 + 1e6 (x - 0.5)^2)",
        lambda x: 1 / (1 + 1e6 * (x - 0.5) ** 2),
        lambda x: -2e6 * (x - 0.5) / (1 + 1e6 * (x - 0.5) ** 2) ** 2,
        [0.5003, 0.51, 0.7],
    ),
    elementwise(
        KIND,
        "exp(-1e6 (x - 0.3)^2)",
        lambda x: np.exp(-1e6 * (x - 0.3) ** 2),
        lambda x: -2e6 * (x - 0.3) * np.exp(-1e6 * (x - 0.3) ** 2),
        [0.3005, 0.2993],
    ),
    elementwise(KIND, "x^40", lambda x: x**40, lambda x: 40 * x**39, [0.9, 1.3, -1.1]),
    elementwise(
        KIND,
        "sigmoid(500 (x - 0.01))",
        lambda x: sigmoid(500 * (x - 0.01)),
        lambda x: 500 * sigmoid_slope(500 * (x - 0.01)),
        [0.011, 0.02],
    ),
    elementwise(KIND, "Chebyshev polynomial 30", *_chebyshev(30), [0.3, -0.77]),
    elementwise(KIND, "sin(1 / x) at 0.01", lambda x: np.sin(1 / x), lambda x: -np.cos(1 / x) / x**2, [0.01, 0.013]),
    elementwise(KIND, "1 / x at 1e-3", lambda x: 1 / x, lambda x: -1 / x**2, [1e-3, -1e-3]),
    elementwise(KIND, "log x at 1e-5", np.log, lambda x: 1 / x, [1e-5, 1e-8]),
    elementwise(
        KIND,
        "tan next to its pole",
        np.tan,
        lambda x: 1 / np.cos(x) ** 2,
        [np.pi / 2 - 1e-3, np.pi / 2 - 1e-5],
        rtol=1e-7,
    ),
    general(
        KIND,
        "softmax of temperature 0.01",
        lambda x: softmax(100 * x),
        lambda g, x: 100 * softmax_vjp(g, 100 * x),
        [0.1, 0.12, 0.09],
    ),
    scalar(
        KIND,
        "Rosenbrock's valley, 1e4 steep",
        lambda x: (1 - x[0]) ** 2 + 1e4 * (x[1] - x[0] ** 2) ** 2,
        lambda x: np.array([-2 * (1 - x[0]) - 4e4 * x[0] * (x[1] - x[0] ** 2), 2e4 * (x[1] - x[0] ** 2)]),
        [-1.2, 1.0],
    ),
]

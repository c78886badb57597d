"""Right gradients at ordinary points: a tool that blames them is of no use."""

from __future__ import annotations

from typing import Final

import numpy as np

from minigrad.testing.scoreboard.pair import Pair, elementwise, general, normal, scalar, uniform
from minigrad.testing.scoreboard.pairs.functions import (
    erf,
    erf_slope,
    log_softmax,
    logsumexp,
    sigmoid,
    sigmoid_slope,
    softmax,
    softmax_vjp,
    standardize,
    standardize_vjp,
)
from minigrad.testing.scoreboard.pairs.ill_conditioned import (
    cholesky_pair,
    determinant_pair,
    inverse_pair,
    slogdet_pair,
    solve_pair,
)
from minigrad.typing import Array

EXACT: Final = "exact polynomials"
LAYERS: Final = "layers"
SHAPES: Final = "shapes and sizes"


def convolve(x: Array, w: Array) -> Array:
    """The valid convolution of networks, [N C L] with [O C K]."""
    k = w.shape[-1]
    return sum(np.einsum("ncl,oc->nol", x[:, :, i : x.shape[-1] - k + 1 + i], w[:, :, i]) for i in range(k))  # type: ignore[no-any-return]


def convolve_vjp(g: Array, x: Array, w: Array) -> tuple[Array, Array]:
    """The gradients in x and w."""
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    for i in range(w.shape[-1]):
        window = slice(i, i + g.shape[-1])
        dx[:, :, window] += np.einsum("nol,oc->ncl", g, w[:, :, i])
        dw[:, :, i] = np.einsum("nol,ncl->oc", g, x[:, :, window])
    return dx, dw


def matmul_vjp(g: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """The gradients of a @ b."""
    return g @ b.T, a.T @ g


def attention(q: Array, k: Array, v: Array) -> Array:
    """softmax(q k' / sqrt(d)) v."""
    return np.asarray(softmax(q @ k.T / q.shape[-1] ** 0.5) @ v)


def attention_vjp(g: Array, q: Array, k: Array, v: Array) -> tuple[Array, Array, Array]:
    """Backpropagation through it."""
    scale = q.shape[-1] ** -0.5
    scores = q @ k.T * scale
    ds = softmax_vjp(g @ v.T, scores) * scale
    return ds @ k, ds.T @ q, softmax(scores).T @ g


def affine(x: Array, w: Array, b: Array) -> Array:
    """x w + b."""
    return np.asarray(x @ w + b)


def affine_vjp(g: Array, x: Array, w: Array, b: Array) -> tuple[Array, Array, Array]:
    """The gradients in x, w and b."""
    return g @ w.T, x.T @ g, g.sum(0)


def _log_softmax_vjp(g: Array, x: Array) -> Array:
    return np.asarray(g - softmax(x) * g.sum(-1, keepdims=True))


AFFINE: Final = general(LAYERS, "affine", affine, affine_vjp, normal(111, 4, 3), normal(112, 3, 2), normal(113, 2))
MATMUL: Final = general(LAYERS, "matmul", lambda a, b: a @ b, matmul_vjp, normal(114, 3, 4), normal(115, 4, 2))
CONVOLUTION: Final = general(LAYERS, "convolution", convolve, convolve_vjp, normal(116, 2, 3, 7), normal(117, 4, 3, 3))
SOFTMAX: Final = general(LAYERS, "softmax", softmax, softmax_vjp, normal(118, 3, 5))
ATTENTION: Final = general(
    LAYERS, "attention", attention, attention_vjp, normal(119, 3, 4), normal(120, 5, 4), normal(121, 5, 2)
)
LAYER_NORM: Final = general(
    LAYERS,
    "layer_norm",
    lambda x: standardize(x, -1, 1e-5),
    lambda g, x: standardize_vjp(g, x, -1, 1e-5),
    normal(122, 4, 6),
)
SCALED: Final = general(
    LAYERS,
    "product with a row, broadcast",
    lambda x, w: x * w,
    lambda g, x, w: (g * w, (g * x).sum(0)),
    normal(123, 4, 3),
    normal(124, 3),
)
MEAN: Final = scalar(LAYERS, "mean of squares", lambda x: (x * x).mean(), lambda x: 2 * x / x.size, normal(125, 3, 4))
CUBE: Final = elementwise(EXACT, "x^3", lambda x: x * x * x, lambda x: 3 * x * x, [0.5, -2.0, 3.0])
QUADRATIC: Final = scalar(EXACT, "x'x", lambda x: x @ x, lambda x: 2 * x, [1.0, -2.0, 3.0])
_MATRIX: Final = np.round(4 * normal(127, 3, 4))
LINEAR: Final = general(EXACT, "a linear map", lambda x: _MATRIX @ x, lambda g, x: _MATRIX.T @ g, normal(126, 4))
_NEAR_IDENTITY: Final = np.eye(3) + 0.2 * normal(128, 3, 3)

PAIRS: Final[list[Pair]] = [
    CUBE,
    QUADRATIC,
    LINEAR,
    elementwise(EXACT, "1 + 2 x + 3 x^2", lambda x: 1 + 2 * x + 3 * x * x, lambda x: 2 + 6 * x, [1.0, -0.5]),
    elementwise(EXACT, "x^7", lambda x: x**7, lambda x: 7 * x**6, [1.0, -1.5, 2.0]),
    elementwise(EXACT, "3 x", lambda x: 3 * x, lambda x: 3 + 0 * x, [0.0, 1.0, -7.0]),
    scalar(EXACT, "sum", lambda x: x.sum(), lambda x: 1 + 0 * x, normal(129, 3, 3)),
    scalar(EXACT, "x y z", lambda x, y, z: x * y * z, lambda x, y, z: (y * z, x * z, x * y), 2.0, 3.0, -4.0),
    general(EXACT, "transpose", lambda x: x.T, lambda g, x: g.T, normal(130, 2, 3)),
    general(EXACT, "cumulative sum", np.cumsum, lambda g, x: np.cumsum(g[::-1])[::-1], normal(131, 6)),
    AFFINE,
    MATMUL,
    CONVOLUTION,
    SOFTMAX,
    ATTENTION,
    LAYER_NORM,
    SCALED,
    MEAN,
    general(LAYERS, "log_softmax", log_softmax, _log_softmax_vjp, normal(132, 2, 4)),
    general(LAYERS, "logsumexp of rows", logsumexp, lambda g, x: g[:, None] * softmax(x), normal(133, 3, 4)),
    general(
        LAYERS,
        "batch_norm",
        lambda x: standardize(x, 0, 1e-5),
        lambda g, x: standardize_vjp(g, x, 0, 1e-5),
        normal(134, 6, 3),
    ),
    elementwise(LAYERS, "sigmoid", sigmoid, sigmoid_slope, normal(135, 4)),
    elementwise(LAYERS, "tanh", np.tanh, lambda x: 1 / np.cosh(x) ** 2, normal(136, 4)),
    elementwise(LAYERS, "erf", erf, erf_slope, normal(137, 4)),
    elementwise(LAYERS, "relu away from 0", lambda x: np.maximum(x, 0), lambda x: 1.0 * (x > 0), [1.0, -1.0, 0.5]),
    scalar(LAYERS, "product of all", lambda x: x.prod(), lambda x: x.prod() / x, uniform(138, 0.5, 2, 5)),
    general(
        LAYERS,
        "quotient",
        lambda x, y: x / y,
        lambda g, x, y: (g / y, -g * x / y**2),
        normal(139, 4),
        uniform(140, 1, 2, 4),
    ),
    general(LAYERS, "outer product", np.outer, lambda g, x, y: (g @ y, g.T @ x), normal(141, 3), normal(142, 4)),
    slogdet_pair("a matrix near the identity", _NEAR_IDENTITY, LAYERS),
    inverse_pair("a matrix near the identity", _NEAR_IDENTITY, LAYERS),
    solve_pair("a matrix near the identity", _NEAR_IDENTITY, normal(143, 3), LAYERS),
    determinant_pair("a matrix near the identity", _NEAR_IDENTITY, LAYERS),
    cholesky_pair("a matrix near the identity", _NEAR_IDENTITY @ _NEAR_IDENTITY.T, LAYERS),
    elementwise(SHAPES, "0-d", np.sin, np.cos, 0.5),
    elementwise(SHAPES, "1 element of 3 axes", np.exp, np.exp, [[[0.5]]]),
    scalar(SHAPES, "sum of a 0-d array", lambda x: np.sum(x * x), lambda x: 2 * x, -1.5),
    elementwise(SHAPES, "sin of 10,000", np.sin, np.cos, normal(144, 10_000)),
    scalar(SHAPES, "sum of 10,000 squares", lambda x: (x * x).sum(), lambda x: 2 * x, normal(145, 10_000)),
    scalar(SHAPES, "logsumexp of 10,000", logsumexp, softmax, normal(146, 10_000)),
    general(
        SHAPES,
        "mean of 100 x 100 by columns",
        lambda x: x.mean(0),
        lambda g, x: np.broadcast_to(g / 100, x.shape),
        normal(147, 100, 100),
    ),
    general(
        SHAPES, "affine, 2,000 weights", affine, affine_vjp, normal(148, 8, 40), normal(149, 40, 50), normal(150, 50)
    ),
    general(
        SHAPES,
        "broadcast over size 1",
        lambda x, y: x + y,
        lambda g, x, y: (g.sum(1, keepdims=True), g.sum(0, keepdims=True)),
        normal(151, 3, 1),
        normal(152, 1, 4),
    ),
    general(
        SHAPES,
        "a number plus an array",
        lambda x, y: x * y,
        lambda g, x, y: ((g * y).sum(), g * x),
        1.5,
        normal(153, 3),
    ),
]

"""Wrong gradients: single elements, factors, signs, precision, and what is done with the cotangent."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from minigrad.testing.scoreboard.pair import Pair, change_part, elementwise, find, general, normal, scalar
from minigrad.testing.scoreboard.pairs import cancellation, stiff, tails
from minigrad.testing.scoreboard.pairs.functions import logsumexp, sigmoid, sigmoid_slope, softmax
from minigrad.testing.scoreboard.pairs.ordinary import (
    AFFINE,
    ATTENTION,
    CONVOLUTION,
    CUBE,
    LAYER_NORM,
    LINEAR,
    MATMUL,
    MEAN,
    QUADRATIC,
    SOFTMAX,
)
from minigrad.typing import Array

ONE_ARGUMENT: Final = [CUBE, QUADRATIC, LINEAR, SOFTMAX, LAYER_NORM, MEAN]
SINE: Final = elementwise("", "sin", np.sin, np.cos, normal(161, 6))
EXP: Final = elementwise("", "exp", np.exp, np.exp, normal(162, 4))
LARGE: Final = elementwise("", "sin of 5,000", np.sin, np.cos, normal(163, 5000))
SQUARES: Final = scalar("", "2,000 squares", lambda x: (x * x).sum(), lambda x: 2 * x, 1 + np.abs(normal(164, 2000)))


def _one_entry(factor: float, position: int = -1) -> Any:
    def change(gradient: Array) -> Array:
        gradient.ravel()[position] *= factor
        return gradient

    return change


def _swap(gradient: Array) -> Array:
    flat = gradient.ravel()
    flat[[0, -1]] = flat[[-1, 0]]
    return gradient


BY_ELEMENT: Final[list[Pair]] = [
    *[p.wrong_by("element", "the last entry 1 % too large", _one_entry(1.01)) for p in [*ONE_ARGUMENT, SINE]],
    *[p.wrong_by("element", "the last entry missed", _one_entry(0.0)) for p in [*ONE_ARGUMENT, SINE]],
    *[p.wrong_by("element", "first and last entry exchanged", _swap) for p in (QUADRATIC, SINE, LAYER_NORM)],
    LARGE.wrong_by("element", "one entry 1 % too large", _one_entry(1.01, 1234)),
    LARGE.wrong_by("element", "one entry missed", _one_entry(0.0, 4999)),
    SQUARES.wrong_by("element", "one entry 1 % too large", _one_entry(1.01, 77)),
    SQUARES.wrong_by("element", "one entry with the wrong sign", _one_entry(-1.0, 1999)),
    AFFINE.wrong("element", "the last bias missed", change_part(2, _one_entry(0.0), AFFINE)),
    CONVOLUTION.wrong("element", "the last weight missed", change_part(1, _one_entry(0.0), CONVOLUTION)),
    CONVOLUTION.wrong("element", "the last column of x missed", change_part(0, _one_entry(0.0, 6), CONVOLUTION)),
    MATMUL.wrong("element", "one weight 0.1 % too large", change_part(1, _one_entry(1.001, 2), MATMUL)),
]


def _times(factor: float) -> Any:
    return lambda gradient: gradient * factor


_TAIL: Final = find(tails.PAIRS, "gelu at -6.0")
_STEEP: Final = find(stiff.PAIRS, "exp(50 x) at 0.5")
_ENTROPY: Final = find(cancellation.PAIRS, "cross entropy of logits 30 apart, the target below")

BY_FACTOR: Final[list[Pair]] = [
    *[p.wrong_by("factor", "twice", _times(2.0)) for p in (CUBE, QUADRATIC, SOFTMAX, MEAN, SINE)],
    *[p.wrong_by("factor", "half", _times(0.5)) for p in (QUADRATIC, LAYER_NORM, EXP)],
    *[p.wrong_by("factor", "times 1.0001", _times(1.0001)) for p in (CUBE, QUADRATIC, LINEAR, SOFTMAX, SINE, EXP)],
    *[p.wrong_by("factor", "times 1.01", _times(1.01)) for p in (LAYER_NORM, MEAN, _STEEP, _ENTROPY)],
    MEAN.wrong_by("factor", "1 / n forgotten", _times(12.0)),
    SINE.wrong_by("factor", "by 1 / n too small", _times(1 / 6)),
    QUADRATIC.wrong_by("factor", "times 1 + 1e-6", _times(1 + 1e-6)),
    CUBE.wrong_by("factor", "times 1 - 1e-6", _times(1 - 1e-6)),
    LARGE.wrong_by("factor", "times 1.0001", _times(1.0001)),
    AFFINE.wrong("factor", "the gradient of b twice", change_part(2, _times(2.0), AFFINE)),
    AFFINE.wrong("factor", "the gradient of w by the batch", change_part(1, _times(0.25), AFFINE)),
    ATTENTION.wrong("factor", "the scale of the scores forgotten", change_part(0, _times(2.0), ATTENTION)),
    _TAIL.wrong_by("factor", "half", _times(0.5)),
    elementwise("", "x^2.5", lambda x: x**2.5, lambda x: 2.5 * x**1.5, [0.7, 2.0]).wrong(
        "factor", "the exponent instead of itself less 1", lambda g, x: g * 1.5 * x**1.5
    ),
    scalar("", "logsumexp", logsumexp, softmax, normal(165, 5)).wrong(
        "factor", "exp without its sum", lambda g, x: g * np.exp(x)
    ),
    CUBE.wrong_by("factor", "times 1 + 1e-13", _times(1 + 1e-13), visible=False),
]


def _negative_only(factor: float, p: Pair) -> Any:
    return lambda g, *args: p.vjp(np.where(g < 0, factor * g, g), *args)


BY_SIGN: Final[list[Pair]] = [
    *[p.wrong_by("sign", "negated", _times(-1.0)) for p in (CUBE, SOFTMAX, SINE, MEAN)],
    *[p.wrong_by("sign", "absolute values", np.abs) for p in (CUBE, QUADRATIC, LAYER_NORM)],
    SINE.wrong("sign", "-cos where x < 0", lambda g, x: g * np.cos(x) * np.sign(x)),
    elementwise("", "1 / x", lambda x: 1 / x, lambda x: -1 / x**2, [0.5, -2.0]).wrong(
        "sign", "without its minus", lambda g, x: g / x**2
    ),
    *[
        p.wrong("sign", "twice for negative cotangents", _negative_only(2.0, p))
        for p in (CUBE, QUADRATIC, SOFTMAX, LINEAR)
    ],
    *[p.wrong("sign", "0 for negative cotangents", _negative_only(0.0, p)) for p in (SINE, LAYER_NORM, MEAN)],
    AFFINE.wrong("sign", "the gradient of w negated", change_part(1, _times(-1.0), AFFINE)),
    elementwise("", "tanh", np.tanh, lambda x: 1 / np.cosh(x) ** 2, [0.4, 1.0]).wrong(
        "sign", "1 + tanh^2", lambda g, x: g * (1 + np.tanh(x) ** 2)
    ),
    elementwise("", "relu", lambda x: np.maximum(x, 0), lambda x: 1.0 * (x > 0), [0.4, 1.0]).wrong(
        "sign", "1 where x < 0, at positive x", lambda g, x: g * 1.0, visible=False
    ),
    elementwise("", "tanh at 0.5", np.tanh, lambda x: 1 / np.cosh(x) ** 2, 0.5).wrong(
        "sign", "negated beyond 100", lambda g, x: g / np.cosh(x) ** 2 * np.where(np.abs(x) > 100, -1, 1), visible=False
    ),
]


def _narrowed(dtype: Any) -> Any:
    return lambda gradient: gradient.astype(dtype).astype(float)


BY_DTYPE: Final[list[Pair]] = [
    *[
        p.wrong_by("dtype", "rounded to float16", _narrowed(np.float16))
        for p in (SINE, EXP, SOFTMAX, LAYER_NORM, LARGE)
    ],
    *[p.wrong_by("dtype", "rounded to integers", np.round) for p in (SINE, EXP, MEAN)],
    SINE.wrong("dtype", "x rounded to float16", lambda g, x: g * np.cos(x.astype(np.float16)).astype(float)),
    EXP.wrong("dtype", "g rounded to float16", lambda g, x: (g * np.exp(x)).astype(np.float16).astype(float)),
    QUADRATIC.wrong_by("dtype", "rounded to float16, which holds it", _narrowed(np.float16), visible=False),
]


def _of_cotangent(change: Any, p: Pair) -> Any:
    return lambda g, *args: p.vjp(change(np.asarray(g)), *args)


BY_COTANGENT: Final[list[Pair]] = [
    *[p.wrong("cotangent", "|g|", _of_cotangent(np.abs, p)) for p in (CUBE, SOFTMAX, QUADRATIC, SINE)],
    *[p.wrong("cotangent", "g^2", _of_cotangent(np.square, p)) for p in (CUBE, LAYER_NORM, MEAN, LINEAR)],
    *[p.wrong("cotangent", "g ignored", _of_cotangent(np.ones_like, p)) for p in (CUBE, QUADRATIC, SOFTMAX, MATMUL)],
    *[
        p.wrong("cotangent", "g clipped to [-1, 1]", _of_cotangent(lambda g: np.clip(g, -1, 1), p))
        for p in (SINE, QUADRATIC, MATMUL)
    ],
    *[p.wrong("cotangent", "the sum of g", _of_cotangent(lambda g: g.sum() + 0 * g, p)) for p in (SINE, LINEAR)],
    *[
        p.wrong("cotangent", "0 where |g| < 0.3", _of_cotangent(lambda g: g * (np.abs(g) >= 0.3), p))
        for p in (SINE, CUBE)
    ],
    QUADRATIC.wrong("cotangent", "1 instead of g = 1, plus g - 1", lambda g, x: 2 * x + (g - 1)),
    SINE.wrong("cotangent", "the sign of g", _of_cotangent(np.sign, SINE)),
    SINE.wrong("cotangent", "g in the wrong order", lambda g, x: g[::-1] * np.cos(x)),
    LINEAR.wrong("cotangent", "a constant added", lambda g, x: LINEAR.vjp(g, x) + 0.1),
    general(
        "", "two outputs", lambda x: np.array([x @ x, x.sum()]), lambda g, x: 2 * x * g[0] + g[1], normal(166, 3)
    ).wrong("cotangent", "only the first output's", lambda g, x: 2 * x * g[0]),
    elementwise("", "sigmoid", sigmoid, sigmoid_slope, [0.4, 1.0]).wrong(
        "cotangent", "g inside", lambda g, x: sigmoid_slope(g * x) * np.sign(g) * np.abs(g)
    ),
]

PAIRS: Final[list[Pair]] = [*BY_ELEMENT, *BY_FACTOR, *BY_SIGN, *BY_DTYPE, *BY_COTANGENT]

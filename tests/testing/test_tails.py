"""Right gradients are not blamed at numbers from the tails, where functions overflow and saturate.

The intense profile tries 10,000 calls of each function.
"""

import os

import numpy as np
import pytest

import minigrad as mg
from minigrad.domain import NONZERO, POSITIVE, UNIT
from minigrad.testing import LawViolation
from minigrad.testing.decorator import GradTest

EXAMPLES = 10_000 if os.environ.get("MINIGRAD_PROFILE") == "intense" else None

ROWS = "N D -> N D"
REDUCED = "N D -> N"


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def softmax_rule(g, x):
    p = softmax(x)
    return p * (g - (g * p).sum(-1, keepdims=True))


def normalized(x):
    d = x - x.mean(-1, keepdims=True)
    return d / np.sqrt((d * d).mean(-1, keepdims=True) + 0.1)


def normalized_rule(g, x):
    d = x - x.mean(-1, keepdims=True)
    s = np.sqrt((d * d).mean(-1, keepdims=True) + 0.1)
    h = d / s
    return (g - g.mean(-1, keepdims=True) - h * (g * h).mean(-1, keepdims=True)) / s


def log_sum_exp(x):
    m = x.max(-1, keepdims=True)
    return np.log(np.exp(x - m).sum(-1)) + m[..., 0]


BY_HAND = {
    "exp": (np.exp, lambda g, x: g * np.exp(x), {}),
    "sinh": (np.sinh, lambda g, x: g * np.cosh(x), {}),
    "cos": (np.cos, lambda g, x: -g * np.sin(x), {}),
    "tanh": (np.tanh, lambda g, x: g * (1 - np.tanh(x) ** 2), {}),
    "arctan": (np.arctan, lambda g, x: g / (1 + x * x), {}),
    "cube": (lambda x: x**3, lambda g, x: 3 * g * x**2, {}),
    "log": (np.log, lambda g, x: g / x, {"domain": POSITIVE}),
    "sqrt": (np.sqrt, lambda g, x: g / (2 * np.sqrt(x)), {"domain": POSITIVE}),
    "reciprocal": (lambda x: 1 / x, lambda g, x: -g / x**2, {"domain": NONZERO}),
    "arctanh": (np.arctanh, lambda g, x: g / (1 - x * x), {"domain": UNIT}),
    "sigmoid": (sigmoid, lambda g, x: g * sigmoid(x) * (1 - sigmoid(x)), {}),
    "silu": (lambda x: x * sigmoid(x), lambda g, x: g * sigmoid(x) * (1 + x * (1 - sigmoid(x))), {}),
    "softplus": (lambda x: np.logaddexp(x, 0), lambda g, x: g * sigmoid(x), {}),
    "naive softplus": (lambda x: np.log1p(np.exp(x)), lambda g, x: g * sigmoid(x), {}),
    "softsign": (lambda x: x / (1 + abs(x)), lambda g, x: g / (1 + abs(x)) ** 2, {}),
    "relu": (lambda x: np.maximum(x, 0), lambda g, x: g * (x > 0), {"kinks": (0.0,)}),
    "abs": (np.abs, lambda g, x: g * np.sign(x), {"kinks": (0.0,)}),
    "softmax": (softmax, softmax_rule, {"shapes": ROWS}),
    "layer norm": (normalized, normalized_rule, {"shapes": ROWS}),
    "logsumexp": (log_sum_exp, lambda g, x: g[..., None] * softmax(x), {"shapes": REDUCED}),
    "sum of squares": (lambda x: (x * x).sum(-1), lambda g, x: 2 * g[..., None] * x, {"shapes": REDUCED}),
    "product": (lambda x, y: x * y, lambda g, x, y: (g * y, g * x), {"shapes": "N D, N D -> N D"}),
    "affine": (lambda x, w, b: x @ w + b, lambda g, x, w, b: (g @ w.T, x.T @ g, g.sum(0)),
               {"shapes": "N D, D O, O -> N O"}),
}  # fmt: skip

OF_TENSORS = {
    "naive softmax": (lambda x: mg.exp(x) / mg.sum(mg.exp(x), axis=-1, keepdims=True), {"shapes": ROWS}),
    "norm": (lambda x: mg.sqrt(mg.sum(x * x, axis=-1) + 1), {"shapes": REDUCED}),
    "variance": (lambda x: mg.mean((x - mg.mean(x, axis=-1, keepdims=True)) ** 2, axis=-1), {"shapes": REDUCED}),
    "tanh of a product": (lambda x, y: mg.tanh(x * y), {}),
    "gaussian": (lambda x, y: mg.exp(-((x - y) ** 2)), {}),
    "hypotenuse": (lambda x, y: mg.sqrt(x * x + y * y + 1), {}),
    "mish": (lambda x: x * mg.tanh(mg.log1p(mg.exp(x))), {}),
    "quotient": (lambda x, y: (x - y) / (1 + x * x + y * y), {}),
    "layer": (lambda x, w, b: mg.sigmoid(x @ w + b), {"shapes": "N D, D O, O -> N O"}),
    "cross entropy": (lambda x: mg.logsumexp(x, axis=-1) - x[:, 0], {"shapes": REDUCED}),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_right_rule_written_by_hand_is_not_blamed(name):
    f, rule, options = BY_HAND[name]
    GradTest(f, vjp=rule, examples=EXAMPLES, **options)()


@pytest.mark.family
@pytest.mark.parametrize("name", OF_TENSORS)
def test_right_function_of_tensors_is_not_blamed(name):
    f, options = OF_TENSORS[name]
    GradTest(f, examples=EXAMPLES, **options)()


WRONG_IN_THE_TAILS = {
    "cut too early": (lambda x: np.logaddexp(x, 0), lambda g, x: g * np.where(x > 30, 0, sigmoid(x))),
    "infinity by infinity": (sigmoid, lambda g, x: g * np.exp(-x) / (1 + np.exp(-x)) ** 2),
    "clipped too early": (np.arctan, lambda g, x: g / (1 + np.minimum(x * x, 100.0))),
    "guarded too widely": (lambda x: x * x, lambda g, x: 2 * g * x + 1e-4 * g * (abs(x) < 1e-5) * (x != 0)),
}


@pytest.mark.family
@pytest.mark.parametrize("name", WRONG_IN_THE_TAILS)
def test_rule_that_is_wrong_only_in_the_tails_is_found(name):
    f, rule = WRONG_IN_THE_TAILS[name]
    with pytest.raises(LawViolation) as caught:
        GradTest(f, vjp=lambda g, x: rule(g, x).astype(x.dtype), examples=300)()
    assert caught.value.law in ("gradient", "linearity")
    assert caught.value.size <= 6

"""An op that passes on little or nothing is described with the numbers that show it."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, nn
from minigrad.diagnosis import why
from minigrad.functional import cross_entropy
from minigrad.functional import dropout as drop
from tests.helper import variable


@pytest.mark.parametrize(
    ("function", "op", "words"),
    [
        (lambda w: mg.relu(w - 9), "relu", "100 % of the inputs of relu are not above 0"),
        (mg.sign, "sign", "constant between its jumps"),
        (lambda w: mg.round(w * 2), "round", "constant between its jumps"),
        (lambda w: mg.clip(w, 5, 6), "maximum", "100 % of the elements lie below the bound 5"),
        (lambda w: mg.clip(w, -6, -5), "minimum", "100 % of the elements lie above the bound -5"),
        (lambda w: mg.hardtanh(w + 9), "hardtanh", "100 % of the inputs of hardtanh lie where it is flat"),
        (lambda w: mg.hardtanh(w - 9), "hardtanh", "100 % of the inputs of hardtanh lie where it is flat"),
        (lambda w: mg.relu6(w + 9), "relu6", "100 % of the inputs of relu6 lie where it is flat"),
        (lambda w: mg.threshold(w, threshold=9.0, value=0.0), "threshold", "100 % of the inputs of threshold"),
        (lambda w: mg.hardsigmoid(w - 9), "hardsigmoid", "100 % of the inputs of hardsigmoid lie where it is flat"),
        (lambda w: mg.softshrink(w / 9), "softshrink", "100 % of the inputs of softshrink lie where it is flat"),
        (lambda w: mg.tanh(w * 1000), "tanh", "tanh is saturated: 100 %"),
        (lambda w: mg.softmax(w * 1e6), "softmax", "softmax is saturated: 100 %"),
        (lambda w: drop(w, p=1.0), "multiply", "100 % of which is 0"),
        (lambda w: w * mg.zeros(3), "multiply", "a constant of shape (3,)"),
        (lambda w: w @ variable(np.zeros((3, 2))), "matmul", "a variable of shape (3, 2)"),
        (lambda w: mg.where(w > 100, w, 1.0), "where", "selected the other branch"),
        (lambda w: mg.maximum(w, variable([9.0, 8.0, 7.0])), "maximum", "selected other elements"),
    ],
)
def test_op_that_lets_nothing_through(function, op: str, words: str) -> None:
    w = variable([1.0, 2.0, 3.0])
    reason = why(w, lambda: (mg.exp(function(w + 0.0)) * 1.0).sum())
    assert (reason.cause, reason.norm, reason.op) == ("zero", 0, op)
    assert words in reason.text
    blocked = [step for step in reason.path if step.blocked]
    assert [step.op for step in blocked] == [op]
    assert blocked[0].arrives > 0


def test_dropout_module_is_named() -> None:
    layer, last = nn.Linear(3, 4), nn.Linear(4, 1)
    model = nn.Sequential(layer, nn.Dropout(p=1.0), last)
    reason = why(layer.weight, lambda: model(mg.ones((5, 3))).sum())
    assert (reason.cause, reason.module) == ("zero", "1 Dropout")
    assert "1 Dropout sets 100 % of its input to 0" in reason.text


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda w: mg.leaky_relu(w - 9, negative_slope=1e-9), "100 % of the inputs of leaky_relu are not above 0"),
        (lambda w: mg.tanh(w + 8), "tanh is saturated: 100 % of its elements"),
        (lambda w: mg.softmax(w * 12), "softmax is saturated"),
        (lambda w: mg.gelu(w - 11), "gelu is saturated"),
    ],
)
def test_op_that_lets_hardly_anything_through(function, words: str) -> None:
    w = variable([1.0, 2.0, 3.0])
    reason = why(w, lambda: mg.square(function(w * 1.0) - variable([1.0, 2.0, 4.0])).sum(), tiny=1e-3)
    assert reason.cause == "vanished"
    assert words in reason.text


def test_loss_that_is_sure_and_right() -> None:
    w = variable([[30.0, -30.0]])
    reason = why(w, lambda: cross_entropy(w * 1.0, Tensor(np.array([0]))))
    assert (reason.cause, reason.op) == ("vanished", "softmax_cross_entropy")
    assert "gives the target class a probability of 1" in reason.text


def test_obstacle_inside_of_a_checkpoint_says_how_to_go_on() -> None:
    w = variable([1.0, 2.0])
    reason = why(w, lambda: (mg.checkpoint(lambda x: mg.relu(x - 9), w) * 2).sum())
    assert (reason.cause, reason.op) == ("zero", "checkpoint")
    assert "without checkpoint" in reason.text


def test_standardize_removes_what_is_the_same_everywhere() -> None:
    w = variable([1.0])
    x = Tensor(np.array([[1.0, 2.0, 4.0]]))
    reason = why(w, lambda: mg.square(mg.functional.layer_norm(x + w, 3)).sum())
    assert reason.cause in ("zero", "vanished")
    assert reason.norm < 1e-12


X = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)


def test_a_sum_over_softmax_has_no_slope_and_softmax_is_not_called_flat() -> None:
    layer = nn.Linear(8, 3)
    reason = why(layer.weight, lambda: mg.softmax(layer(X), axis=1).sum(), tiny=1e-4)
    assert reason.cause in ("vanished", "zero")
    assert reason.op == "softmax"
    assert "add up to 1 whatever its input" in reason.text
    assert "flat" not in reason.text


def test_two_bounds_that_together_let_nothing_through_are_told_apart_from_one() -> None:
    w = variable([-3.0, 3.0, 4.0])
    reason = why(w, lambda: mg.clip(w, -1, 1).sum())
    assert (reason.cause, reason.op) == ("zero", "maximum")
    assert "33 % of the elements lie below the bound -1" in reason.text
    assert "no gradient arrives at the others" in reason.text
    alone = why(w, lambda: mg.clip(w, 5, 6).sum())
    assert "at the others" not in alone.text


def test_units_that_are_alive_and_masked_later_are_mentioned() -> None:
    w = variable([-1.0, 2.0])
    reason = why(w, lambda: (mg.relu(w) * Tensor([1.0, 0.0])).sum())
    assert (reason.cause, reason.op) == ("zero", "relu")
    assert "50 % of the inputs of relu are not above 0" in reason.text
    assert "no gradient arrives at the others" in reason.text

"""Gradients that vanish, explode or are healthy: the steps to blame are named, with their lines."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, nn
from minigrad.diagnosis import why
from tests.diagnosis.source_lines import line_of
from tests.helper import variable


def test_zeros_of_rows_that_were_not_taken_are_no_fault() -> None:
    table = variable(np.ones((100, 4)))
    reason = why(table, lambda: (table[np.array([3, 5])] * 2).sum())
    assert reason.cause == "healthy"
    assert "98 % of its elements are zero; most of these come from getitem" in reason.text


def test_vanished_over_many_layers_names_factor_and_worst_steps() -> None:
    layers = nn.Sequential(*[m for _ in range(30) for m in (nn.Linear(8, 8), nn.Sigmoid())])
    for k in range(0, 60, 2):
        layers[k].weight.data = np.eye(8)
    reason = why(layers[0].weight, lambda: layers(mg.ones((2, 8))).mean())
    assert (reason.cause, reason.op) == ("vanished", "sigmoid")
    assert "It shrinks over 30 layers, by a factor of 0.2" in reason.text
    assert 0 < reason.norm < 1e-15
    assert "at most a quarter" in reason.text


def test_vanished_in_one_step_names_it() -> None:
    w = variable([1.0, 2.0])

    def loss() -> Tensor:
        h = mg.exp(w)
        h = h * 1e-9  # <- scaled down
        return mg.tanh(h).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.op, reason.line) == ("vanished", "multiply", line_of("scaled down"))
    assert "the other input, which is 1e-09" in reason.text


def test_bias_before_normalization_vanishes_there() -> None:
    layer, norm = nn.Linear(3, 4).astype(float), nn.BatchNorm1d(4).astype(float)
    x = Tensor(np.random.default_rng(0).normal(size=(8, 3)))
    reason = why(layer.bias, lambda: (mg.square(norm(layer(x))) * mg.arange(32).reshape(8, 4)).sum())
    assert reason.cause in ("vanished", "zero")
    assert reason.norm < 1e-10
    assert "standardize" in reason.text
    assert "bias=False" in reason.text


def test_exploding_in_one_step_names_it() -> None:
    w = variable([1.0, 2.0])

    def loss() -> Tensor:
        h = mg.tanh(w)
        h = h * 1e9  # <- scaled up
        return h.sum()

    reason = why(w, loss)
    assert (reason.cause, reason.op, reason.line) == ("exploding", "multiply", line_of("scaled up"))


def test_limits_can_be_chosen() -> None:
    w = variable([1.0, 2.0])
    assert why(w, lambda: (w * 100).sum()).cause == "healthy"
    assert why(w, lambda: (w * 100).sum(), huge=10).cause == "exploding"
    assert why(w, lambda: (w / 100).sum(), tiny=0.1).cause == "vanished"


X = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)


def test_a_mean_over_a_large_batch_is_not_blamed_for_layers() -> None:
    mg.seed(0)
    layers = [m for _ in range(20) for m in (nn.Linear(8, 8), nn.Sigmoid())]
    model = nn.Sequential(*layers, nn.Linear(8, 1))
    reason = why(model[0].weight, lambda: model(X).mean())
    assert (reason.cause, reason.op) == ("vanished", "sigmoid")
    assert "mean" not in reason.text


def test_a_sum_over_a_large_batch_is_not_blamed_for_layers() -> None:
    mg.seed(0)
    model = nn.Sequential(*[nn.Linear(8, 8) for _ in range(12)])
    for p in model.parameters():
        p.data = 8 * p.data
    reason = why(model[0].weight, lambda: model(X).sum())
    assert (reason.cause, reason.op) == ("exploding", "linear")
    assert "(seen from the loss) at linear" in reason.text
    assert not any(step.blocked for step in reason.path if step.op == "sum")


def test_a_sum_that_does_most_is_blamed() -> None:
    w = variable(np.ones(10_000))
    reason = why(w, lambda: w.sum(), huge=50)
    assert (reason.cause, reason.op, reason.norm) == ("exploding", "sum", pytest.approx(100))

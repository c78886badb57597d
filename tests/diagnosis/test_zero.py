"""Gradients that are exactly or mostly zero: the op that stops them is named, with its line."""

import numpy as np

import minigrad as mg
from minigrad import Tensor, nn
from minigrad.diagnosis import why
from tests.diagnosis.source_lines import line_of
from tests.helper import variable


def test_zeros_that_an_op_gets_are_traced_to_where_they_were_made() -> None:
    w = variable([1.0, 2.0])

    def loss() -> Tensor:
        h = mg.maximum(w, 0.0) * np.zeros(2)  # <- zeros
        return mg.square(h).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.op) == ("zero", "square")
    assert f"Its input is 0 everywhere, and was made by multiply (test_zero.py:{line_of('zeros')}" in reason.text


def test_nearest_obstacle_is_named_and_others_counted() -> None:
    w = variable([1.0, 2.0])

    def loss() -> Tensor:
        h = mg.exp(w)
        near = mg.relu(h - 100)  # <- near
        far = mg.sign(mg.exp(mg.tanh(h)))
        return (near + far).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.line) == ("zero", line_of("near"))
    assert "2 ops on the paths to the loss do so" in reason.text


def test_gradients_that_cancel() -> None:
    w = variable([1.0, 2.0])
    reason = why(w, lambda: (w - w).sum())
    assert (reason.cause, reason.norm) == ("zero", 0)
    assert "gradients come through its 2 uses (norms 1.41, 1.41): they cancel each other out" in reason.text
    further = why(w, lambda: (lambda h: (h - h).sum())(mg.exp(w)))
    assert "gradients come through the 2 uses of the result of exp (norms 1.41, 1.41)" in further.text
    assert [step.op for step in further.path] == ["exp", "subtract", "sum"]


def test_loss_of_zero_says_that_it_is_minimal() -> None:
    w = variable([1.0, 2.0])
    reason = why(w, lambda: mg.square(w - Tensor([1.0, 2.0]).astype(float)).sum())
    assert (reason.cause, reason.op) == ("zero", "square")
    assert "The loss is 0" in reason.text


def test_gradient_that_is_nearly_all_zero() -> None:
    bias = np.full(100, -1000.0)
    bias[:3] = 1000.0
    layer = nn.Linear(4, 100).astype(float)
    layer.bias.data = bias

    def loss() -> Tensor:
        h = layer(mg.ones((8, 4), dtype=float))
        return mg.relu(h).sum()  # <- nearly

    reason = why(layer.weight, loss)
    assert (reason.cause, reason.op, reason.line) == ("zero", "relu", line_of("nearly"))
    assert "97 % of it is zero (12 of 400 elements are not)" in reason.text
    assert "97 of 100 units are dead" in reason.text
    assert reason.norm > 0

"""Answers that easily blame the wrong one: what only counts, what comes later, what was put in on purpose."""

from collections.abc import Callable

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, nn
from minigrad.diagnosis import why
from minigrad.functional import one_hot
from tests.diagnosis.here import line_of
from tests.helper import variable

X = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)


# ---- who takes the last result ------------------------------------------------------------------------------------


def test_an_op_without_derivative_behind_the_last_result_is_named() -> None:
    layer, weights = nn.Linear(8, 3), Tensor(np.arange(6.0).reshape(2, 3))

    def loss() -> Tensor:
        classes = layer(X[:2]).argmax(axis=1)
        return (one_hot(classes, 3) * weights).sum()

    reason = why(layer.weight, loss)
    assert (reason.cause, reason.op) == ("not_reached", "linear")
    assert "whose result only argmax (test_misleading.py:" in reason.text
    assert "which has no derivative" in reason.text


def test_a_result_that_is_dropped_is_taken_by_none() -> None:
    w = variable([1.0, 2.0])

    def loss() -> Tensor:
        mg.tanh(w)
        return variable([1.0, 2.0]).sum()

    reason = why(w, loss)
    assert "whose result no op takes. Either" in reason.text


def test_a_line_that_seems_to_leave_the_graph_is_shown() -> None:
    w = variable([1.0, 2.0])

    def loss() -> Tensor:
        h = mg.exp(w)
        other = variable([0.5, 1.5])
        h = Tensor(np.sort(h.numpy())[::-1] / 2)  # <- numpy
        return (h * other).sum()

    assert f"seems to leave the graph at test_misleading.py:{line_of('numpy')} (h = " in why(w, loss).text

    def unrelated() -> Tensor:
        h = mg.exp(w)
        other = variable([0.5, 1.5])
        print(h, other.numpy())
        return other.sum()

    assert "seems to leave" not in why(w, unrelated).text


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda x: Tensor(float(x.item()) / 3), "The loss is a constant, no op gave it"),
        (lambda x: Tensor(x.item() / 3, requires_grad=True), "The loss is a variable of its own, no op gave it"),
    ],
)
def test_a_loss_made_of_a_number_is_said_to_be_one(made: Callable[[Tensor], Tensor], words: str) -> None:
    w = variable([1.0, 2.5])
    reason = why(w, lambda: made(mg.square(w).mean()))
    assert reason.cause == "not_reached"
    assert reason.text.startswith(words)
    assert "no op gave it" not in why(w, lambda: (variable([1.0]) * 2).sum()).text


# ---- who shrinks it, who enlarges it ---------------------------------------------------------------------------------


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


def test_a_sum_over_softmax_has_no_slope_and_softmax_is_not_called_flat() -> None:
    layer = nn.Linear(8, 3)
    reason = why(layer.weight, lambda: mg.softmax(layer(X), axis=1).sum(), tiny=1e-4)
    assert reason.cause in ("vanished", "zero")
    assert reason.op == "softmax"
    assert "add up to 1 whatever its input" in reason.text
    assert "flat" not in reason.text


# ---- what an op alone does not explain ---------------------------------------------------------------------------


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
    assert "50 % of what relu sees is dead" in reason.text
    assert "no gradient arrives at the others" in reason.text


def test_a_mask_of_infinity_is_not_taken_for_missing_data() -> None:
    w = variable([[1.0, 2.0], [3.0, 4.0]])
    mask = np.array([[False, True], [True, True]])
    reason = why(w, lambda: (mg.softmax(mg.where(mask, -np.inf, w), axis=1) * Tensor([1.0, 2.0])).sum())
    assert (reason.cause, reason.op) == ("nan", "softmax")
    assert "2 of 4 elements are not finite; the first is nan at (1, 0)" in reason.text
    assert "all is masked" in reason.text
    assert "missing values" not in reason.text
    some = why(w, lambda: (mg.softmax(mg.where(mask[:1], -np.inf, w * 1), axis=1)[:, 0] ** 2 + w[:, 0]).sum())
    assert some.cause == "healthy"


def test_an_infinity_in_the_data_that_makes_no_nan_is_where_it_comes_from() -> None:
    w = variable([1.0, 2.0])
    reason = why(w, lambda: (w * np.array([1.0, np.inf])).sum())
    assert (reason.cause, reason.op) == ("inf", "multiply")
    assert "there from the start" in reason.text


def test_a_single_input_is_no_range() -> None:
    w = variable(0.0)
    reason = why(w, lambda: mg.sqrt(w))
    assert "Its input is 0." in reason.text

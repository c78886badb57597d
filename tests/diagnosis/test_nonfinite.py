"""Gradients that are NaN or infinite: the op or the rule that made the first one is named, with its line."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, nn
from minigrad.autograd.op import Op
from minigrad.diagnosis import why
from minigrad.functional import binary_cross_entropy, cross_entropy
from tests.diagnosis.source_lines import line_of
from tests.helper import variable


def test_first_op_is_blamed_not_a_later_one() -> None:
    w = variable([1.0, 0.0])

    def loss() -> Tensor:
        h = 1 / w  # <- division
        return mg.sin(h).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.op, reason.line) == ("nan", "divide", line_of("division"))
    assert "1 of 2 elements are not finite; the first is inf at (1,)" in reason.text


def test_rule_that_divides_by_zero_is_named() -> None:
    w = variable([1.0, 0.0])

    def loss() -> Tensor:
        h = w * 2
        h = mg.sqrt(h)  # <- root
        return h.sum()

    reason = why(w, loss)
    assert (reason.cause, reason.op, reason.line, reason.norm) == ("inf", "sqrt", line_of("root"), math.inf)
    assert "made in the backward pass by the rule of sqrt" in reason.text
    assert "1 of 2 elements are 0" in reason.text


def test_wrong_rule_of_an_op_is_named() -> None:
    op = Op(lambda x: x * 1.0, "nan_rule")
    op.vjp("x")(lambda g, x: g * np.nan)
    w = variable([1.0, 2.0])
    reason = why(w, lambda: mg.exp(op(mg.tanh(w))).sum())
    assert (reason.cause, reason.op) == ("nan", "nan_rule")
    assert math.isnan(reason.norm)


def test_overflow_is_found() -> None:
    w = Tensor(np.array([100.0, 1.0], np.float32), requires_grad=True)
    reason = why(w, lambda: mg.exp(w).sum())
    assert (reason.cause, reason.op) == ("inf", "exp")
    assert "where its input is 100" in reason.text


def test_sum_of_finite_gradients_that_overflows() -> None:
    w = Tensor(np.full(1, 1e-30, np.float32), requires_grad=True)
    reason = why(w, lambda: (w * np.float32(3e38) + w * np.float32(3e38)).sum())
    assert (reason.cause, reason.norm) == ("inf", math.inf)
    assert "too large for float32" in reason.text


def test_tensor_that_is_itself_not_finite() -> None:
    w = variable(np.nan)
    reason = why(w, lambda: w)
    assert reason.cause == "nan"
    assert "The tensor itself is not finite" in reason.text


def test_several_results_that_are_not_finite() -> None:
    both = Op(lambda x: (x * 1.0, np.log(x)), "itself_and_log", results=("itself", "log"))
    both.vjp("x")(lambda g, x: g[0] + g[1] / x)
    w = variable([2.0, 0.0])
    reason = why(w, lambda: sum(both(w)).sum())
    assert (reason.cause, reason.op) == ("inf", "itself_and_log")
    assert "1 of 2 elements are not finite; the first is -inf at (1,), where its input is 0" in reason.text
    assert [step.op for step in reason.path] == ["itself_and_log", "add", "sum"]


def test_nan_in_the_data_is_told_from_nan_that_is_made() -> None:
    layer = nn.Linear(2, 1)
    x = Tensor(np.array([[1.0, np.nan]], np.float32))
    reason = why(layer.weight, lambda: layer(x).sum())
    assert (reason.cause, reason.op) == ("nan", "linear")
    assert "Some values were not finite from the start" in reason.text
    assert "1 of 2 elements are not finite" in reason.text


def test_nan_in_a_parameter_is_named() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    model[1].weight.data = np.array([[np.nan, 1.0]], np.float32)
    reason = why(model[0].weight, lambda: model(mg.ones((1, 2))).sum())
    assert (reason.cause, reason.module) == ("nan", "1 Linear")
    assert "from 1.weight of shape (1, 2)" in reason.text
    own = why(model[1].weight, lambda: model(mg.ones((1, 2))).sum())
    assert "from 1.weight of shape (1, 2)" in own.text


def test_loss_that_is_nan_elsewhere_is_told_although_the_gradient_is_finite() -> None:
    w, v = variable([1.0, 2.0]), variable([0.0])
    reason = why(w, lambda: (w * 2).sum() + mg.log(v).sum())
    assert (reason.cause, reason.op, reason.norm) == ("inf", "log", pytest.approx(math.sqrt(8)))
    assert "The gradient itself is finite" in reason.text


def test_masked_infinities_do_no_harm() -> None:
    w = variable([[1.0, 2.0, 3.0]])
    mask = np.array([[True, True, False]])
    reason = why(w, lambda: mg.square(mg.softmax(mg.where(mask, w, -np.inf))).sum())
    assert reason.cause == "healthy"


def test_masked_infinities_are_not_blamed_for_another_nan() -> None:
    w = variable([[1.0, 2.0, 3.0]])
    mask = np.array([[True, True, False]])

    def loss() -> Tensor:
        h = mg.softmax(mg.where(mask, w, -np.inf))
        return mg.sqrt(h).sum()  # <- the true one

    reason = why(w, loss)
    assert (reason.cause, reason.line) == ("nan", line_of("the true one"))


def test_healthy_losses_with_extreme_logits() -> None:
    w = variable([[3.0, -2.0]])
    assert why(w, lambda: cross_entropy(w, Tensor([1]).astype(int))).cause == "healthy"
    assert why(w, lambda: binary_cross_entropy(mg.sigmoid(w), mg.ones((1, 2)))).cause == "healthy"


def test_a_mask_of_infinity_is_not_taken_for_missing_data() -> None:
    w = variable([[1.0, 2.0], [3.0, 4.0]])
    mask = np.array([[False, True], [True, True]])
    reason = why(w, lambda: (mg.softmax(mg.where(mask, -np.inf, w), axis=1) * Tensor([1.0, 2.0])).sum())
    assert (reason.cause, reason.op) == ("nan", "softmax")
    assert "2 of 4 elements are not finite; the first is nan at (1, 0)" in reason.text
    assert "masked completely" in reason.text
    assert "missing values" not in reason.text
    some = why(w, lambda: (mg.softmax(mg.where(mask[:1], -np.inf, w * 1), axis=1)[:, 0] ** 2 + w[:, 0]).sum())
    assert some.cause == "healthy"


def test_an_infinity_in_the_data_that_makes_no_nan_is_where_it_comes_from() -> None:
    w = variable([1.0, 2.0])
    reason = why(w, lambda: (w * np.array([1.0, np.inf])).sum())
    assert (reason.cause, reason.op) == ("inf", "multiply")
    assert "not finite from the start" in reason.text


def test_a_single_input_is_no_range() -> None:
    w = variable(0.0)
    reason = why(w, lambda: mg.sqrt(w))
    assert "Its input is 0." in reason.text

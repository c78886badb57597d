"""Gradients that arrive, and are zero, tiny, huge, infinite or NaN: each source is named, with its line."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, nn
from minigrad.autograd.op import Op
from minigrad.diagnosis import why
from minigrad.functional import binary_cross_entropy, cross_entropy
from minigrad.functional import dropout as drop
from tests.diagnosis.here import line_of
from tests.helper import variable

# ---- zero ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "op", "words"),
    [
        (lambda w: mg.relu(w - 9), "relu", "100 % of what relu sees is dead"),
        (mg.sign, "sign", "staircase"),
        (lambda w: mg.round(w * 2), "round", "staircase"),
        (lambda w: mg.clip(w, 5, 6), "maximum", "100 % of the elements lie below the bound 5"),
        (lambda w: mg.clip(w, -6, -5), "minimum", "100 % of the elements lie above the bound -5"),
        (lambda w: mg.hardtanh(w + 9), "hardtanh", "100 % of what hardtanh sees is on its flat side"),
        (lambda w: mg.hardtanh(w - 9), "hardtanh", "100 % of what hardtanh sees is on its flat side"),
        (lambda w: mg.relu6(w + 9), "relu6", "100 % of what relu6 sees is on its flat side"),
        (lambda w: mg.threshold(w, threshold=9.0, value=0.0), "threshold", "100 % of what threshold sees"),
        (lambda w: mg.hardsigmoid(w - 9), "hardsigmoid", "100 % of what hardsigmoid sees is on its flat side"),
        (lambda w: mg.softshrink(w / 9), "softshrink", "100 % of what softshrink sees is on its flat side"),
        (lambda w: mg.tanh(w * 1000), "tanh", "tanh is saturated: 100 %"),
        (lambda w: mg.softmax(w * 1e6), "softmax", "softmax is saturated: 100 %"),
        (lambda w: drop(w, p=1.0), "multiply", "100 % of that is zero"),
        (lambda w: w * mg.zeros(3), "multiply", "a constant of shape (3,)"),
        (lambda w: w @ variable(np.zeros((3, 2))), "matmul", "a variable of shape (3, 2)"),
        (lambda w: mg.where(w > 100, w, 1.0), "where", "chose the other branch"),
        (lambda w: mg.maximum(w, variable([9.0, 8.0, 7.0])), "maximum", "chose other elements"),
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


def test_zeros_that_an_op_gets_are_traced_to_where_they_were_made() -> None:
    w = variable([1.0, 2.0])

    def loss() -> Tensor:
        h = mg.maximum(w, 0.0) * np.zeros(2)  # <- zeros
        return mg.square(h).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.op) == ("zero", "square")
    assert f"All that it gets is 0, and was made by multiply (test_numbers.py:{line_of('zeros')}" in reason.text


def test_dropout_module_is_named() -> None:
    layer, last = nn.Linear(3, 4), nn.Linear(4, 1)
    model = nn.Sequential(layer, nn.Dropout(p=1.0), last)
    reason = why(layer.weight, lambda: model(mg.ones((5, 3))).sum())
    assert (reason.cause, reason.module) == ("zero", "1 Dropout")
    assert "1 Dropout multiplies by 0 100 % of what goes through it" in reason.text


def test_nearest_obstacle_is_named_and_others_counted() -> None:
    w = variable([1.0, 2.0])

    def loss() -> Tensor:
        h = mg.exp(w)
        near = mg.relu(h - 100)  # <- near
        far = mg.sign(mg.exp(mg.tanh(h)))
        return (near + far).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.line) == ("zero", line_of("near"))
    assert "2 ops do so" in reason.text


def test_gradients_that_cancel() -> None:
    w = variable([1.0, 2.0])
    reason = why(w, lambda: (w - w).sum())
    assert (reason.cause, reason.norm) == ("zero", 0)
    assert "gradients come through its 2 uses (norms 1.41, 1.41): they cancel one another" in reason.text
    further = why(w, lambda: (lambda h: (h - h).sum())(mg.exp(w)))
    assert "gradients come through the 2 uses of the result of exp: (norms 1.41, 1.41)" in further.text
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


def test_zeros_of_rows_that_were_not_taken_are_no_fault() -> None:
    table = variable(np.ones((100, 4)))
    reason = why(table, lambda: (table[np.array([3, 5])] * 2).sum())
    assert reason.cause == "healthy"
    assert "98 % of its elements are zero; most of these come from getitem" in reason.text


# ---- vanished and exploding ------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda w: mg.leaky_relu(w - 9, negative_slope=1e-9), "100 % of what leaky_relu sees is not above 0"),
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
    assert "sure of its answer and right" in reason.text


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


def test_limits_can_be_chosen() -> None:
    w = variable([1.0, 2.0])
    assert why(w, lambda: (w * 100).sum()).cause == "healthy"
    assert why(w, lambda: (w * 100).sum(), huge=10).cause == "exploding"
    assert why(w, lambda: (w / 100).sum(), tiny=0.1).cause == "vanished"


def test_norms_are_right_where_squares_would_overflow_or_vanish() -> None:
    w = Tensor(np.ones(4, np.float32), requires_grad=True)
    assert why(w, lambda: (w * 1e30).sum()).norm == pytest.approx(2e30, rel=1e-6)
    assert why(w, lambda: (w * 1e-30).sum()).norm == pytest.approx(2e-30, rel=1e-6)
    v = variable(np.ones(4))
    assert why(v, lambda: (v * 1e-150).sum()).norm == pytest.approx(2e-150, rel=1e-6)
    assert why(v, lambda: (v * 1e200).sum()).norm == pytest.approx(2e200, rel=1e-6)


# ---- not finite ------------------------------------------------------------------------------------------------


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
    assert "where it was given 100" in reason.text


def test_sum_of_finite_gradients_that_overflows() -> None:
    w = Tensor(np.full(1, 1e-30, np.float32), requires_grad=True)
    reason = why(w, lambda: (w * np.float32(3e38) + w * np.float32(3e38)).sum())
    assert (reason.cause, reason.norm) == ("inf", math.inf)
    assert "a sum too large for float32" in reason.text


def test_tensor_that_is_itself_not_finite() -> None:
    w = variable(np.nan)
    reason = why(w, lambda: w)
    assert reason.cause == "nan"
    assert "The tensor itself holds" in reason.text


def test_several_results_that_are_not_finite() -> None:
    both = Op(lambda x: (x * 1.0, np.log(x)), "itself_and_log", results=("itself", "log"))
    both.vjp("x")(lambda g, x: g[0] + g[1] / x)
    w = variable([2.0, 0.0])
    reason = why(w, lambda: sum(both(w)).sum())
    assert (reason.cause, reason.op) == ("inf", "itself_and_log")
    assert "1 of 2 elements are not finite; the first is -inf at (1,), where it was given 0" in reason.text
    assert [step.op for step in reason.path] == ["itself_and_log", "add", "sum"]


def test_nan_in_the_data_is_told_from_nan_that_is_made() -> None:
    layer = nn.Linear(2, 1)
    x = Tensor(np.array([[1.0, np.nan]], np.float32))
    reason = why(layer.weight, lambda: layer(x).sum())
    assert (reason.cause, reason.op) == ("nan", "linear")
    assert "What is not finite was there from the start" in reason.text
    assert "1 of 2 elements are not finite" in reason.text


def test_nan_in_a_parameter_is_named() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    model[1].weight.data = np.array([[np.nan, 1.0]], np.float32)
    reason = why(model[0].weight, lambda: model(mg.ones((1, 2))).sum())
    assert (reason.cause, reason.module) == ("nan", "1 Linear")
    assert "in 1.weight of shape (1, 2)" in reason.text
    own = why(model[1].weight, lambda: model(mg.ones((1, 2))).sum())
    assert "in 1.weight of shape (1, 2)" in own.text


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

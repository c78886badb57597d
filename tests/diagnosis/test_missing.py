"""Gradients that never arrive: each cause is told from the others, with its line."""

from collections.abc import Callable

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, nn
from minigrad.diagnosis import why
from minigrad.functional import one_hot
from tests.diagnosis.source_lines import line_of
from tests.helper import variable


def test_constant() -> None:
    reason = why(Tensor([1.0]), lambda: variable(2.0))
    assert reason.cause == "constant"
    assert "requires_grad is False" in reason.text
    assert "int64" in why(Tensor(np.arange(3)), lambda: variable(2.0)).text


def test_frozen_parameter() -> None:
    layer = nn.Linear(2, 1)
    layer.freeze()
    assert why(layer.weight, lambda: layer(variable([[1.0, 2.0]]).astype("float32")).sum()).cause == "constant"


@pytest.mark.parametrize("leave", ["detach", "stop_gradient", "data", "numpy", "slice"])
def test_every_way_out_of_the_graph_is_a_detach(leave: str) -> None:
    ways = {
        "detach": lambda t: t.detach(),
        "stop_gradient": mg.autograd.transforms.stop_gradient,
        "data": lambda t: t.data,
        "numpy": lambda t: t.numpy(),
        "slice": lambda t: t.data[1:].reshape(2, 1),
    }
    w = variable([1.0, 2.0, 3.0])

    def loss() -> Tensor:
        h = w * w
        out = ways[leave](h)
        return (out * variable([0.5])).sum()  # <- taken on

    reason = why(w, loss)
    assert reason.cause == "detached"
    assert any(step.op == "multiply" and step.line == line_of("taken on") for step in reason.path)


def test_tensor_itself_detached() -> None:
    w, v = variable([1.0, 2.0]), variable([3.0, 4.0])
    reason = why(w, lambda: (w.detach() * v).sum())
    assert (reason.cause, reason.path[0].op) == ("detached", "detach")
    assert reason.text.startswith("the variable is used without its history: multiply")


def test_loss_itself_detached() -> None:
    w = variable([1.0, 2.0])

    def loss() -> Tensor:
        out = (w * w).sum()
        return out.detach()  # <- end

    reason = why(w, loss)
    assert (reason.cause, reason.line) == ("detached", line_of("end"))
    assert why(variable(1.0), lambda: variable(1.0)).cause == "unused"
    lone = variable(3.0)
    assert why(lone, lambda: lone.detach()).cause == "detached"


def test_loss_that_went_through_a_python_number() -> None:
    w = variable([1.0, 2.0])
    reason = why(w, lambda: Tensor(mg.exp(w).sum().item()).astype(float) * 1.0)
    assert reason.cause == "detached"
    assert reason.at is not None
    assert (reason.op, "mg.exp(w).sum().item()" in reason.code) == ("item()", True)
    exact = why(w, lambda: Tensor(np.asarray(mg.exp(w).sum().item())))
    assert exact.cause == "detached"
    assert [step.op for step in exact.path] == ["exp", "sum", "detach"]


def test_no_grad_on_the_way() -> None:
    w, v = variable([1.0, 2.0]), variable([3.0, 4.0])

    def loss() -> Tensor:
        h = mg.exp(w)
        with mg.no_grad():
            h = mg.tanh(h)  # <- off the record
        return (h * v).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.op, reason.line) == ("no_grad", "tanh", line_of("off the record"))
    assert [step.recorded for step in reason.path] == [True, False, True, True]
    assert why(v, loss).cause == "healthy"


def test_everything_in_no_grad() -> None:
    w = variable([1.0, 2.0])

    def loss() -> Tensor:
        with mg.no_grad():
            return mg.exp(w).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.op) == ("no_grad", "exp")
    assert "Nothing in the function was recorded" in reason.text


@pytest.mark.parametrize(
    ("function", "op"),
    [
        (lambda h: mg.argmax(h, axis=0), "argmax"),
        (lambda h: h > 2, "greater"),
        (lambda h: h.astype(int), "astype"),
        (mg.ones_like, "ones_like"),
    ],
)
def test_integers_and_booleans(function, op) -> None:
    w, v = variable([1.0, 2.0]), variable([3.0, 4.0])
    reason = why(w, lambda: (function(mg.exp(w)) * v).sum())
    assert (reason.cause, reason.op) == ("integer", op)


def test_input_that_only_chooses() -> None:
    w, v = variable([1.0, 0.0]), variable([3.0, 4.0])
    reason = why(w, lambda: mg.where(w * 2, v, 0.0).sum())
    assert (reason.cause, reason.op) == ("integer", "where")
    assert "'condition'" in reason.text


def test_loss_of_integers() -> None:
    w = variable([1.0, 2.0])
    assert why(w, lambda: mg.argmax(w * 2)).cause == "integer"


def test_integer_labels_are_no_blocker() -> None:
    w, labels = variable(np.eye(3)), Tensor(np.array([0, 1, 2]))
    assert why(w, lambda: mg.functional.cross_entropy(w * 2, labels)).cause == "healthy"


def test_way_with_floating_numbers_is_preferred_to_a_shorter_one_with_booleans() -> None:
    w, v = variable([1.0, 2.0]), variable([3.0, 4.0])

    def loss() -> Tensor:
        h = mg.exp(mg.tanh(w)).detach()  # <- floats
        return mg.where(w > 1, h * v, v).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.line) == ("detached", line_of("floats"))


def test_dead_branch() -> None:
    w, v = variable([1.0, 2.0]), variable([3.0, 4.0])

    def loss() -> Tensor:
        h = mg.exp(w)
        mg.tanh(h)  # <- dropped
        return (v * v).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.op, reason.line) == ("not_reached", "tanh", line_of("dropped"))


def test_trail_that_ends_in_numpy_names_the_last_op() -> None:
    w, v = variable([1.0, 2.0]), variable([3.0, 4.0])

    def loss() -> Tensor:
        h = mg.exp(w)  # <- last
        h = Tensor(np.sort(h.numpy())[::-1] / 2)
        return (h * v).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.line) == ("not_reached", line_of("last"))
    assert "NumPy" in reason.text


def test_way_that_is_recorded_longest_is_blamed_where_it_ends() -> None:
    w = variable([1.0, 2.0])

    def loss() -> Tensor:
        h = w.detach() * w
        with mg.no_grad():
            h = mg.tanh(h)  # <- after a product
        return (h * variable([1.0, 1.0])).sum()

    reason = why(w, loss)
    assert (reason.cause, reason.line) == ("no_grad", line_of("after a product"))


def test_module_that_ran_is_not_said_to_be_idle() -> None:
    class Inner(nn.Module):
        def __init__(self) -> None:
            self.used, self.spare = nn.Parameter(np.ones(2)), nn.Parameter(np.ones(2))

        def forward(self, x: Tensor) -> Tensor:
            return x * self.used

    model = nn.Sequential(nn.Sequential(Inner()))
    x = Tensor(np.ones(2))
    for f in (lambda: model(x).sum(), lambda: model[0](x).sum()):
        reason = why(model[0][0].spare, f)
        assert (reason.cause, reason.name.rpartition(".")[2]) == ("unused", "spare")
        assert "did not run" not in reason.text


def test_used_twice_once_with_history_is_no_loss() -> None:
    w = variable([1.0, 2.0])
    reason = why(w, lambda: (w.detach() * mg.exp(w)).sum())
    assert reason.cause == "healthy"


X = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)


def test_an_op_without_derivative_behind_the_last_result_is_named() -> None:
    layer, weights = nn.Linear(8, 3), Tensor(np.arange(6.0).reshape(2, 3))

    def loss() -> Tensor:
        classes = layer(X[:2]).argmax(axis=1)
        return (one_hot(classes, 3) * weights).sum()

    reason = why(layer.weight, loss)
    assert (reason.cause, reason.op) == ("not_reached", "linear")
    assert "whose result only argmax (test_missing.py:" in reason.text
    assert "which has no derivative" in reason.text


def test_a_result_that_is_dropped_is_taken_by_none() -> None:
    w = variable([1.0, 2.0])

    def loss() -> Tensor:
        mg.tanh(w)
        return variable([1.0, 2.0]).sum()

    reason = why(w, loss)
    assert "whose result no op takes. Either" in reason.text


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
    assert reason.cause == "detached"
    assert reason.text.startswith(words)
    assert "item() makes a plain number" in reason.text
    assert "no op gave it" not in why(w, lambda: (variable([1.0]) * 2).sum()).text

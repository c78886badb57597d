"""What `why` takes and refuses, and what it leaves as it was."""

import functools
import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import FreedGraphError, GraphError, ShapeError, Tensor, UsageError, nn
from minigrad.autograd.trace import trace
from minigrad.diagnosis import why
from minigrad.rng import default_rng
from tests.diagnosis.source_lines import line_of
from tests.helper import variable


def test_what_is_no_tensor() -> None:
    with pytest.raises(UsageError, match="the first argument is the Tensor whose gradient is asked about, not a list"):
        why([1.0], lambda: variable(1.0))


def test_what_is_no_function() -> None:
    with pytest.raises(UsageError, match="the second argument is the function that computes the loss, or the loss"):
        why(variable(1.0), 3)
    with pytest.raises(UsageError, match="takes no arguments"):
        why(variable(1.0), variable(1.0), 3)


def test_function_without_a_loss() -> None:
    w = variable([1.0, 2.0])
    with pytest.raises(GraphError, match=r"it returned a NoneType.*Without a return statement"):
        why(w, lambda: None)
    with pytest.raises(GraphError, match=r"returned a float.*\.item\(\)"):
        why(w, lambda: w.sum().item())
    with pytest.raises(ShapeError, match=re.escape("the loss has shape (2,)")):
        why(w, lambda: w * 2)


def test_freed_graph() -> None:
    w = variable([1.0, 2.0])
    loss = (w * w).sum()
    loss.backward()
    with pytest.raises(FreedGraphError, match="retain_graph=True"):
        why(w, loss)
    h = mg.exp(w)
    h.sum().backward()
    with pytest.raises(FreedGraphError, match="may lie behind a part of the graph that"):
        why(w, lambda: (h * 2).sum())


def test_function_that_calls_backward_itself() -> None:
    w = variable([1.0, 2.0])

    def step() -> Tensor:
        loss = (w * w).sum()
        loss.backward()
        return loss

    with pytest.raises(FreedGraphError, match="ask before"):
        why(w, step)


def test_arguments_are_handed_on_and_names_are_found_in_many_places() -> None:
    model = nn.Sequential(nn.Linear(2, 1))
    x = mg.ones((3, 2))

    def loss(net, x):
        return net(x).sum()

    class Trainer:
        def __init__(self) -> None:
            self.model = model

        def loss(self) -> Tensor:
            return self.model(x).sum()

    ways = [(loss, model, x), (functools.partial(loss, model, x),), (Trainer().loss,), (lambda: loss(model, x),)]
    assert [why(model[0].weight, *way).name for way in ways] == ["0.weight"] * 4
    assert why(model[0].weight, model(x).sum(), model=model).name == "0.weight"


def test_model_may_be_given_where_it_cannot_be_found() -> None:
    class Opaque:
        __slots__ = ("model",)

        def __call__(self) -> Tensor:
            return self.model(mg.ones((3, 2))).sum()

    f = Opaque()
    f.model = nn.Sequential(nn.Linear(2, 1))
    assert why(f.model[0].weight, f).name == "the variable"
    assert why(f.model[0].weight, f, model=f.model).name == "0.weight"


def test_recorded_loss_says_what_the_graph_keeps() -> None:
    w = variable([1.0, -2.0])
    reason = why(w, mg.relu(mg.tanh(w) - 9).sum())
    assert (reason.cause, reason.op, reason.line) == ("zero", "relu", 0)
    assert "The lines were not noted" in reason.text
    assert "100 % of the inputs of relu are not above 0" in reason.text
    lost = why(w, (mg.exp(w).detach() * variable([1.0, 2.0])).sum())
    assert lost.cause == "not_reached"
    assert "Give the function that computes the loss" in lost.text


def test_recorded_loss_has_lines_where_they_were_noted() -> None:
    w = variable([1.0, -2.0])
    with trace():
        h = mg.relu(w - 9)  # <- noted
        loss = h.sum()
    reason = why(w, loss)
    assert (reason.cause, reason.line, reason.file) == ("zero", line_of("noted"), __file__)
    assert "not noted" not in reason.text


def test_result_is_healthy_and_says_why_its_grad_is_none() -> None:
    w = variable([1.0, -2.0])
    h = mg.exp(w)
    reason = why(h, lambda: (h * 3).sum())
    assert (reason.cause, reason.name) == ("healthy", "the result of exp")
    assert reason.norm == pytest.approx(3 * 2**0.5)
    assert ".grad stays None" in reason.text
    (h * 1).sum().backward()  # what lies behind it is freed, and does not matter
    assert why(h, lambda: (h * 3).sum()).cause == "healthy"


def test_numbers_empty_tensors_and_the_loss_itself() -> None:
    w = variable(2.0)
    assert why(w, lambda: w * 3).norm == 3
    assert why(w, lambda: w).norm == 1
    assert why(w, w).cause == "healthy"
    empty = variable(np.ones((0, 3)))
    assert why(empty, lambda: (empty * 2).sum()).cause == "healthy"


def test_parameter_that_is_used_several_times() -> None:
    layer = nn.Linear(2, 2).astype(float)
    x = Tensor(np.ones((1, 2)))
    reason = why(layer.weight, lambda: mg.relu(layer(mg.relu(layer(x) - 99) + 1)).sum() + layer(x).sum())
    assert reason.cause == "healthy"
    assert reason.path[0].op == "linear"


class Everything(nn.Module):
    def __init__(self) -> None:
        self.rng = np.random.default_rng(3)
        self.norm = nn.BatchNorm1d(4)
        self.drop = nn.Dropout(0.5)
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.last = x
        noise = self.rng.normal(size=x.shape).astype(np.float32)
        return self.drop(self.norm(x)) + noise


@pytest.mark.parametrize("guard", [True, False])
def test_buffers_generators_attributes_and_gradients_are_as_before(guard: bool, rng) -> None:
    mg.memory_guard(guard)
    model, x = Everything(), Tensor(rng.normal(size=(8, 4)).astype(np.float32))
    model(x).sum().backward()
    state = {path: array.copy() for path, array in model.state_dict().items()}
    gradient = model.norm.weight.grad
    values = gradient.numpy().copy()
    generators = [model.rng.bit_generator.state, default_rng().bit_generator.state]
    assert why(model.norm.weight, lambda: model(x).sum()).cause == "healthy"
    assert [model.rng.bit_generator.state, default_rng().bit_generator.state] == generators
    for path, array in model.state_dict().items():
        np.testing.assert_array_equal(array, state[path])
    assert model.norm.weight.grad is gradient
    np.testing.assert_array_equal(gradient.numpy(), values)
    assert model.calls == 1


def test_all_is_put_back_after_an_error() -> None:
    model, state = Everything(), default_rng().bit_generator.state

    def fail() -> Tensor:
        model(mg.ones((2, 4)))
        raise KeyError("no")

    with pytest.raises(KeyError):
        why(model.norm.weight, fail)
    assert model.calls == 0
    assert default_rng().bit_generator.state == state
    assert mg.is_recording()


def test_it_may_be_asked_inside_of_no_grad_and_anomaly() -> None:
    w = variable([1.0, 0.0])
    with mg.no_grad():
        assert why(w, lambda: (w * w).sum()).cause == "healthy"
        assert not mg.is_recording()
    with mg.anomaly():
        assert why(w, lambda: mg.log(w).sum()).op == "log"

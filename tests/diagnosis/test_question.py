"""How `why` is asked: what it takes and refuses, what it leaves untouched, how large a graph it bears."""

import functools
import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import FreedGraphError, GraphError, ShapeError, Tensor, UsageError, nn
from minigrad.autograd.trace import trace
from minigrad.diagnosis import Reason, why
from minigrad.rng import default_rng
from tests.diagnosis.here import line_of
from tests.helper import variable

# ---- what it refuses -------------------------------------------------------------------------------------------


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


# ---- how it is asked -------------------------------------------------------------------------------------------


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
    assert "100 % of what relu sees is dead" in reason.text
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


def test_part_of_the_graph_may_be_older_than_the_function() -> None:
    w = variable([1.0, -2.0])
    h = mg.exp(w)
    assert why(w, lambda: (h * h).sum()).cause == "healthy"
    assert why(w, lambda: (mg.relu(h - 99)).sum()).op == "relu"


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


# ---- what it leaves untouched ----------------------------------------------------------------------------------


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


# ---- the answer ------------------------------------------------------------------------------------------------


def test_answer_is_laid_out_and_does_not_change() -> None:
    w = variable([1.0, 2.0])
    reason = why(w, lambda: mg.relu(w - 9).sum())
    text = str(reason)
    assert text.startswith("the variable (2,): gradient of norm 0 (zero)\n====")
    assert max(map(len, text.splitlines())) < 170
    rows = text[text.index("From the tensor to the loss:") :].splitlines()
    assert any(row.startswith("  x  relu") for row in rows)
    with pytest.raises(AttributeError):
        reason.cause = "healthy"
    assert isinstance(reason, Reason)


def test_graph_holds_what_was_not_recorded_and_marks_the_path() -> None:
    w, v = variable([1.0, 2.0]), variable([3.0, 4.0])

    def loss() -> Tensor:
        h = mg.exp(w)
        with mg.no_grad():
            h = mg.tanh(h)
        return (h * mg.sin(v)).sum()

    reason = why(w, loss)
    names = {node.id: (node.name, node.recorded) for node in reason.graph}
    assert set(names.values()) == {
        ("the variable", True), ("exp", True), ("tanh", False), ("sin", True), ("multiply", True), ("sum", True),
    }  # fmt: skip
    assert [names[i][0] for i in sorted(reason.mark)] == ["the variable", "exp", "tanh", "multiply", "sum"]
    assert all(a < b for a, b, _ in reason.graph.edges)
    assert [names[i][0] for i in reason.graph.outputs] == ["sum"]


def test_parameter_stands_in_the_module_that_uses_it_and_dead_ends_are_left_out() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Sigmoid())

    def loss() -> Tensor:
        h = model(mg.ones((1, 2)))
        mg.exp(h)
        return mg.relu(h - 9).sum()

    graph = why(model[0].weight, loss).graph
    assert [node.name for node in graph] == ["0.weight", "linear", "sigmoid", "subtract", "relu", "sum"]
    assert graph.nodes[0].kind == "parameter"
    assert graph.calls[graph.nodes[0].call].kind == "Linear"
    dead = why(model[0].weight, lambda: (model(mg.ones((1, 2))), variable([2.0, 3.0]).sum())[1])
    assert dead.cause == "not_reached"
    assert [node.name for node in dead.graph] == ["0.weight", "linear", "sigmoid", "sum"]


def test_where_a_value_leaves_the_record_is_drawn() -> None:
    w = mg.ones(3, requires_grad=True)
    graph = why(w, lambda: (mg.tanh(w).detach() * mg.ones(3, requires_grad=True)).sum()).picture().graph
    (lost,) = [node for node in graph if node.name == "detach"]
    assert not lost.recorded
    ends = [(graph.nodes[a].name, graph.nodes[b].name) for a, b, _ in graph.edges]
    assert {("tanh", "detach"), ("detach", "multiply")} <= set(ends)
    assert ("tanh", "multiply") not in ends
    assert all(a < b for a, b, _ in graph.edges)


def test_picture_marks_the_path() -> None:
    pytest.importorskip("graphviz")
    w = variable([1.0, 2.0])
    reason = why(w, lambda: (mg.exp(w).detach() * w).sum() * 0 + mg.relu(w - 9).sum())
    picture = reason.picture()
    assert picture.mark == reason.mark
    assert "relu" in picture.dot


def test_nothing_to_draw() -> None:
    reason = why(variable(1.0), lambda: variable(2.0))
    assert reason.cause == "unused"
    assert len(reason.graph) == 1
    assert str(reason).startswith("the variable (): no gradient (unused)")


def test_long_chains_take_neither_recursion_nor_quadratic_time() -> None:
    w, v = variable([1.0, 2.0]), variable([1.0, 2.0])

    def loss(count: int, cut: bool) -> Tensor:
        h = w
        for k in range(count):
            h = h * 1.0 if k != count // 2 or not cut else h.detach() + 0
        return (h * v).sum()

    assert why(w, loss, 30_000, False).cause == "healthy"
    reason = why(w, loss, 100_000, True)
    assert reason.cause == "detached"
    assert len(reason.path) > 100_000
    assert len(str(reason).splitlines()) < 60


def test_kept_values_are_told_without_a_trace_for_variadic_ops() -> None:
    w, v = variable([1.0, 2.0]), variable([3.0])
    assert why(v, (mg.concat([w, v]) * 2).sum()).cause == "healthy"
    matrix = variable([[2.0, 1.0], [1.0, 3.0]])
    assert why(matrix, (mg.eigh(matrix * 2)[0] * v).sum()).cause == "healthy"

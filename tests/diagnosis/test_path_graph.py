"""The graph of an answer contains what was not recorded, with the path marked."""

import minigrad as mg
from minigrad import Tensor, nn
from minigrad.diagnosis import why
from tests.helper import variable


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


def test_nothing_to_draw() -> None:
    reason = why(variable(1.0), lambda: variable(2.0))
    assert reason.cause == "unused"
    assert len(reason.graph) == 1
    assert str(reason).startswith("the variable (): no gradient (unused)")

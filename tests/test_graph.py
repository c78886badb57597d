"""A Graph holds each recorded node and edge once, and outlives what it was taken from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.graph import Graph


def test_graph_of_an_expression() -> None:
    x, y = mg.Tensor(3.0, requires_grad=True), mg.Tensor(4.0, requires_grad=True)
    graph = Graph.of((x + y) ** 2, names={"x": x, "y": y})
    assert [(node.name, node.kind) for node in graph] == [
        ("x", "variable"), ("y", "variable"), ("add", "op"), ("pow", "op"),
    ]  # fmt: skip
    assert set(graph.edges) == {(0, 2, 0), (1, 2, 1), (2, 3, 0)}
    assert graph.outputs == (3,)
    assert len(graph) == 4


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=30))
def test_every_node_and_edge_appears_once_and_points_forward(picks: list[tuple[int, int]]) -> None:
    values = [mg.Tensor(1.0, requires_grad=True), mg.Tensor(2.0, requires_grad=True)]
    for i, j in picks:
        values.append(values[i % len(values)] * values[j % len(values)])
    graph = Graph.of(values[-1])
    reached = {values[-1].node}
    for value in reversed(values):
        if value.node in reached:
            reached.update(p for p in value.node.parents if p is not None)
    assert len(graph.nodes) == len(reached)
    assert len(graph.edges) == sum(len(node.parents) for node in reached)
    assert [node.id for node in graph] == list(range(len(graph)))
    assert all(start < end for start, end, _ in graph.edges)


def test_module_calls_nest_and_parameters_have_paths() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Tanh(), nn.Linear(3, 1)))
    graph = Graph.of(model(mg.ones((4, 2))).sum(), model=model)
    assert [(call.path, call.kind, call.outer) for call in graph.calls] == [
        ("", "Sequential", None), ("0", "Linear", 0), ("1", "Sequential", 0), ("1.0", "Tanh", 2), ("1.1", "Linear", 2),
    ]  # fmt: skip
    names = {node.name for node in graph if node.kind == "parameter"}
    assert names == {name for name, _ in model.named_parameters()}
    tanh = next(node for node in graph if node.name == "tanh")
    assert graph.calls[tanh.call].path == "1.0"


def test_a_module_called_twice_has_two_calls() -> None:
    layer = nn.Tanh()
    graph = Graph.of(layer(layer(mg.ones(2, requires_grad=True))))
    assert len(graph.calls) == 2


def test_several_outputs_share_one_graph() -> None:
    x = mg.Tensor(1.0, requires_grad=True)
    y = x * 2
    graph = Graph.of(mg.sin(y), mg.cos(y))
    assert [graph.nodes[i].name for i in graph.outputs] == ["sin", "cos"]
    assert sum(node.name == "multiply" for node in graph) == 1


def test_graph_is_a_snapshot() -> None:
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    graph = Graph.of(y)
    before = [node.name for node in graph]
    y.backward()
    assert [node.name for node in graph] == before


def test_what_was_not_recorded_or_is_freed_has_no_graph() -> None:
    with pytest.raises(mg.GraphError, match="there is no graph behind this Tensor"):
        Graph.of(mg.ones(2))
    y = (mg.ones(2, requires_grad=True) * 2).sum()
    y.backward()
    with pytest.raises(mg.GraphError, match="freed by backward: look at it before"):
        Graph.of(y)


def test_chain_of_100000_ops_becomes_a_graph_without_recursion() -> None:
    x = mg.Tensor(np.float32(1), requires_grad=True)
    for _ in range(100_000):
        x = -x
    assert len(Graph.of(x)) == 100_001

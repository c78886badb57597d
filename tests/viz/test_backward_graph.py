"""The picture of the backward pass: what rules do, with what, and for whom."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.graph import GraphNode
from minigrad.viz import Picture, graph


def product(x: mg.Tensor, y: mg.Tensor) -> mg.Tensor:
    return mg.sin(x * y)


def frame(picture: Picture, node: GraphNode) -> str:
    return "" if node.call is None else picture.graph.calls[node.call].name


def test_each_op_stands_in_the_frame_of_the_rule_that_called_it() -> None:
    picture = graph(product, np.ones(2), np.ones(2), direction="backward")
    ops = Counter((node.name, frame(picture, node)) for node in picture.graph if node.kind == "op")
    assert ops == {
        ("cos", "rule of sin"): 1,
        ("multiply", "rule of sin"): 1,
        ("multiply", "rule of multiply"): 2,
    }


def test_values_that_rules_use_are_variables_and_no_others_are_there() -> None:
    picture = graph(product, np.ones(2), np.ones(2), direction="backward")
    assert sorted(node.name for node in picture.graph if node.kind != "op") == ["g", "input 0", "input 1", "multiply"]
    outputs = [picture.graph.nodes[i].label for i in picture.graph.outputs]
    assert outputs == ["gradient of input 0", "gradient of input 1"]


def test_sums_of_cotangents_stand_outside_of_the_rules() -> None:
    picture = graph(lambda x: mg.sin(x) + mg.cos(x), np.ones(2), direction="backward")
    (total,) = [node for node in picture.graph if node.name == "add"]
    assert total.label == "gradient of input"


def test_both_passes_share_their_values() -> None:
    picture = graph(product, np.ones(2), np.ones(2), direction="both")
    forward = graph(product, np.ones(2), np.ones(2)).graph
    both = picture.graph
    assert [node.name for node in both][: len(forward)].count("multiply") >= 1
    for node in forward:
        assert any(n.name == node.name and n.shape == node.shape for n in both)
    assert len(both.outputs) == 3
    start_end = {(both.nodes[a].name, both.nodes[b].name) for a, b, _ in both.edges}
    assert {("input 0", "multiply"), ("multiply", "sin"), ("multiply", "cos"), ("g", "multiply")} <= start_end


def test_what_is_drawn_is_the_derivative() -> None:
    x, y = np.array([1.0, 2.0]), np.array([0.5, -1.0])
    picture = graph(product, x, y, direction="backward")
    assert picture.computation is not None
    values = {
        picture.graph.nodes[i].label: picture.computation.values[picture.computation.nodes[i]]
        for i in picture.graph.outputs
    }
    np.testing.assert_allclose(values["gradient of input 0"], np.cos(x * y) * y)
    np.testing.assert_allclose(values["gradient of input 1"], np.cos(x * y) * x)


def test_a_model_folds_to_one_box_a_rule() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    picture = graph(model, np.ones((2, 3), np.float32), direction="backward", depth=1)
    boxes = [picture.graph.calls[item.call].name for item in picture.view.items if item.call is not None]
    assert boxes == ["rule of linear (2)", "rule of tanh (1)", "rule of linear (0)"]
    labels = {node.label for node in picture.graph if node.label}
    assert labels == {f"gradient of {name}" for name, _ in model.named_parameters()} | {"gradient of input"}


def test_a_gradient_that_is_the_cotangent_itself_has_both_names() -> None:
    picture = graph(lambda x: x + 1, np.ones(2), direction="backward")
    assert [node.name for node in picture.graph] == ["g, gradient of input"]


def test_a_pass_that_goes_through_a_reference_is_drawn() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2))
    picture = graph(model, np.random.default_rng(0).normal(size=(2, 1, 6, 6)), direction="both", depth=1)
    assert len(picture.view.items) < len(picture.graph)
    if pytest.importorskip("graphviz"):
        assert picture.dot.startswith("digraph")


def test_a_second_derivative_can_be_measured() -> None:
    picture = graph(lambda x: (x * x * x).sum(), np.array([1.0, 2.0]), direction="backward", color_by="gradient_norm")
    column = picture.measure("gradient_norm")
    assert column is not None
    found = {picture.graph.nodes[i].name: amount for i, amount in column.amounts.items()}
    assert found["input"] == pytest.approx(np.linalg.norm([6.0, 12.0]))


@pytest.mark.parametrize("direction", ["backward", "both"])
def test_what_is_known_of_the_forward_pass_is_not_forgotten(direction: Any) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2))
    picture = graph(model, np.random.default_rng(0).normal(size=(5, 3)), direction=direction)
    assert picture.computation is not None
    drawn = zip(picture.graph.nodes, picture.computation.nodes, strict=True)
    values = picture.computation.values
    unknown = [node for each, node in drawn if node not in values and each.kind != "constant"]
    assert {str(node.op) for node in unknown} == {"standardize"}  # its results are known, one by one
    assert picture.computation.values.keys() <= set(picture.computation.nodes)
    verdict, seconds = picture.measure("verdict"), picture.measure("forward_time")
    assert verdict is not None
    assert seconds is not None
    ops = {i for i, node in enumerate(picture.graph) if node.kind == "op" and not node.name.startswith("standardize.")}
    assert set(verdict.amounts) == ops
    assert set(verdict.amounts.values()) == {"correct"}
    assert ops <= set(seconds.amounts)

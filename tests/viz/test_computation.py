"""What is measured of a computation: gradients, memory, the order of the backward pass."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.viz import Picture, graph


@pytest.fixture
def model() -> nn.Module:
    mg.seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2))


def images(n: int = 5) -> Any:
    return np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)


def amounts(picture: Picture, quantity: str) -> dict[str, Any]:
    column = picture.measure(quantity)
    assert column is not None
    return {picture.graph.nodes[i].name: amount for i, amount in column.amounts.items()}


def test_gradient_norms_are_those_of_backward(model: nn.Module) -> None:
    model.eval()
    x = mg.Tensor(images(), requires_grad=True)
    model(x).sum().backward()
    expected = {name: np.linalg.norm(p.grad.data) for name, p in model.named_parameters() if p.grad is not None}
    found = amounts(graph(model, images()), "gradient_norm")
    for name, norm in expected.items():
        assert found[name] == pytest.approx(norm, rel=1e-5)
    assert x.grad is not None
    assert found["input"] == pytest.approx(np.linalg.norm(x.grad.data), rel=1e-5)


def test_a_result_that_nobody_traced_is_measured_as_far_as_its_graph_kept_it() -> None:
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    picture = graph(mg.exp(mg.sin(x) + 1).sum(), names={"x": x})
    assert amounts(picture, "gradient_norm").keys() == {"x", "sin", "add", "exp", "sum"}
    assert amounts(picture, "activation_norm").keys() == {"x", "exp", "sum"}  # no rule asks for the others
    assert amounts(picture, "backward_time").keys() == {"sin", "add", "exp", "sum"}
    assert picture.measure("forward_time").amounts == {}  # type: ignore[union-attr]


def test_memory_counts_each_kept_array_once_and_no_parameters() -> None:
    layer = nn.Linear(4, 4, bias=False)
    found = amounts(graph(lambda x: mg.tanh(mg.tanh(layer(x))), np.ones((2, 4), np.float32), model=layer), "memory")
    assert found == {"linear": 0, "tanh": 32}  # of two, the last by this name; linear keeps the input and the weight
    x = mg.ones((2, 4), requires_grad=True)
    y = mg.exp(x)
    assert sum(amounts(graph(y * y, names={"x": x}), "memory").values()) == 32


def test_a_freed_graph_is_told(tmp_path: Path) -> None:
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    picture = graph(y)
    y.backward()
    picture.save(tmp_path / "g.svg")
    with pytest.raises(mg.GraphError, match="freed by a backward pass since"):
        picture.color("gradient_norm").save(tmp_path / "h.svg")


def test_a_step_of_backward_comes_right_after_the_last_op_that_adds_to_it() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
    picture = graph(model, images())
    assert picture.computation is not None
    order = sorted(picture.computation.backward.steps.items(), key=lambda pair: pair[1])
    told = [picture.graph.nodes[picture.computation.nodes.index(node)].name for node, _ in order]
    assert told[0] == "linear"
    assert set(told[1:3]) == {"2.weight", "2.bias"}
    assert told[3:5] == ["tanh", "linear"]
    assert set(told[5:]) == {"0.weight", "0.bias", "input"}

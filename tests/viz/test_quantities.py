"""The quantities that nodes are colored by."""

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


def test_values_are_measured() -> None:
    picture = graph(lambda x: mg.relu(x) * 2, np.array([-1.0, 2.0, -3.0, 4.0]))
    assert amounts(picture, "activation_norm") == pytest.approx(
        {"input": 30**0.5, "relu": 20**0.5, "multiply": 80**0.5}
    )
    assert amounts(picture, "activation_zeros") == {"input": 0, "relu": 0.5, "multiply": 0.5}
    assert amounts(picture, "gradient_zeros") == {"input": 0.5, "relu": 0, "multiply": 0}


def test_multiply_adds_are_those_of_the_cost_table(model: nn.Module) -> None:
    assert amounts(graph(model, images()), "flops")["linear"] == 5 * 4 * 2


def test_times_are_positive_and_of_ops_alone(model: nn.Module) -> None:
    picture = graph(model, images())
    for quantity in ("forward_time", "backward_time"):
        found = amounts(picture, quantity)
        assert all(seconds > 0 for seconds in found.values())
        assert "0.weight" not in found
        assert "linear" in found


def test_folded_modules_show_sums_or_their_last_op(model: nn.Module) -> None:
    picture = graph(model, images()).collapse(0)
    (box,) = [item for item in picture.view.items if item.call is not None]
    for quantity in ("flops", "memory"):
        column = picture.measure(quantity)
        assert column is not None
        assert column.joined(box.nodes) == sum(column.amounts.values())  # type: ignore[arg-type]
    column = picture.measure("gradient_norm")
    assert column is not None
    assert column.joined(box.nodes) == pytest.approx(10**0.5)  # ones at the output


def test_vanishing_and_exploding_gradients_are_told_apart() -> None:
    def chain(x: mg.Tensor, factor: float) -> mg.Tensor:
        for _ in range(20):
            x = x * factor
        return x

    for factor in (0.1, 10.0):
        picture = graph(chain, np.ones(2), factor, color_by="gradient_norm")
        colors = [line.split('fillcolor="')[1][:7] for line in picture.dot.splitlines() if "fillcolor" in line]
        assert len(set(colors)) > 15
        ends = colors[0], colors[-1]
        assert ends == (("#440154", "#fee825") if factor < 1 else ("#fee825", "#440154"))


def test_a_gradient_that_is_not_finite_has_a_color_of_its_own() -> None:
    picture = graph(lambda x: mg.log(x).sum(), np.array([0.0, 1.0]), color_by="gradient_norm")
    assert "#cc79a7" in picture.dot
    assert "inf" in picture.dot

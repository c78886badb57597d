"""What a function can reach is left as it was."""

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.viz import graph


@pytest.fixture
def model() -> nn.Module:
    mg.seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2))


def images(n: int = 5) -> Any:
    return np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)


def test_a_model_is_left_as_it_was(model: nn.Module) -> None:
    before = {name: np.array(value) for name, value in model.state_dict().items()}
    for p in model.parameters():
        p.grad = mg.ones(p.shape)
    mg.seed(7)
    first = mg.rand(3).tolist()
    mg.seed(7)
    picture = graph(model, images(), color_by="gradient_norm")
    picture.color("forward_time")
    assert picture.measure("forward_time") is not None
    assert mg.rand(3).tolist() == first
    assert model.training
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    for p in model.parameters():
        assert p.grad is not None
        np.testing.assert_array_equal(p.grad.data, 1)


def test_what_a_function_uses_is_found_named_and_left_as_it_was() -> None:
    rng = np.random.default_rng(0)

    class Counting(nn.Module):
        def __init__(self) -> None:
            self.norm, self.drop, self.calls = nn.BatchNorm1d(3), nn.Dropout(0.5, rng=rng), 0
            self.seen: list[int] = []

        def forward(self, x: mg.Tensor) -> mg.Tensor:
            self.calls += 1
            self.seen.append(len(x))
            self.last = x  # a variable: now it is registered as a parameter
            return self.drop(self.norm(x))

    used = Counting()
    mean, state = np.array(used.norm.running_mean), rng.bit_generator.state
    picture = graph(lambda x: used(x).sum(), images(), color_by="forward_time")
    assert picture.measure("forward_time") is not None
    assert (used.calls, used.seen, hasattr(used, "last")) == (0, [], False)
    assert [name for name, _ in used.named_parameters()] == ["norm.weight", "norm.bias"]
    np.testing.assert_array_equal(np.array(used.norm.running_mean), mean)
    assert rng.bit_generator.state == state
    assert {node.name for node in picture.graph if node.kind == "parameter"} == {"norm.weight", "norm.bias"}

    other = nn.Linear(3, 3)
    several = graph(lambda x: other(used(x)), images())  # whose names would be meant is not clear
    assert not any(node.kind == "parameter" for node in several.graph)

"""The norms of gradients and parameters after backward."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.errors import UsageError
from minigrad.viz.gradient_norms import gradient_flow


def test_norms_are_those_of_gradients_and_weights(rng):
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    (model(rng.normal(size=(5, 3)).astype(np.float32)) ** 2).sum().backward()
    for flow, (name, p) in zip(gradient_flow(model), model.named_parameters(), strict=True):
        assert flow.name == name
        assert flow.gradient == pytest.approx(np.linalg.norm(p.grad.numpy()), rel=1e-6)
        assert flow.ratio == pytest.approx(np.linalg.norm(p.grad.numpy()) / np.linalg.norm(p.numpy()), rel=1e-6)


def test_the_norm_of_a_tiny_gradient_is_not_zero():
    model = nn.Linear(2, 1, bias=False)
    model.weight.grad = mg.Tensor(np.full((1, 2), 1e-30, np.float32))
    assert gradient_flow(model)[0].gradient == pytest.approx(math.sqrt(2) * 1e-30, rel=1e-5, abs=0)


def test_what_is_not_trained_is_left_out_and_what_has_no_gradient_is_not():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].freeze()
    model.unused = nn.Linear(2, 2, bias=False)
    model[1](mg.ones((1, 2))).sum().backward()
    flows = {flow.name: flow.gradient for flow in gradient_flow(model)}
    assert list(flows) == ["1.weight", "1.bias", "unused.weight"]
    assert flows["unused.weight"] is None


def test_before_backward_there_is_nothing_to_see():
    with pytest.raises(UsageError, match=r"no parameter of Linear has a gradient: call loss.backward\(\) first"):
        gradient_flow(nn.Linear(2, 2))

"""`checkpoint` changes what is kept in memory, and nothing else."""

import gc
import tracemalloc

import numpy as np
import pytest

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import nn
from minigrad.autograd.node import Node


@pytest.fixture
def layer() -> nn.Linear:
    return nn.Linear(3, 3, rng=np.random.default_rng(0)).astype(np.float64)


@pytest.fixture
def x() -> mg.Tensor:
    return mg.Tensor(np.random.default_rng(1).normal(size=(2, 3)), requires_grad=True)


def test_gradients_equal_those_without_checkpoint(layer: nn.Linear, x: mg.Tensor) -> None:
    def block(x: mg.Tensor) -> mg.Tensor:
        return mg.tanh(layer(x)) * x

    block(x).sum().backward()
    expected = [p.grad.numpy() for p in (x, layer.weight, layer.bias)]
    x.grad = None
    layer.zero_grad()
    out = mg.checkpoint(block, x)
    np.testing.assert_array_equal(out.numpy(), block(x).numpy())
    out.sum().backward()
    for p, gradient in zip((x, layer.weight, layer.bias), expected, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), gradient, rtol=1e-14)


def test_chain_of_checkpoints_passes_gradients_on(x: mg.Tensor) -> None:
    y = mg.checkpoint(mg.sin, mg.checkpoint(mg.sin, x * 2))
    y.sum().backward()
    inner = 2 * x.numpy()
    np.testing.assert_allclose(x.grad.numpy(), np.cos(np.sin(inner)) * np.cos(inner) * 2)


def test_second_order_goes_through_a_checkpoint() -> None:
    def f(x: mg.Tensor) -> mg.Tensor:
        return (mg.checkpoint(lambda z: mg.tanh(z) ** 3, x) * x).sum()

    def g(x: mg.Tensor) -> mg.Tensor:
        return (mg.tanh(x) ** 3 * x).sum()

    point = np.array([0.1, -0.4, 0.7])
    np.testing.assert_allclose(mg.hessian(f)(point).numpy(), mg.hessian(g)(point).numpy(), atol=1e-12)


def test_captured_results_and_inputs_used_twice_get_their_gradients(x: mg.Tensor) -> None:
    captured = x * 3
    mg.checkpoint(lambda z: z * z * captured, x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 9 * x.numpy() ** 2)


def test_dropout_draws_the_same_mask_again() -> None:
    mg.seed(3)
    x = mg.ones((50,), requires_grad=True)
    out = mg.checkpoint(lambda z: F.dropout(z, 0.5), x)
    after = mg.rand(3).numpy()
    out.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), out.numpy())
    mg.seed(3)
    F.dropout(x, 0.5)
    np.testing.assert_array_equal(mg.rand(3).numpy(), after)  # and the generator goes on as if nothing had happened


def test_changing_a_parameter_in_between_is_an_error(layer: nn.Linear, x: mg.Tensor) -> None:
    out = mg.checkpoint(layer, x).sum()
    layer.weight.data = layer.weight.data * 2
    with pytest.raises(mg.MutationError, match="changed between the forward and the backward pass"):
        out.backward()


def test_second_backward_says_that_the_graph_was_freed(layer: nn.Linear, x: mg.Tensor) -> None:
    out = mg.checkpoint(layer, x).sum()
    out.backward()
    with pytest.raises(mg.FreedGraphError):
        out.backward()


def test_retained_graph_can_be_replayed(layer: nn.Linear, x: mg.Tensor) -> None:
    out = mg.checkpoint(layer, x).sum()
    out.backward(retain_graph=True)
    once = x.grad.numpy()
    out.backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * once)


def test_inside_values_are_not_kept() -> None:
    x = mg.Tensor(np.ones(8_000), requires_grad=True)

    def deep(x: mg.Tensor) -> mg.Tensor:
        for _ in range(10):
            x = mg.tanh(x)
        return x

    deep(x)  # what the first call allocates once and for all does not count
    tracemalloc.start()
    plain = deep(x)
    kept_plain = tracemalloc.get_traced_memory()[0]
    del plain
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    out = mg.checkpoint(deep, x)
    kept = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert kept < kept_plain / 5
    out.sum().backward()


def test_nothing_is_recorded_under_no_grad(layer: nn.Linear, x: mg.Tensor) -> None:
    with mg.no_grad():
        assert not mg.checkpoint(layer, x).requires_grad


def test_constant_result_is_handed_through() -> None:
    assert not mg.checkpoint(lambda: mg.ones(3)).requires_grad


def test_function_must_return_one_tensor() -> None:
    with pytest.raises(mg.GraphError, match="must return one Tensor, not tuple"):
        mg.checkpoint(lambda x: (x, x), mg.ones(2))


def test_replay_leaves_no_node_behind(layer: nn.Linear, x: mg.Tensor) -> None:
    def step() -> None:
        mg.checkpoint(layer, x).sum().backward()
        x.grad = None
        layer.zero_grad()

    step()
    gc.collect()
    before = sum(issubclass(type(o), Node) for o in gc.get_objects())
    for _ in range(20):
        step()
    gc.collect()
    assert sum(issubclass(type(o), Node) for o in gc.get_objects()) <= before

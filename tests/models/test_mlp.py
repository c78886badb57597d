"""An MLP has the layers it is asked for, and learns by squares or cross entropy, a sample or all samples a step."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from minigrad_models.mlp import ENTRIES, MLP, MLPSquares
from minigrad_models.registry import Entry

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import init, nn
from minigrad.data import DataLoader, digits
from minigrad.errors import UsageError
from minigrad.training import fit
from minigrad.typing import Array
from tests.models.gradient import assert_gradients
from tests.models.peer import assert_same


def images(count: int, size: int = 28) -> Array:
    return np.random.default_rng(0).normal(size=(count, 1, size, size)).astype(np.float32)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_parameters_are_as_many_as_the_entry_says(entry: Entry) -> None:
    with init.skip():
        model = entry.make()
    assert sum(p.size for p in model.parameters()) == entry.parameters
    assert model(images(2, entry.input_shape[-1])).shape == (2, entry.classes)


def test_784_256_10_is_two_linear_maps_with_a_relu_between() -> None:
    model = MLP((784, 256, 10), rng=np.random.default_rng(0))
    assert {name: array.shape for name, array in model.state_dict().items()} == {
        "layers.1.weight": (256, 784), "layers.1.bias": (256,), "layers.3.weight": (10, 256), "layers.3.bias": (10,)
    }  # fmt: skip
    x = images(3)
    w1, b1, w2, b2 = (p.numpy() for p in model.parameters())
    expected = np.maximum(x.reshape(3, 784) @ w1.T + b1, 0) @ w2.T + b2
    np.testing.assert_allclose(model(x).numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("depth", [0, 1, 2, 7])
@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.Sigmoid])
def test_any_depth_and_activation(depth: int, activation: Callable[[], nn.Module]) -> None:
    model = MLP((784, *[20] * depth, 10), activation)
    kinds = [type(layer) for layer in model.layers]
    assert kinds == [nn.Flatten] + [nn.Linear, activation] * depth + [nn.Linear]
    assert model(images(2)).shape == (2, 10)


def test_one_size_is_refused() -> None:
    with pytest.raises(UsageError, match=r"input and output at least, got \(784,\)"):
        MLP((784,))


def test_same_generator_same_weights() -> None:
    one, two = (MLP(rng=np.random.default_rng(5)).state_dict() for _ in range(2))
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])


def test_squares_are_half_the_squared_distance_to_the_wanted_outputs() -> None:
    output = np.array([[0.5, 0.0, 1.0], [0.0, -1.0, 2.0]], np.float32)
    wanted = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], np.float32)
    expected = (0.5**2 + (1 + 1 + 4)) / 2 / 2
    model = MLPSquares((3, 3))
    for target in (np.array([2, 0]), mg.Tensor(np.array([2, 0])), wanted, mg.Tensor(wanted)):
        loss = model.loss(mg.Tensor(output), target)
        assert loss.dtype == np.float32
        np.testing.assert_allclose(loss.item(), expected, rtol=1e-6)


@pytest.mark.parametrize("make", [MLP, MLPSquares])
def test_gradient_of_a_batch_is_the_mean_of_its_samples_gradients(make: type) -> None:
    model = make((784, 16, 10), rng=np.random.default_rng(0))
    loss_of = getattr(model, "loss", F.cross_entropy)
    x, target = images(6), np.arange(6)

    def gradients(rows: slice) -> list[Array]:
        model.zero_grad()
        loss_of(model(x[rows]), mg.Tensor(target[rows])).backward()
        return [p.grad.numpy().copy() for p in model.parameters()]

    batch, samples = gradients(slice(None)), [gradients(slice(i, i + 1)) for i in range(6)]
    for whole, *parts in zip(batch, *samples, strict=True):
        np.testing.assert_allclose(whole, np.mean(parts, axis=0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make", [MLP, MLPSquares])
@pytest.mark.parametrize("batch_size", [200, 20, 1])
def test_batch_mini_batch_and_online_learning_lower_the_loss(make: type, batch_size: int) -> None:
    x, target = (array[:200] for array in digits(size=8)[0].arrays)
    mg.seed(0)
    model = make((64, 16, 10))
    loader = DataLoader((x, target), batch_size, shuffle=True)
    loss = getattr(model, "loss", F.cross_entropy)
    rate = 0.004 * batch_size**0.5  # a mean over more samples is less noisy, and bears a larger step
    history = fit(model, loader, loss=loss, optimizer=mg.optim.SGD(model.parameters(), lr=rate), epochs=10)
    losses = history["loss"]
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("make", [MLP, MLPSquares])
def test_gradients_are_correct(make: type) -> None:
    assert_gradients(lambda: make((12, 5, 4, 3), rng=np.random.default_rng(0)), images(2, 4)[:, :, :3])


@pytest.mark.peer
def test_outputs_and_gradients_equal_pytorchs(torch: Any) -> None:
    peer = torch.nn.Sequential()
    peer.layers = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10)
    )
    assert_same(MLP(rng=np.random.default_rng(0)), peer, images(16))

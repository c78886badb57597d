"""The three convolution networks have the layers of their pattern, and learn."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from minigrad_models.convnet import ENTRIES, ConvNet, deep, double, simple
from minigrad_models.registry import Entry

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import init, nn
from minigrad.data import digits
from minigrad.typing import Array
from tests.models.gradient import assert_gradients
from tests.models.peer import assert_same

MAKES = [simple, double, deep]


def images(count: int = 2) -> Array:
    return np.random.default_rng(0).normal(size=(count, 1, 32, 32)).astype(np.float32)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_parameters_are_as_many_as_the_entry_says(entry: Entry) -> None:
    with init.skip():
        model = entry.make()
    assert sum(p.size for p in model.parameters()) == entry.parameters
    assert model(images()).shape == (2, entry.classes)


@pytest.mark.parametrize(
    ("make", "shapes"),
    [
        (simple, [(16, 16, 16)]),
        (double, [(16, 16, 16), (32, 8, 8)]),
        (deep, [(16, 16, 16), (32, 8, 8), (64, 4, 4)]),
    ],
)
def test_each_stage_halves_the_image_and_doubles_the_channels(
    make: Callable[[], ConvNet], shapes: list[tuple[int, ...]]
) -> None:
    x, pooled = mg.Tensor(images(1)), []
    for layer in make().layers:
        x = layer(x)
        if isinstance(layer, nn.MaxPool2d):
            pooled.append(x.shape[1:])
    assert pooled == shapes


def test_deep_network_has_six_convolutions_and_dropout_before_the_output() -> None:
    layers = list(deep().layers)
    assert sum(isinstance(layer, nn.Conv2d) for layer in layers) == 6
    assert [type(layer) for layer in layers[-4:]] == [nn.Linear, nn.ReLU, nn.Dropout, nn.Linear]


@pytest.mark.parametrize("make", MAKES)
def test_same_generator_same_weights(make: Callable[..., ConvNet]) -> None:
    one, two = (make(np.random.default_rng(5)).state_dict() for _ in range(2))
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])


@pytest.mark.parametrize("make", MAKES)
def test_training_lowers_the_loss_on_digits(make: Callable[[], ConvNet]) -> None:
    x, target = (array[:32] for array in digits()[0].arrays)
    model = make()
    optimizer = mg.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), mg.Tensor(target))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-3:]) < 0.7 * losses[0]


@pytest.mark.parametrize("make", MAKES)
def test_gradients_are_correct(make: Callable[..., ConvNet]) -> None:
    assert_gradients(lambda: make(np.random.default_rng(0), channels=2, hidden=3, num_classes=4), images(2))


@pytest.mark.peer
@pytest.mark.parametrize("make", [simple, double, lambda rng: deep(rng, dropout=0.0)], ids=["simple", "double", "deep"])
def test_outputs_and_gradients_equal_pytorchs(torch: Any, make: Callable[..., ConvNet]) -> None:
    model = make(np.random.default_rng(0))
    peer = torch.nn.Sequential()
    peer.layers = torch.nn.Sequential(*(_twin(torch.nn, layer) for layer in model.layers))
    assert_same(model, peer, images(4))


def _twin(tnn: Any, layer: nn.Module) -> Any:
    if isinstance(layer, nn.Conv2d):
        return tnn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size, padding=layer.padding)
    if isinstance(layer, nn.Linear):
        return tnn.Linear(*reversed(layer.weight.shape))
    return tnn.MaxPool2d(2) if isinstance(layer, nn.MaxPool2d) else getattr(tnn, type(layer).__name__)()

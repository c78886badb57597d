"""With and without parameter sharing: the same function class at each place, other numbers of parameters."""

from collections.abc import Callable

import numpy as np
import pytest
from minigrad_models.local import ENTRIES, LocalNet, shared, unshared
from minigrad_models.registry import Entry

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import init
from minigrad.cost import summary
from minigrad.data import digits
from minigrad.typing import Array
from tests.models.gradient import assert_gradients

MAKES = [shared, unshared]


def images(count: int = 2, size: int = 32) -> Array:
    return np.random.default_rng(0).normal(size=(count, 1, size, size)).astype(np.float32)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_parameters_are_as_many_as_the_entry_says(entry: Entry) -> None:
    with init.skip():
        model = entry.make()
    assert sum(p.size for p in model.parameters()) == entry.parameters
    assert model(images()).shape == (2, entry.classes)


def test_each_place_without_sharing_has_the_parameters_of_a_shared_kernel() -> None:
    one, many = shared(), unshared()
    for layer, places in (("conv1", 16 * 16), ("conv2", 8 * 8)):
        counts = [sum(p.size for p in getattr(model, layer).parameters()) for model in (one, many)]
        assert counts[1] == places * counts[0]


def test_both_do_the_same_number_of_multiplications() -> None:
    one, many = (summary(make(), (1, 1, 32, 32)).total("mult_adds") for make in MAKES)
    assert one == many == 25 * 16**2 * 8 + 8 * 25 * 8**2 * 16 + 1024 * 10


def test_equal_kernels_at_all_places_make_a_shared_kernel() -> None:
    one, many = shared(np.random.default_rng(0)), unshared()
    state = {}
    for name, array in one.state_dict().items():
        place = many.state_dict()[name].shape
        per_channel = array[:, None, None] if name in ("conv1.bias", "conv2.bias") else array
        state[name] = np.broadcast_to(per_channel, place)
    many.load_state_dict(state)
    np.testing.assert_allclose(many(images()).numpy(), one(images()).numpy(), rtol=1e-4, atol=1e-5)


def test_shared_features_move_with_the_image_and_unshared_ones_do_not() -> None:
    image = np.zeros((1, 1, 32, 32), np.float32)
    image[:, :, 10:16, 10:16] = images(1)[:, :, :6, :6]
    moved = np.roll(image, (4, 4), axis=(2, 3))
    differ = []
    for make in MAKES:
        layer = make(np.random.default_rng(0)).conv1
        here, there = layer(image).numpy(), layer(moved).numpy()
        differ.append(np.abs(np.roll(here, (2, 2), axis=(2, 3)) - there).max())
    assert differ[0] < 1e-5
    assert differ[1] > 0.1


@pytest.mark.parametrize("make", MAKES)
def test_same_generator_same_weights(make: Callable[..., LocalNet]) -> None:
    one, two = (make(np.random.default_rng(5)).state_dict() for _ in range(2))
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])


@pytest.mark.parametrize("make", MAKES)
def test_training_lowers_the_loss_on_digits(make: Callable[[], LocalNet]) -> None:
    x, target = (array[:32] for array in digits()[0].arrays)
    model = make()
    optimizer = mg.optim.Adam(model.parameters(), lr=0.003)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), mg.Tensor(target))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-3:]) < 0.7 * losses[0]


@pytest.mark.parametrize("make", MAKES)
def test_gradients_are_correct(make: Callable[..., LocalNet]) -> None:
    assert_gradients(lambda: make(np.random.default_rng(0), channels=2, size=8, num_classes=4), images(2, 8))

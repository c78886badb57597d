"""Activation maximization: it climbs, and each rule of the climb does what it says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.errors import ShapeError, UsageError
from minigrad.viz.activation_maximization import maximize_activation
from minigrad.viz.activations import feature_maps

PLAIN = {"decay": 0.0, "blur": 0.0}


def network(seed=0):
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, rng=rng), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 9, 5, rng=rng)
    )


def noise(count, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, (count, 1, 8, 8)).astype(np.float32)


@given(seed=st.integers(0, 50), unit=st.integers(0, 4))
def test_the_score_rises(seed, unit):
    model, start = network(seed), noise(3, seed)
    found = maximize_activation(model, start, unit, steps=20)
    before, after = (feature_maps(model, x, "")[:, unit] for x in (start, found))
    assert (after > before + 0.1).all()


@pytest.mark.parametrize(("layer", "unit"), [("0", 2), ("1", (3, 2, 4)), ("2", 1), ("4", 0)])
def test_units_of_any_layer_are_excited(layer, unit):
    model, start = network(), noise(1)[0]
    found = maximize_activation(model, start, unit, layer, steps=30)
    before, after = (float(feature_maps(model, x, layer)[unit].mean()) for x in (start, found))
    assert after > before + 0.1
    assert found.shape == start.shape
    assert found.dtype == start.dtype


def test_of_a_linear_score_the_best_image_is_the_weights():
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    weights = model[1].weight.numpy().reshape(2, 1, 4, 4)
    for unit in (0, 1):
        found = maximize_activation(model, np.zeros((1, 4, 4), np.float32), unit, steps=7, lr=0.5, **PLAIN)
        np.testing.assert_allclose(found, 3.5 * weights[unit] / np.linalg.norm(weights[unit]), rtol=1e-5)


def test_each_image_climbs_by_itself_to_its_own_unit():
    model, start = network(), noise(5)
    together = maximize_activation(model, start, [4, 3, 2, 1, 0], steps=5)
    for i in range(5):
        np.testing.assert_allclose(together[i], maximize_activation(model, start[i], 4 - i, steps=5), atol=1e-5)


def test_decay_leads_to_smaller_images_and_blur_to_smoother_ones():
    model, start = network(), noise(1)
    plain, decayed, blurred = (
        maximize_activation(model, start, 0, **settings)
        for settings in (PLAIN, {"decay": 0.1, "blur": 0.0}, {"decay": 0.0, "blur": 0.8})
    )
    assert np.linalg.norm(decayed) < 0.5 * np.linalg.norm(plain)

    def roughness(x):
        return sum((np.diff(x, axis=axis) ** 2).sum() for axis in (2, 3)) / (x**2).sum()

    assert roughness(blurred) < 0.5 * roughness(plain)


def test_bounds_are_kept_and_decay_goes_to_their_middle():
    found = maximize_activation(network(), np.full((1, 8, 8), 0.5, np.float32), 1, lr=3, bounds=(-0.1, 1.1))
    assert found.min() >= -0.1
    assert found.max() <= 1.1
    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
    flat[1].weight.data = np.eye(1, 64, dtype=np.float32)  # looks at the first pixel only
    start = np.zeros((1, 8, 8), np.float32)
    found = maximize_activation(flat, start, 0, steps=200, lr=0.01, decay=0.1, blur=0.0, bounds=(0.0, 1.0))
    np.testing.assert_allclose(found.ravel()[1:], 0.5, atol=1e-6)


@given(seed=st.integers(0, 50))
def test_blur_keeps_an_even_image_and_the_mean_inside(seed):
    from minigrad.viz.activation_maximization import _smooth

    rng = np.random.default_rng(seed)
    even = np.full((1, 1, 5, 6), rng.normal())
    np.testing.assert_allclose(_smooth(even), even)
    spot = np.zeros((1, 1, 5, 6))
    spot[0, 0, 2, 3] = 16
    assert _smooth(spot)[0, 0, 1:4, 2:5].tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps must be at least 1"),
        ({"lr": 0}, "lr must be positive"),
        ({"decay": 1}, "decay is a share"),
        ({"blur": 1.5}, "blur is a share"),
        ({"bounds": (1, 0)}, "bounds are a smaller and a larger number"),
    ],
)
def test_settings_out_of_their_range_are_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        maximize_activation(network(), noise(1), 0, **settings)


def test_a_dead_unit_is_told():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2), nn.ReLU())
    model[1].bias.data = np.array([-100, 1], np.float32)
    with pytest.raises(UsageError, match=r"the gradient is 0 for the images \[0\].*Begin elsewhere"):
        maximize_activation(model, noise(2), [0, 1])
    maximize_activation(model, noise(2), 1)


def test_units_that_do_not_exist_or_do_not_count_are_refused():
    with pytest.raises(UsageError, match=r"\(D=5\) for an image, and has no unit 5"):
        maximize_activation(network(), noise(1), 5)
    with pytest.raises(UsageError, match="one for each of 2 images, got 3"):
        maximize_activation(network(), noise(2), [0, 1, 2])
    with pytest.raises(ShapeError, match="images are"):
        maximize_activation(network(), mg.zeros((8, 8)), 0)

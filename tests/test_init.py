"""Initial values: their variances, bounds and dtype."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import init

LINEAR, CONV = (400, 300), (60, 20, 5, 3)
FANS = {LINEAR: (300, 400), CONV: (20 * 15, 60 * 15)}

VARIANCES = {
    "xavier_uniform": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "xavier_normal": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "he_uniform": lambda fan_in, fan_out: 2 / fan_in,
    "he_normal": lambda fan_in, fan_out: 2 / fan_in,
}


@pytest.mark.parametrize("shape", [LINEAR, CONV])
def test_fans_count_inputs_and_outputs_with_the_kernels_area(shape):
    assert init.fans(shape) == FANS[shape]


@pytest.mark.parametrize("shape", [LINEAR, CONV])
@pytest.mark.parametrize("name", VARIANCES)
def test_variance_is_the_published_one(rng, name, shape):
    expected = VARIANCES[name](*FANS[shape])
    values = getattr(init, name)(shape, rng=rng)
    assert values.shape == shape
    assert values.var() == pytest.approx(expected, rel=0.05)
    assert values.mean() == pytest.approx(0, abs=4 * np.sqrt(expected / values.size))
    halved = getattr(init, name)(shape, gain=0.5, rng=rng)
    gain = 2**0.5 if name.startswith("he") else 1.0
    assert halved.std() == pytest.approx(np.sqrt(expected) * 0.5 / gain, rel=0.05)


@pytest.mark.parametrize("name", ["xavier_uniform", "he_uniform"])
def test_uniform_values_fill_their_bounds(rng, name):
    bound = np.sqrt(3 * VARIANCES[name](*FANS[LINEAR]))
    values = getattr(init, name)(LINEAR, rng=rng)
    assert 0.99 * bound < values.max() <= bound * (1 + 1e-6)
    assert -bound * (1 + 1e-6) <= values.min() < -0.99 * bound


@pytest.mark.parametrize("name", ["xavier_normal", "he_normal"])
def test_normal_values_have_normal_tails(rng, name):
    values = getattr(init, name)(LINEAR, rng=rng)
    share = (np.abs(values) > 2 * values.std()).mean()
    assert share == pytest.approx(0.0455, abs=0.005)


def test_plain_distributions(rng):
    assert (init.constant((2, 3), 0.1) == np.float32(0.1)).all()
    assert not init.constant((2,)).any()
    values = init.uniform((50_000,), -1, 3, rng)
    assert (values.min() >= -1, values.max() < 3, values.mean() == pytest.approx(1, abs=0.02)) == (True, True, True)
    values = init.normal((50_000,), 5, 0.1, rng)
    assert (values.mean(), values.std()) == (pytest.approx(5, abs=0.01), pytest.approx(0.1, rel=0.02))


def test_bounds_by_fan_in(rng):
    values = init.by_fan_in((1000,), 16, rng)
    assert 0.24 < np.abs(values).max() <= 0.25
    assert not init.by_fan_in((3,), 0, rng).any()


@pytest.mark.parametrize("name", [*VARIANCES, "constant", "uniform", "normal"])
def test_values_have_the_default_dtype(name):
    assert getattr(init, name)((2, 3)).dtype == np.float32
    mg.set_default_dtype(np.float64)
    assert getattr(init, name)((2, 3)).dtype == np.float64


@pytest.mark.parametrize("name", [*VARIANCES, "uniform", "normal"])
def test_values_repeat_with_the_generator_and_with_the_seed(name):
    draw = getattr(init, name)
    first = draw((3, 4), rng=np.random.default_rng(1))
    np.testing.assert_array_equal(draw((3, 4), rng=np.random.default_rng(1)), first)
    mg.seed(7)
    second = draw((3, 4))
    assert not np.array_equal(draw((3, 4)), second)
    mg.seed(7)
    np.testing.assert_array_equal(draw((3, 4)), second)


def test_he_keeps_the_signal_through_relu_layers(rng):
    x = rng.normal(size=(100, 256))
    for _ in range(20):
        x = np.maximum(x @ init.he_normal((256, 256), rng=rng).T, 0)
    assert 0.2 < np.mean(x**2) < 5


def test_xavier_keeps_the_signal_through_linear_layers_both_ways(rng):
    x = g = rng.normal(size=(100, 256))
    for _ in range(20):
        w = init.xavier_uniform((256, 256), rng=rng)
        x, g = x @ w.T, g @ w
    assert 0.2 < np.mean(x**2) < 5
    assert 0.2 < np.mean(g**2) < 5

"""Initial values scaled by the size of the layer: their variances and bounds."""

import math

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


def test_bounds_of_torch_default_uniform(rng):
    values = init.torch_default_uniform((1000,), 16, rng)
    assert 0.24 < np.abs(values).max() <= 0.25
    assert not init.torch_default_uniform((3,), 0, rng).any()


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


@pytest.mark.parametrize("name", ["he_uniform", "he_normal"])
def test_he_can_keep_the_gradients_size(rng, name):
    values = getattr(init, name)(CONV, mode="fan_out", rng=rng)
    assert values.var() == pytest.approx(2 / FANS[CONV][1], rel=0.05)
    with pytest.raises(mg.UsageError, match='"fan_in" or "fan_out"'):
        getattr(init, name)(CONV, mode="fan")


@pytest.mark.parametrize("name", VARIANCES)
def test_a_bias_has_no_fans(name):
    with pytest.raises(mg.ShapeError, match="use constant, uniform or normal for biases"):
        getattr(init, name)((3,))


def test_gains_are_the_published_ones():
    assert init.calculate_gain("relu") == pytest.approx(math.sqrt(2))
    assert init.calculate_gain("leaky_relu", 1.0) == 1
    assert init.calculate_gain("tanh") == 5 / 3
    with pytest.raises(mg.UsageError, match="knows leaky_relu, linear"):
        init.calculate_gain("swish")
    with pytest.raises(mg.UsageError, match="'relu' takes none"):
        init.calculate_gain("relu", 2)


@pytest.mark.peer
@pytest.mark.parametrize("name", ["linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"])
def test_gains_are_pytorchs(torch, name):
    assert init.calculate_gain(name) == pytest.approx(torch.nn.init.calculate_gain(name))
    if name == "leaky_relu":
        assert init.calculate_gain(name, 0.3) == pytest.approx(torch.nn.init.calculate_gain(name, 0.3))

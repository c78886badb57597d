"""What holds of every initializer: dtype, generator, distribution as PyTorch's."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import init

SCALED = ["xavier_uniform", "xavier_normal", "he_uniform", "he_normal"]


@pytest.mark.parametrize(
    "name", [*SCALED, "constant", "zeros", "ones", "eye", "uniform", "normal", "truncated_normal", "orthogonal"]
)
def test_values_have_the_default_dtype(name):
    assert getattr(init, name)((2, 3)).dtype == np.float32
    mg.set_default_dtype(np.float64)
    assert getattr(init, name)((2, 3)).dtype == np.float64


@pytest.mark.parametrize("name", [*SCALED, "uniform", "normal", "truncated_normal", "orthogonal"])
def test_values_repeat_with_the_generator_and_with_the_seed(name):
    draw = getattr(init, name)
    first = draw((3, 4), rng=np.random.default_rng(1))
    np.testing.assert_array_equal(draw((3, 4), rng=np.random.default_rng(1)), first)
    mg.seed(7)
    second = draw((3, 4))
    assert not np.array_equal(draw((3, 4)), second)
    mg.seed(7)
    np.testing.assert_array_equal(draw((3, 4)), second)


@pytest.mark.peer
@pytest.mark.parametrize(
    ("ours", "theirs", "settings"),
    [
        ("xavier_uniform", "xavier_uniform_", {}), ("xavier_normal", "xavier_normal_", {}),
        ("he_uniform", "kaiming_uniform_", {"nonlinearity": "relu"}),
        ("he_normal", "kaiming_normal_", {"nonlinearity": "relu", "mode": "fan_out"}),
        ("orthogonal", "orthogonal_", {}), ("truncated_normal", "trunc_normal_", {}),
    ],
)  # fmt: skip
def test_distributions_are_pytorchs(torch, rng, ours, theirs, settings):
    torch.manual_seed(0)
    expected = getattr(torch.nn.init, theirs)(torch.empty(60, 20, 5, 3), **settings).numpy()
    mode = {"mode": settings["mode"]} if "mode" in settings else {}
    values = getattr(init, ours)((60, 20, 5, 3), rng=rng, **mode)
    tolerance = 0.12 * float(expected.std())  # three standard errors of the outermost quantiles of 18,000 values
    for quantile in (0.01, 0.25, 0.5, 0.75, 0.99):
        found, wanted = np.quantile(values, quantile), np.quantile(expected, quantile)
        assert found == pytest.approx(wanted, abs=tolerance), quantile


@pytest.mark.parametrize("name", ["xavier_uniform", "xavier_normal", "he_uniform", "he_normal", "orthogonal"])
@pytest.mark.parametrize("gain", ["relu", "fan_out", -1.0, math.nan, None])
def test_gain_is_a_number(name, gain):
    with pytest.raises(mg.UsageError, match=r"gain is a number of at least 0, not .*: calculate_gain\(name\)"):
        getattr(init, name)((3, 4), gain)

"""Initial values of given distributions: their moments and bounds."""

import math
import statistics

import numpy as np
import pytest

import minigrad as mg
from minigrad import init
from minigrad.init.distributions import DRAWN_AT_ONCE


def test_plain_distributions(rng):
    assert (init.constant((2, 3), 0.1) == np.float32(0.1)).all()
    assert not init.constant((2,)).any()
    values = init.uniform((50_000,), -1, 3, rng)
    assert (values.min() >= -1, values.max() < 3, values.mean() == pytest.approx(1, abs=0.02)) == (True, True, True)
    values = init.normal((50_000,), 5, 0.1, rng)
    assert (values.mean(), values.std()) == (pytest.approx(5, abs=0.01), pytest.approx(0.1, rel=0.02))


@pytest.mark.parametrize(
    ("mean", "std", "low", "high"), [(0, 1, -2, 2), (1, 0.5, -20, 20), (0, 1, 1, 9), (0, 1, -3, -2.5), (2, 3, 8, 100)]
)
def test_truncated_normal_has_the_moments_of_its_density(rng, mean, std, low, high):
    values = init.truncated_normal((200_000,), mean, std, low, high, rng).astype(float)
    assert low <= values.min()
    assert values.max() <= high
    x = np.linspace(max(low, mean - 12 * std), min(high, mean + 12 * std), 200_001)
    density = np.exp(-(((x - mean) / std) ** 2) / 2)
    density /= density.sum()
    expected = (x * density).sum()
    spread = np.sqrt(((x - expected) ** 2 * density).sum())
    assert values.mean() == pytest.approx(expected, abs=5 * spread / math.sqrt(values.size))
    assert values.std() == pytest.approx(spread, rel=0.02)


def test_truncated_normal_has_the_share_of_each_part(rng):
    values = init.truncated_normal((100_000,), 0, 1, -2, 2, rng)
    cdf = statistics.NormalDist().cdf
    expected = (cdf(1) - cdf(-1)) / (cdf(2) - cdf(-2))
    assert (np.abs(values) < 1).mean() == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(("settings"), [{"low": 1, "high": 1}, {"std": 0}])
def test_truncated_normal_refuses_empty_ranges(settings):
    with pytest.raises(mg.UsageError, match="low < high and std > 0"):
        init.truncated_normal((3,), **settings)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: init.normal((2,), std=-1.0), "normal: needs numbers mean and std >= 0, got 0.0 and -1.0"),
        (lambda: init.normal((2,), std=math.nan), "std >= 0, got 0.0 and nan"),
        (lambda: init.normal((2,), "0"), "got '0' and 1.0"),
        (lambda: init.uniform((2,), 2.0, 1.0), "uniform: needs numbers low <= high, got 2.0 and 1.0"),
        (lambda: init.he_normal(mg.ones((3, 4))), "takes a shape, such as layer.weight.shape, not a Tensor"),
    ],
)
def test_what_is_no_distribution_or_no_shape_is_named(call, message):
    with pytest.raises(mg.UsageError, match=message):
        call()


@pytest.mark.parametrize(("draw", "own"), [(init.normal, "normal"), (init.uniform, "uniform")])
def test_numbers_drawn_block_by_block_are_those_drawn_at_once(draw, own):
    shape = (3, DRAWN_AT_ONCE // 2 + 1)
    at_once = getattr(np.random.default_rng(0), own)(-1, 2, shape)
    assert np.array_equal(draw(shape, -1, 2, np.random.default_rng(0)), at_once.astype(np.float32))

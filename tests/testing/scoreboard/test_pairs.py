"""What the common set says of itself is true: right gradients are right to many digits, and wrong ones are not."""

import warnings
from collections import Counter

import numpy as np
import pytest

from minigrad.testing.scoreboard.pairs import PAIRS, RIGHT, WRONG

MANY = 100


@pytest.fixture(scope="module")
def precise():
    pytest.importorskip("mpmath")
    from tests.testing.scoreboard import high_precision

    return high_precision


def cotangents(pair, rng):
    shape = np.shape(pair.f(*[x.copy() for x in pair.args]))
    u = rng.uniform(0.5, 1.5, shape) * rng.choice((-1.0, 1.0), shape)
    return [u, -u, np.abs(u), 0.1 * u, 3 * u]


def gradient(pair, u):
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pair.vjp(u.copy() if u.shape else float(u), *[x.copy() for x in pair.args])
    found = found if isinstance(found, tuple) else (found,)
    assert [np.shape(part) for part in found] == [x.shape for x in pair.args]
    return np.concatenate([np.asarray(part, float).ravel() for part in found])


def split(pair, vector):
    ends = np.cumsum([x.size for x in pair.args])[:-1]
    return [part.reshape(x.shape) for part, x in zip(np.split(vector, ends), pair.args, strict=True)]


def coordinates(pair, rng, most=MANY):
    """The direction of each element in its own scale; of many elements, of three."""
    x = np.concatenate([x.ravel() for x in pair.args])
    largest = np.concatenate([np.full(x.size, np.abs(x).max() or 1.0) for x in pair.args])
    scale = np.where(x == 0, largest, np.abs(x))
    chosen = np.arange(x.size)
    if x.size > MANY and most < x.size:
        chosen = np.unique([0, x.size - 1, rng.integers(x.size)])
    for i in chosen:
        direction = np.zeros(x.size)
        direction[i] = scale[i]
        yield i, direction


def expected_and_found(pair, precise, u, found, i, direction):
    """The slope along a direction from both sides, and that of the gradient."""
    weights = [precise.context.mpf(float(v)) for v in np.ravel(u)]
    low, high = between(precise.slopes(pair, split(pair, direction), np.random.default_rng(1)), weights)
    claimed = precise.context.mpf(float(found[i])) * precise.context.mpf(float(direction[i]))
    return low, high, claimed


def between(slopes, weights):
    """The least and the greatest of a weighted sum of outputs, each of which may have any of its slopes."""
    terms = [sorted(w * s for s in of_output) for w, of_output in zip(weights, zip(*slopes, strict=True), strict=True)]
    return sum(term[0] for term in terms), sum(term[-1] for term in terms)


def test_names_are_unique_and_kinds_are_many():
    assert [name for name, times in Counter(pair.name for pair in PAIRS).items() if times > 1] == []
    assert len(RIGHT) >= 150
    assert len(WRONG) >= 90
    assert all(pair.right for pair in RIGHT)
    assert not any(pair.right for pair in WRONG)


@pytest.mark.family
@pytest.mark.parametrize("pair", RIGHT, ids=str)
def test_right_gradient_is_the_derivative(pair, precise):
    rng = np.random.default_rng(0)
    u = cotangents(pair, rng)[0]
    found = gradient(pair, u)
    for i, direction in coordinates(pair, rng):
        low, high, claimed = expected_and_found(pair, precise, u, found, i, direction)
        size = float(direction[i])
        if np.isinf(found[i]):
            assert abs(low) > 1e10 * size
            continue
        middle = (low + high) / 2
        width = (high - low) / 2 if pair.kink else 0
        tolerance = pair.rtol * max(abs(low), abs(high)) + pair.atol * size + 1e-20 * size * (found[i] == 0)
        assert abs(claimed - middle) <= width + tolerance, f"entry {i}: {float(claimed / size)}, {float(middle / size)}"


@pytest.mark.parametrize("pair", [pair for pair in RIGHT if pair.kink], ids=str)
def test_subgradient_is_one_jointly(pair, precise):
    rng = np.random.default_rng(0)
    x_size = sum(x.size for x in pair.args)
    outputs = np.size(pair.f(*pair.args))
    for k in range(min(outputs, 4)):
        u = np.zeros(outputs)
        u[k] = 1.0
        found = gradient(pair, u.reshape(np.shape(pair.f(*pair.args))))
        for _ in range(6):
            v = np.round(rng.standard_normal(x_size), 2)
            low, high = between(precise.slopes(pair, split(pair, v), rng), list(u))
            assert low - 1e-9 <= found @ v <= high + 1e-9


def is_wrong(pair, precise, u, rng):
    found = gradient(pair, u)
    for i, direction in coordinates(pair, rng, most=10_000):
        low, high, claimed = expected_and_found(pair, precise, u, found, i, direction)
        slack = 1e-7 * max(abs(low), abs(high), abs(claimed))
        middle, width = (low + high) / 2, (high - low) / 2 if pair.kink else 0
        if abs(claimed - middle) > width + slack:
            return True
    return False


def is_wrong_jointly(pair, precise, u, rng):
    found = gradient(pair, u)
    v = np.concatenate([np.ones(x.size) for x in pair.args])
    for direction in (v, rng.standard_normal(v.size)):
        low, high = between(precise.slopes(pair, split(pair, direction), rng), list(np.ravel(u)))
        if not low - 1e-9 <= found @ direction <= high + 1e-9:
            return True
    return False


@pytest.mark.family
@pytest.mark.parametrize("pair", [pair for pair in WRONG if pair.visible], ids=str)
def test_wrong_gradient_is_another(pair, precise):
    rng = np.random.default_rng(0)
    us = cotangents(pair, rng)
    assert any(is_wrong_jointly(pair, precise, u, rng) for u in us) or any(is_wrong(pair, precise, u, rng) for u in us)

"""Spirals, moons and circles: the points lie where the docstrings say, and repeat for equal seeds."""

import numpy as np
import pytest

from minigrad.data import circles, moons, spirals
from minigrad.errors import DataError


def all_points(parts):
    return [np.concatenate(arrays) for arrays in zip(*(part.arrays for part in parts), strict=True)]


@pytest.mark.parametrize("make", [spirals, moons, circles])
def test_shapes_dtypes_shares_and_seeds(make):
    train, test = make(samples=101, test_fraction=0.3)
    for part, count in ((train, 70), (test, 31)):
        points, labels = part.arrays
        assert (points.dtype, points.shape, labels.dtype) == (np.float32, (count, 2), np.int64)
        assert part.classes == ("0", "1")
        assert abs(np.bincount(labels)[0] - count / 2) <= 1
    again, other = make(samples=101, test_fraction=0.3)[0], make(samples=101, test_fraction=0.3, seed=1)[0]
    np.testing.assert_array_equal(train.arrays[0], again.arrays[0])
    assert not np.array_equal(train.arrays[0], other.arrays[0])


@pytest.mark.parametrize("classes", [1, 2, 5])
def test_without_noise_the_spirals_follow_their_formula(classes):
    points, labels = all_points(spirals(300, classes, turns=2, noise=0))
    radius, turn = np.hypot(*points.T), np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi)
    difference = turn - (2 * radius + labels / classes)
    np.testing.assert_allclose(difference, np.rint(difference), atol=1e-4)
    assert radius.max() < 1
    inner = (radius < np.sqrt(0.5)).mean()  # half of the arm's length
    assert 0.35 < inner < 0.65


def test_without_noise_the_moons_are_half_circles_half_a_unit_apart():
    points, labels = all_points(moons(2000, noise=0))
    upper, lower = points[labels == 0], points[labels == 1]
    for half, center, side in ((upper, (-0.5, -0.25), 1), (lower, (0.5, 0.25), -1)):
        np.testing.assert_allclose(np.hypot(*(half - center).T), 1, atol=1e-6)
        assert np.all(side * (half - center)[:, 1] >= -1e-6)
    distance = np.hypot(*(upper[:, None] - lower[None]).T)
    assert 0.5 <= distance.min() < 0.51


def test_without_noise_the_circles_have_their_radii():
    points, labels = all_points(circles(noise=0, factor=0.3))
    np.testing.assert_allclose(np.hypot(*points.T), np.where(labels, 0.3, 1), rtol=1e-6)


def test_the_noise_has_its_standard_deviation():
    noisy, quiet = all_points(circles(20_000, noise=0.1))[0], all_points(circles(20_000, noise=0))[0]
    np.testing.assert_allclose((noisy - quiet).std(axis=0), 0.1, rtol=0.03)


@pytest.mark.parametrize(
    ("fail", "message"),
    [
        (
            lambda: spirals(5, classes=3),
            "spirals: needs at least one class, two samples of each and a noise of at least 0",
        ),
        (lambda: moons(noise=-1), "got samples=1000, classes=2 and noise=-1"),
        (lambda: circles(factor=1), "circles: factor must lie between 0 and 1, got 1"),
        (lambda: circles(seed=-1), "circles: seed must be at least 0, got -1"),
        (lambda: circles(test_fraction=1), "must lie between 0 and 1, got 1"),
    ],
)
def test_arguments_out_of_range_are_explained(fail, message):
    with pytest.raises(DataError, match=message):
        fail()

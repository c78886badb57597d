"""Toy datasets of points in the plane, for pictures of what a network has learned."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from minigrad.data.dataset import ArrayDataset
from minigrad.data.split import check_seed, stratified_split
from minigrad.errors import DataError

Curve = Callable[[int, NDArray[np.float64]], NDArray[np.float64]]
"""From a class and positions along its curve, t (M,) in [0, 1), to points (M, 2)."""


def spirals(
    samples: int = 1000,
    classes: int = 2,
    turns: float = 1.5,
    noise: float = 0.02,
    seed: int = 0,
    test_fraction: float = 0.2,
) -> tuple[ArrayDataset, ArrayDataset]:
    """Spiral arms that wind around each other.

    Points of class k are `r (cos a, sin a)` with r = sqrt(t) and a = 2 pi (turns r + k / classes), t uniform in
    [0, 1) so that an arm is about equally dense everywhere, and noise is added to both coordinates.

    Args:
        samples: the number N of points of all classes together, at least two of each (default 1000).
        classes: the number of arms (default 2).
        turns: how often an arm winds around the origin, counterclockwise (default 1.5).
        noise: the standard deviation of the noise; the arms are 1 / (turns * classes) apart (default 0.02).
        seed: chooses the points and the samples of the test part, an integer of at least 0 (default 0).
        test_fraction: the share of the test part, between 0 and 1 (default 0.2).

    Returns:
        `(train, test)`, each with points float32 (N, 2) and labels int64 (N,).

    Raises:
        DataError: an argument is out of range.

    Source: two such arms, K. J. Lang and M. J. Witbrock, "Learning to tell two spirals apart", 1988.
    """

    def arm(label: int, t: NDArray[np.float64]) -> NDArray[np.float64]:
        r = np.sqrt(t)
        return _polar(r, turns * r + label / classes)

    return _train_and_test("spirals", arm, samples, classes, noise, seed, test_fraction)


def moons(
    samples: int = 1000, noise: float = 0.1, seed: int = 0, test_fraction: float = 0.2
) -> tuple[ArrayDataset, ArrayDataset]:
    """Two half circles of radius 1 that reach into each other.

    The upper one is around (-1/2, -1/4), the lower one around (1/2, 1/4).

    Args:
        samples: the number N of points of both classes together, at least two of each (default 1000).
        noise: the standard deviation of the noise; the half circles are at least 1/2 apart (default 0.1).
        seed: chooses the points and the samples of the test part, an integer of at least 0 (default 0).
        test_fraction: the share of the test part, between 0 and 1 (default 0.2).

    Returns:
        `(train, test)`, each with points float32 (N, 2) and labels int64 (N,): 0 the upper half circle, 1 the lower.

    Raises:
        DataError: an argument is out of range.
    """

    def moon(label: int, t: NDArray[np.float64]) -> NDArray[np.float64]:
        side = 1 - 2 * label
        center = np.array([-side / 2, -side / 4])
        points: NDArray[np.float64] = center + _polar(np.ones_like(t), side * t / 2)
        return points

    return _train_and_test("moons", moon, samples, 2, noise, seed, test_fraction)


def circles(
    samples: int = 1000, noise: float = 0.05, factor: float = 0.5, seed: int = 0, test_fraction: float = 0.2
) -> tuple[ArrayDataset, ArrayDataset]:
    """Two circles around the origin, of radius 1 and `factor`.

    Args:
        samples: the number N of points of both classes together, at least two of each (default 1000).
        noise: the standard deviation of the noise; the circles are 1 - factor apart (default 0.05).
        factor: the radius of the inner circle, between 0 and 1 (default 0.5).
        seed: chooses the points and the samples of the test part, an integer of at least 0 (default 0).
        test_fraction: the share of the test part, between 0 and 1 (default 0.2).

    Returns:
        `(train, test)`, each with points float32 (N, 2) and labels int64 (N,): 0 the outer circle, 1 the inner.

    Raises:
        DataError: an argument is out of range.
    """
    if not 0 < factor < 1:
        raise DataError(f"circles: factor must lie between 0 and 1, got {factor}. Use 0.5.")

    def circle(label: int, t: NDArray[np.float64]) -> NDArray[np.float64]:
        return _polar(np.full_like(t, factor if label else 1.0), t)

    return _train_and_test("circles", circle, samples, 2, noise, seed, test_fraction)


def _polar(radius: NDArray[np.float64], turns: NDArray[np.float64]) -> NDArray[np.float64]:
    angle = 2 * np.pi * turns
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _train_and_test(
    name: str, curve: Curve, samples: int, classes: int, noise: float, seed: int, test_fraction: float
) -> tuple[ArrayDataset, ArrayDataset]:
    if classes < 1 or samples < 2 * classes or noise < 0:
        raise DataError(
            f"{name}: needs at least one class, two samples of each and a noise of at least 0, got samples={samples}, "
            f"classes={classes} and noise={noise}."
        )
    check_seed(name, seed)
    labels = np.arange(samples) % classes
    points = _noisy_points(curve, labels, classes, noise, np.random.default_rng(seed))
    train, test = (
        ArrayDataset(points[part], labels[part], classes=map(str, range(classes)))
        for part in stratified_split(labels, test_fraction, seed)
    )
    return train, test


def _noisy_points(
    curve: Curve, labels: NDArray[np.int64], classes: int, noise: float, rng: Generator
) -> NDArray[np.float32]:
    t = rng.random(labels.size)
    points = np.empty((labels.size, 2))
    for label in range(classes):
        points[labels == label] = curve(label, t[labels == label])
    return (points + noise * rng.standard_normal(points.shape)).astype(np.float32)

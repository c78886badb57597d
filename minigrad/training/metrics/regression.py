"""Metrics of regression: mean errors, and the coefficient of determination."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from minigrad.errors import ShapeError, shape_text
from minigrad.training.metrics.metric import Metric, to_numpy
from minigrad.typing import Array, ArrayLike


def mse(output: ArrayLike, target: ArrayLike) -> float:
    """The mean squared error: mean of (output - target)^2.

    Args:
        output: of any shape.
        target: of the same shape.

    Returns:
        A number of at least 0; NaN for empty arrays.

    Raises:
        ShapeError: the shapes differ.

    >>> mse([1.0, 2.0], [1.0, 4.0])
    2.0
    """
    x, y = _check_pair("mse", output, target)
    return float(np.mean((x - y) ** 2)) if x.size else float("nan")


def mae(output: ArrayLike, target: ArrayLike) -> float:
    """The mean absolute error: mean of |output - target|.

    Args:
        output: of any shape.
        target: of the same shape.

    Returns:
        A number of at least 0; NaN for empty arrays.

    Raises:
        ShapeError: the shapes differ.

    >>> mae([1.0, 2.0], [1.0, 4.0])
    1.0
    """
    x, y = _check_pair("mae", output, target)
    return float(np.mean(np.abs(x - y))) if x.size else float("nan")


@dataclass(frozen=True)
class R2(Metric):
    """The coefficient of determination: the fraction of the targets' variance that the outputs explain.

        R2 = 1 - sum_n (y_n - o_n)^2 / sum_n (y_n - mean y)^2         a column; then the mean over the columns

    It is 1 for perfect outputs, 0 for outputs that are all the mean, and negative for worse ones. Where the targets
    of a column are all equal, it is 1 for perfect outputs and 0 for others.

    Shapes: output and target equal ones, (N) or (N, ...).

    Raises:
        ShapeError: the shapes differ.

    >>> round(R2()([1.0, 2.0, 3.0], [1.0, 2.0, 4.0]), 4)
    0.7857
    """

    def batch_state(self, output: Array, target: Array) -> Array:
        """(4, columns): number of samples, mean, sum of squares around it, and sum of squared errors.

        Raises:
            ShapeError: the shapes differ.
        """
        x, y = _check_pair("R2", output, target)
        shape = (len(y), math.prod(y.shape[1:]))
        targets, outputs = y.reshape(shape), x.reshape(shape)
        if not len(targets):
            return np.zeros((4, targets.shape[1]))
        mean = targets.mean(axis=0)
        variation, error = ((targets - mean) ** 2).sum(axis=0), ((targets - outputs) ** 2).sum(axis=0)
        return np.array([np.full_like(mean, len(targets)), mean, variation, error])

    def merge(self, state: Array, other: Array) -> Array:
        """The state of both together. Sums of squares around zero would cancel where the mean is large.

        Source: Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance".
        """
        n, m = state[0], other[0]
        total = np.maximum(n + m, 1)
        distance = other[1] - state[1]
        variation = state[2] + other[2] + distance**2 * n * m / total
        return np.array([n + m, state[1] + distance * m / total, variation, state[3] + other[3]])

    def compute(self, state: Array) -> float:
        """The mean over the columns; NaN for no samples."""
        samples, _, variation, error = state
        if not samples.size or not samples[0]:
            return float("nan")
        constant = (error == 0).astype(float)
        explained = np.where(variation > 0, 1 - error / np.where(variation > 0, variation, 1), constant)
        return float(explained.mean())


def _check_pair(name: str, output: ArrayLike, target: ArrayLike) -> tuple[Array, Array]:
    """Outputs and targets of one shape, in double precision."""
    x, y = to_numpy(output).astype(np.float64), to_numpy(target).astype(np.float64)
    if x.shape != y.shape:  # they would broadcast: (N, 1) against (N) to (N, N)
        raise ShapeError(
            f"{name}: output and target must have one shape, got {shape_text(x.shape)} and {shape_text(y.shape)}"
        )
    return x, y

"""What is told of an array: its size, its zeros, its histogram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

BINS: Final = 20


@dataclass(frozen=True)
class Statistics:
    """Facts about the elements of an array; those that are not finite are only counted.

    Attributes:
        mean, std, norm: of the finite elements; the norm is the Euclidean one. It is infinite or NaN if an element is.
        zeros: the share of elements that are exactly 0.
        bad: how many are not finite.
        low, high: the smallest and the largest finite one.
        counts: how many lie in each of 20 equal parts from low to high.
    """

    mean: float
    std: float
    norm: float
    zeros: float
    bad: int
    low: float
    high: float
    counts: tuple[int, ...]


def statistics(array: Any) -> Statistics | None:
    """The facts about an array of numbers; None if it has no elements."""
    values = np.asarray(array).astype(np.float64).ravel()
    if not values.size:
        return None
    finite = values[np.isfinite(values)]
    bad = values.size - finite.size
    zeros = 1 - np.count_nonzero(values) / values.size
    norm = float(np.linalg.norm(values))
    if not finite.size:
        return Statistics(np.nan, np.nan, norm, zeros, bad, np.nan, np.nan, ())
    low, high = float(finite.min()), float(finite.max())
    counts = np.histogram(finite, BINS, (low, high))[0] if high > low and np.isfinite(high - low) else [finite.size]
    with np.errstate(over="ignore"):  # of numbers near to the largest that there are
        mean, std = float(finite.mean()), float(finite.std())
    return Statistics(mean, std, norm, zeros, bad, low, high, tuple(int(n) for n in counts))

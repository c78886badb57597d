"""What is told of an array: its size, its zeros, its histogram."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

BINS: Final = 20
PART: Final = 1 << 16


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
    values = np.asarray(array).ravel()
    if not values.size:
        return None
    count, total, squares, low, high, zeros = 0, 0.0, 0.0, np.inf, -np.inf, 0
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers near to the largest that there are
        for part in _parts(values):
            finite = _finite(part)
            zeros += part.size - np.count_nonzero(part)
            if finite.size:
                count, total = count + finite.size, total + float(finite.sum())
                low, high = min(low, float(finite.min())), max(high, float(finite.max()))
            squares += float(np.sum(part * part))  # np.dot would wake the threads of BLAS
        norm, share, bad = float(np.sqrt(squares)), zeros / values.size, values.size - count
        if not count:
            return Statistics(np.nan, np.nan, norm, share, bad, np.nan, np.nan, ())
        mean = total / count
        around = np.sum([np.sum((_finite(part) - mean) ** 2) for part in _parts(values)])
    return Statistics(mean, float(np.sqrt(around / count)), norm, share, bad, low, high, _counts(values, low, high))


def _parts(values: Any) -> Iterator[Any]:
    """The elements in double precision, so many at a time that they stay in the processor's cache."""
    for start in range(0, values.size, PART):
        yield values[start : start + PART].astype(np.float64)


def _finite(part: Any) -> Any:
    finite = np.isfinite(part)
    return part if finite.all() else part[finite]


def _counts(values: Any, low: float, high: float) -> tuple[int, ...]:
    """How many elements lie in each part of the range, which ends at the largest one."""
    if not high > low or not np.isfinite(high - low):
        return (int(np.isfinite(values).sum()),)
    counts = np.zeros(BINS, np.int64)
    for part in _parts(values):
        places = ((_finite(part) - low) / (high - low) * BINS).astype(np.int64)
        counts += np.bincount(np.minimum(places, BINS - 1), minlength=BINS)
    return tuple(counts.tolist())

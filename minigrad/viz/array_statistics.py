"""Statistics of an array: mean, norm, share of zeros, histogram."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from minigrad.typing import Array, ArrayLike

BINS: Final = 20
CHUNK: Final = 1 << 16
"""The number of elements that are processed at a time, so that they stay in the processor's cache."""


@dataclass(frozen=True)
class ArrayStatistics:
    """Statistics of the elements of an array; those that are not finite are only counted.

    Attributes:
        mean, std: of the finite elements.
        norm: the Euclidean norm; infinite or NaN if an element is.
        zeros: the share of elements that are exactly 0, from 0 to 1.
        nonfinite: the number of elements that are not finite.
        low, high: the smallest and the largest finite element.
        counts: the number of elements in each of 20 equal bins from low to high.
    """

    mean: float
    std: float
    norm: float
    zeros: float
    nonfinite: int
    low: float
    high: float
    counts: tuple[int, ...]


def array_statistics(array: ArrayLike) -> ArrayStatistics | None:
    """The statistics of an array of numbers, of complex ones those of |z|; None if it has no elements."""
    values = np.asarray(array).ravel()
    values = np.abs(values) if values.dtype.kind == "c" else values
    if not values.size:
        return None
    count, total, squares, low, high, zeros = 0, 0.0, 0.0, np.inf, -np.inf, 0
    with np.errstate(over="ignore", invalid="ignore"):  # of numbers near to the largest that there are
        for chunk in _chunks(values):
            finite = _finite(chunk)
            zeros += chunk.size - int(np.count_nonzero(chunk))
            if finite.size:
                count, total = count + finite.size, total + float(finite.sum())
                low, high = min(low, float(finite.min())), max(high, float(finite.max()))
            squares += float(np.sum(chunk * chunk))  # np.dot would wake the threads of BLAS
        norm, share, nonfinite = float(np.sqrt(squares)), zeros / values.size, values.size - count
        if not count:
            return ArrayStatistics(np.nan, np.nan, norm, share, nonfinite, np.nan, np.nan, ())
        mean = total / count
        around = np.sum([np.sum((_finite(chunk) - mean) ** 2) for chunk in _chunks(values)])
    std = float(np.sqrt(around / count))
    return ArrayStatistics(mean, std, norm, share, nonfinite, low, high, _counts(values, low, high))


def _chunks(values: Array) -> Iterator[Array]:
    """The elements in double precision, CHUNK of them at a time."""
    for start in range(0, values.size, CHUNK):
        yield values[start : start + CHUNK].astype(np.float64)


def _finite(chunk: Array) -> Array:
    finite = np.isfinite(chunk)
    return chunk if finite.all() else chunk[finite]


def _counts(values: Array, low: float, high: float) -> tuple[int, ...]:
    """The number of elements in each bin; high belongs to the last one. A range without width has one bin."""
    if not high > low or not np.isfinite(high - low):
        return (int(np.isfinite(values).sum()),)
    counts = np.zeros(BINS, np.int64)
    for chunk in _chunks(values):
        places = ((_finite(chunk) - low) / (high - low) * BINS).astype(np.int64)
        counts += np.bincount(np.minimum(places, BINS - 1), minlength=BINS)
    return tuple(counts.tolist())

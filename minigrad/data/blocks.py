"""Blocks of samples that are stored together: an epoch's order that is shuffled, and can still be read in order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from minigrad.errors import DataError


class Blocks:
    """Which samples of a dataset are stored together: the first `lengths[0]`, the next `lengths[1]`, and so on.

    Args:
        lengths: the number of samples in each block, (K,).
        window: how far a sample may move from its place in the order of the blocks, in samples.

    Raises:
        DataError: the window is negative.
    """

    def __init__(self, lengths: Sequence[int] | NDArray[np.int64], window: int) -> None:
        if window < 0:
            raise DataError(f"window is a number of samples and must be at least 0, got {window}. Use 10_000.")
        self.lengths = np.asarray(lengths, np.int64).reshape(-1)
        self.window = window

    def shuffled(self, rng: Generator) -> NDArray[np.int64]:
        """An order of all samples: the blocks permuted, then each sample moved by less than the window.

        Sample i of the order of the blocks is sorted by i + window * u[i], u[i] uniform in [0, 1). What stands more
        than a window before it stays before it: reading goes forward, and never needs more than two windows at once.

        Args:
            rng: draws the permutation, then u.
        """
        permuted = rng.permutation(len(self.lengths))
        lengths = self.lengths[permuted]
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if len(ends) else 0
        starts = (np.cumsum(self.lengths) - self.lengths)[permuted]
        order = np.repeat(starts - (ends - lengths), lengths) + np.arange(total)
        keys = np.arange(total) + self.window * rng.random(total)
        return order[np.argsort(keys, kind="stable")]

    def of_subset(self, indices: ArrayLike) -> Blocks | None:
        """The blocks of a subset, or None where its samples are not in the order of the dataset.

        Args:
            indices: the samples' numbers in the dataset, (N,).
        """
        numbers = np.asarray(indices)
        if np.any(numbers[1:] < numbers[:-1]):
            return None
        ends = np.searchsorted(numbers, np.cumsum(self.lengths))
        return Blocks(np.diff(ends, prepend=0), self.window)

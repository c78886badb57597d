"""Subsets of datasets, and splits of them at random or with equal shares of the classes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from minigrad.data.collation import Arrays
from minigrad.data.dataset import Dataset, as_dataset
from minigrad.data.transform import Transform
from minigrad.errors import DataError
from minigrad.typing import Array

Data = Dataset | Array | Sequence[Any]
"""A dataset, arrays, or samples."""


class Subset(Dataset):
    """Some of a dataset's samples: sample i is sample `indices[i]` of it.

    Args:
        dataset: where the samples come from; arrays or a list of samples, as `DataLoader` takes them, serve too.
        indices: their numbers there, (N,), in any order and number.
        transform: changes the first array of each batch, after the dataset's own transform (default None: none).

    Raises:
        DataError: an index is no number of a sample.

    >>> from minigrad.data import ArrayDataset
    >>> len(Subset(ArrayDataset(np.arange(10)), [8, 9]))
    2
    """

    def __init__(self, dataset: Data, indices: ArrayLike, transform: Transform | None = None) -> None:
        self.dataset = as_dataset("Subset", dataset)
        self.indices = _checked_indices(indices, len(self.dataset))
        self.transform = transform
        self.classes = self.dataset.classes
        self.blocks = None if self.dataset.blocks is None else self.dataset.blocks.of_subset(self.indices)
        self.fingerprint = self.dataset.fingerprint

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Any:
        """The dataset's sample: no transform, so no randomness."""
        chosen = self.indices[index]
        return self.dataset[int(chosen) if np.ndim(chosen) == 0 else chosen]

    def batch(self, indices: NDArray[np.int64], rng: Generator) -> Arrays:
        """The samples at `indices` (N,), with the transform applied to the first array."""
        first, *rest = self.dataset.batch(self.indices[indices], rng)
        return (first if self.transform is None else self.transform(first, rng), *rest)

    def __repr__(self) -> str:
        transform = f", transform={self.transform}" if self.transform is not None else ""
        return f"Subset({len(self)} of {self.dataset!r}{transform})"


def random_split(dataset: Data, lengths: Sequence[float], seed: int = 0) -> list[Subset]:
    """Divide a dataset at random; `stratified_split` keeps the shares of the classes too.

    Args:
        dataset: what is divided; arrays or a list of samples, as `DataLoader` takes them, serve too.
        lengths: how many samples each part has, as integers, or which share, as fractions that sum to 1.
        seed: chooses the samples, an integer of at least 0; equal seeds give equal parts (default 0).

    Returns:
        The parts, each in the dataset's order; every sample is in exactly one.

    Raises:
        DataError: the lengths do not sum to the whole, or `seed` is negative.

    >>> from minigrad.data import ArrayDataset
    >>> [len(part) for part in random_split(ArrayDataset(np.arange(10)), [0.8, 0.2])]
    [8, 2]
    """
    check_seed("random_split", seed)
    whole = as_dataset("random_split", dataset)
    total = len(whole)
    ends = _ends(lengths, total)
    order = np.random.default_rng(seed).permutation(total)
    return [Subset(whole, np.sort(part)) for part in np.split(order, ends[:-1])]


def stratified_split(labels: ArrayLike, fraction: float, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide samples at random into two parts in which every class has the same share.

    Sort the shuffled samples by class and take ceil(fraction * N) of them at equal distances: each class
    of M samples then gives the second part floor or ceil of its due share, about fraction * M.

    Args:
        labels: the class of each sample, (N,).
        fraction: the share of the second part, between 0 and 1.
        seed: chooses the samples, an integer of at least 0; equal seeds give equal splits (default 0).

    Returns:
        The indices of the first and of the second part, each ascending; together they are 0 ... N-1.

    Raises:
        DataError: `fraction` is not between 0 and 1, or `seed` is negative.

    >>> [part.size for part in stratified_split([0] * 10 + [1] * 20, fraction=0.2)]
    [24, 6]
    """
    if not 0 < fraction < 1:
        raise DataError(
            f"stratified_split: fraction is the share of the second part and must lie between 0 and 1, "
            f"got {fraction}. Use 0.2 for one sample in five."
        )
    check_seed("stratified_split", seed)
    labels = np.asarray(labels)
    order = np.random.default_rng(seed).permutation(labels.size)
    by_class = order[np.argsort(labels[order], kind="stable")]
    size = int(np.ceil(fraction * labels.size))
    equidistant = (2 * np.arange(size) + 1) * labels.size // (2 * size)
    second = np.zeros(labels.size, dtype=bool)
    second[by_class[equidistant]] = True
    return np.flatnonzero(~second), np.flatnonzero(second)


def check_seed(name: str, seed: int) -> None:
    """Refuse a seed that NumPy's generators do not take."""
    if seed < 0:
        raise DataError(f"{name}: seed must be at least 0, got {seed}. Any such number will do, 0 for one.")


def _checked_indices(indices: ArrayLike, total: int) -> NDArray[np.int64]:
    array = np.asarray(indices)
    if array.size == 0:
        array = array.astype(np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu" or not np.all((array >= 0) & (array < total)):
        raise DataError(
            f"Subset: indices must be numbers of samples, from 0 to {total - 1}, got {array.dtype} {array.shape}"
            + (f" from {array.min()} to {array.max()}" if array.dtype.kind in "iu" else "")
            + ". Use np.flatnonzero(mask) for a mask."
        )
    return array.astype(np.int64)


def _ends(lengths: Sequence[float], total: int) -> list[int]:
    """Where each part ends. Rounded ends, not rounded sizes: so the last one is the total."""
    shares = np.asarray(lengths)
    whole = shares.dtype.kind in "iu"
    if (
        shares.ndim != 1
        or shares.size == 0
        or np.any(shares < 0)
        or not np.isclose(shares.sum(), total if whole else 1)
    ):
        raise DataError(
            f"random_split: lengths must be numbers that sum to the {total} samples, or fractions that sum to 1, "
            f"got {list(lengths)}. Use [0.8, 0.2]."
        )
    ends = np.cumsum(shares)
    return [int(end) for end in (ends if whole else np.rint(ends * total))]

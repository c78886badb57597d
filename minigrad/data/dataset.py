"""What a loader draws from: samples in arrays, given by index, a whole batch at a time."""

from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from minigrad.data.transform import Transform
from minigrad.errors import DataError

Arrays = tuple[NDArray[Any], ...]


@runtime_checkable
class Dataset(Protocol):
    """Samples numbered from 0 that can be fetched together.

    Asking for whole batches, rather than for samples, lets arrays be indexed and images be transformed
    once a batch. All randomness comes from `rng`, so that the caller decides what repeats.
    """

    def __len__(self) -> int:
        """The number of samples."""
        ...

    def batch(self, indices: NDArray[np.int64], rng: Generator) -> Arrays:
        """The samples at `indices` (N,), stacked: arrays of first length N, the input first."""
        ...


class ArrayDataset:
    """Samples held in memory: sample i is the i-th entry of every array.

    Args:
        *arrays: arrays of one common first length, the inputs first: `images, labels`. They are not
            copied, only made read-only as seen from here.
        transform: changes the first array of each batch that is drawn; see `Transform`.
        classes: the names of the labels 0, 1, ..., for reports and plots.

    Raises:
        DataError: there is no array, an array has no axis, or the lengths differ.

    >>> dataset = ArrayDataset(np.zeros((3, 1, 8, 8)), np.array([0, 1, 1]), classes=("cat", "dog"))
    >>> dataset
    ArrayDataset(3 samples of float64 (1, 8, 8) and int64 (), 2 classes)
    >>> images, labels = dataset[np.array([2, 0])]
    >>> labels
    array([1, 0])
    """

    def __init__(self, *arrays: ArrayLike, transform: Transform | None = None, classes: Iterable[str] = ()) -> None:
        self._arrays = tuple(_read_only(array) for array in arrays)
        self._transform = transform
        self._classes = tuple(classes)
        _check_lengths(self._arrays)

    @property
    def arrays(self) -> Arrays:
        """Every array whole, as stored: read-only and untransformed."""
        return self._arrays

    @property
    def transform(self) -> Transform | None:
        """What `batch` applies to the first array."""
        return self._transform

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the labels, or ()."""
        return self._classes

    def __len__(self) -> int:
        return len(self._arrays[0])

    def __getitem__(self, index: int | slice | NDArray[Any]) -> Arrays:
        """The stored samples at an index, a slice or an array of indices: no transform, so no randomness."""
        return tuple(np.asarray(array[index]) for array in self._arrays)

    def batch(self, indices: NDArray[np.int64], rng: Generator) -> Arrays:
        """The samples at `indices` (N,), with the transform applied to the first array."""
        first, *rest = self[indices]
        return (first if self._transform is None else self._transform(first, rng), *rest)

    def __repr__(self) -> str:
        samples = " and ".join(f"{array.dtype} {array.shape[1:]}" for array in self._arrays)
        classes = f", {len(self._classes)} classes" if self._classes else ""
        transform = f", transform={self._transform}" if self._transform is not None else ""
        return f"ArrayDataset({len(self)} samples of {samples}{classes}{transform})"


def stratified_split(labels: ArrayLike, fraction: float, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide samples at random into two parts in which every class has the same share.

    Sort the shuffled samples by class and take ceil(fraction * N) of them at equal distances: each class
    of M samples then gives the second part floor or ceil of its due share, about fraction * M.

    Args:
        labels: the class of each sample, (N,).
        fraction: the share of the second part, between 0 and 1.
        seed: chooses the samples; equal seeds give equal splits.

    Returns:
        The indices of the first and of the second part, each ascending; together they are 0 ... N-1.

    Raises:
        DataError: `fraction` is not between 0 and 1.

    >>> [part.size for part in stratified_split([0] * 10 + [1] * 20, fraction=0.2)]
    [24, 6]
    """
    if not 0 < fraction < 1:
        raise DataError(
            f"stratified_split: fraction is the share of the second part and must lie between 0 and 1, "
            f"got {fraction}. Use 0.2 for one sample in five."
        )
    labels = np.asarray(labels)
    order = np.random.default_rng(seed).permutation(labels.size)
    by_class = order[np.argsort(labels[order], kind="stable")]
    size = int(np.ceil(fraction * labels.size))
    equidistant = (2 * np.arange(size) + 1) * labels.size // (2 * size)
    second = np.zeros(labels.size, dtype=bool)
    second[by_class[equidistant]] = True
    return np.flatnonzero(~second), np.flatnonzero(second)


def _read_only(array: ArrayLike) -> NDArray[Any]:
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


def _check_lengths(arrays: Arrays) -> None:
    if not arrays:
        raise DataError("ArrayDataset: needs at least one array, got none. Use ArrayDataset(images, labels).")
    if any(array.ndim == 0 for array in arrays):
        raise DataError(
            f"ArrayDataset: each array needs a first axis that counts the samples, got shapes "
            f"{', '.join(str(array.shape) for array in arrays)}. Wrap a single sample: array[None]."
        )
    if len({len(array) for array in arrays}) > 1:
        raise DataError(
            f"ArrayDataset: the arrays must have the same first length, got "
            f"{', '.join(str(len(array)) for array in arrays)} (shapes "
            f"{', '.join(str(array.shape) for array in arrays)}). Sample i is the i-th entry of every array."
        )

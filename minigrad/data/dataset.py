"""Datasets: numbered samples, one at a time or a whole batch at a time."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from minigrad.autograd.tensor import Tensor
from minigrad.data.blocks import Blocks
from minigrad.data.collation import Arrays, collate
from minigrad.data.transform import Transform
from minigrad.errors import DataError
from minigrad.typing import Array


class Dataset:
    """Samples numbered from 0. Write `__len__` and, for samples that are made or read one at a time, `__getitem__`.

    A sample is an array or a number, or a tuple of them, the input first. Where whole batches are faster to get
    (arrays indexed once, images moved together), write `batch` instead, as `ArrayDataset` does.

    Attributes:
        classes: the names of the labels 0, 1, ..., for reports and plots; () where there are none.
        blocks: which samples are stored together, so that shuffling leaves them near each other; None where any order
            costs the same.
        reads_samples: whether `batch` gives the same samples whatever else is asked for with them, so that each of
            several processes can read its own; where `batch` is not written they are the same anyway.
        fingerprint: a number that changes when the samples do, so that no run goes on with others; 0 where nobody
            looks.

    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 5
    ...
    ...     def __getitem__(self, index):
    ...         return float(index), index**2
    >>> Squares().batch(np.array([3, 1]), np.random.default_rng(0))
    (array([3., 1.], dtype=float32), array([9, 1]))
    """

    classes: tuple[str, ...] = ()
    blocks: Blocks | None = None
    reads_samples: bool = False
    fingerprint: int = 0

    def __len__(self) -> int:
        """The number of samples."""
        raise NotImplementedError(f"{type(self).__name__} needs a method __len__(self): the number of samples")

    def __getitem__(self, index: Any) -> Any:  # as the subclass has them
        """The sample with a number: an array or a number, or a tuple of them."""
        raise NotImplementedError(f"{type(self).__name__} needs a method __getitem__(self, index), or batch")

    def batch(self, indices: NDArray[np.int64], rng: Generator) -> Arrays:
        """The samples at `indices` (N,), stacked: arrays of first length N, the input first.

        Args:
            indices: the samples' numbers, int64 (N,).
            rng: all randomness comes from it, so that the caller decides what repeats.

        Returns:
            Arrays of first length N.

        Raises:
            DataError: the samples do not stack. Whatever `__getitem__` raises comes with the sample's number.
        """
        numbers = [int(index) for index in indices]
        return collate([_sample(self, number) for number in numbers], numbers)


class ArrayDataset(Dataset):
    """Samples held in memory: sample i is the i-th entry of every array.

    Args:
        *arrays: arrays of one common first length, the inputs first: `images, labels`. They are not
            copied, only made read-only as seen from here.
        transform: changes the first array of each batch that is drawn; see `Transform` (default None: none).
        classes: the names of the labels 0, 1, ..., for reports and plots (default ()).

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
        self.classes = tuple(classes)
        _check_lengths(self._arrays)

    @property
    def arrays(self) -> Arrays:
        """Every array whole, as stored: read-only and untransformed."""
        return self._arrays

    @property
    def transform(self) -> Transform | None:
        """What `batch` applies to the first array."""
        return self._transform

    def __len__(self) -> int:
        return len(self._arrays[0])

    def __getitem__(self, index: int | slice | Array) -> Arrays:
        """The stored samples at an index, a slice or an array of indices: no transform, so no randomness."""
        return tuple(np.asarray(array[index]) for array in self._arrays)

    def batch(self, indices: NDArray[np.int64], rng: Generator) -> Arrays:
        """The samples at `indices` (N,), with the transform applied to the first array."""
        first, *rest = self[indices]
        return (first if self._transform is None else self._transform(first, rng), *rest)

    def __repr__(self) -> str:
        samples = " and ".join(f"{array.dtype} {array.shape[1:]}" for array in self._arrays)
        classes = f", {len(self.classes)} classes" if self.classes else ""
        transform = f", transform={self._transform}" if self._transform is not None else ""
        return f"ArrayDataset({len(self)} samples of {samples}{classes}{transform})"


class SampleDataset(Dataset):
    """An object with `__len__` and `__getitem__`, another library's dataset for instance, as a `Dataset`."""

    def __init__(self, samples: Any) -> None:
        self._samples = samples
        self.classes = tuple(getattr(samples, "classes", ()))

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: Any) -> Any:
        return self._samples[index]

    def __repr__(self) -> str:
        what = "a list" if isinstance(self._samples, list) else repr(self._samples)
        return f"SampleDataset({len(self)} samples in {what})"


def as_dataset(name: str, data: object) -> Dataset:
    """Data as a dataset: a tuple holds arrays, a list of tuples samples.

    Args:
        name: who needs it, for messages.
        data: a dataset, arrays, or samples.

    Raises:
        DataError: it is nothing of this, or may be arrays as well as samples.
    """
    if isinstance(data, Dataset):
        return data
    if isinstance(data, (np.ndarray, Tensor)):
        return ArrayDataset(np.asarray(data))
    if isinstance(data, list) and any(isinstance(item, tuple) for item in data):
        return SampleDataset(data)
    if isinstance(data, list) and data and all(isinstance(item, list) for item in data):
        raise DataError(
            f"{name}: a list of lists may hold arrays or samples. Use {name}((inputs, targets)) for arrays, and a list "
            "of tuples, [(x0, y0), (x1, y1)], for samples."
        )
    if isinstance(data, (tuple, list)):
        return ArrayDataset(*data)
    if hasattr(data, "__len__") and hasattr(data, "__getitem__") and not isinstance(data, (str, bytes, Mapping)):
        return SampleDataset(data)
    raise DataError(
        f"{name}: needs a dataset (with __len__ and __getitem__), an array or a tuple of arrays, "
        f"got {type(data).__name__}. Use {name}((images, labels))."
    )


def _sample(dataset: Dataset, number: int) -> Any:
    try:
        return dataset[number]
    except Exception as error:
        error.add_note(f"while getting sample {number} of {type(dataset).__name__}")
        raise


def _read_only(array: ArrayLike) -> Array:
    try:
        view = np.asarray(array).view()
    except ValueError as error:  # lists of different lengths
        raise DataError(
            f"ArrayDataset: a {type(array).__name__} of things of different shapes is no array ({error}). Use "
            "DataLoader([(x0, y0), (x1, y1)]), a list of tuples, for samples."
        ) from error
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

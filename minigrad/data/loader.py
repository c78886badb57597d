"""Batches of tensors in an order that three integers determine."""

import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.random import Generator, SeedSequence
from numpy.typing import ArrayLike, NDArray

from minigrad.data.dataset import ArrayDataset, Dataset
from minigrad.data.transform import Transform
from minigrad.errors import DataError
from minigrad.tensor import Tensor


class DataLoader:
    """Yields the batches of a dataset, epoch after epoch, and can be stopped and resumed anywhere.

    What a batch holds is a pure function of (seed, epoch, batch)::

        order of an epoch:      stream(seed, epoch).permutation(len(dataset))
        transforms of a batch:  stream(seed, epoch, batch)

    so these three integers are the whole state, and a run resumed from `state_dict()` sees the remaining
    batches bit for bit, in the middle of an epoch too.

    The loader is a cursor, like an open file. `epoch` is the current epoch, `batch` the number of its
    batches handed out. Iterating yields the rest of the epoch and then moves to the next one:

    - `break` leaves the cursor behind the last batch received; the next `for` goes on from there
      (after the last batch: yields nothing and completes the epoch). `restart()` starts the epoch over.
    - All iterators share the one cursor: two of them divide an epoch's batches between them, and both end
      with the epoch.
    - Moving the cursor to another epoch, by `load_state_dict` say, ends the iterators of the old one.

    Args:
        data: a `Dataset`, or an array or a sequence of arrays for an `ArrayDataset`.
        batch_size: samples a batch; the last batch of an epoch has what remains.
        shuffle: draw a new order each epoch, instead of 0, 1, 2, ...
        drop_last: leave out a last batch that is not full.
        seed: chooses the orders and the transforms' randomness; at least 0.
        transform: changes the first array of each batch, after the dataset's own transform.

    Raises:
        DataError: an argument is out of range, or an epoch would have no batch.

    >>> loader = DataLoader(np.arange(10), batch_size=4)
    >>> [len(numbers.data) for numbers, in loader], loader.epoch
    ([4, 4, 2], 1)
    """

    def __init__(
        self,
        data: Dataset | NDArray[Any] | Sequence[ArrayLike],
        batch_size: int = 1,
        shuffle: bool = False,
        drop_last: bool = False,
        seed: int = 0,
        transform: Transform | None = None,
    ) -> None:
        self.dataset = _as_dataset(data)
        self.batch_size = _integer("batch_size", batch_size, at_least=1, fix="Use batch_size=64, say.")
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.transform = transform
        self.seed = _integer("seed", seed, at_least=0, fix="Any such number will do, 0 for one.")
        self.epoch = 0
        self.batch = 0
        if len(self) == 0:
            raise DataError(
                f"DataLoader: an epoch must have at least one batch, got none from {len(self.dataset)} "
                f"samples with batch_size={batch_size} and drop_last={drop_last}. Check the dataset, "
                f"use a smaller batch_size or drop_last=False."
            )

    def __len__(self) -> int:
        """The number of batches in a whole epoch."""
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        """Yield the rest of the current epoch, then move to the next epoch."""
        begun = (self.seed, self.epoch)
        order = self._order()
        while (self.seed, self.epoch) == begun:
            if self.batch == len(self):
                self.epoch, self.batch = self.epoch + 1, 0
                return
            arrays = self._fetch(order)
            # Count before yielding: a state saved while this batch is being used resumes after it.
            self.batch += 1
            yield tuple(Tensor(array) for array in arrays)

    def restart(self) -> None:
        """Go back to the first batch of the current epoch; the same batches come again."""
        self.batch = 0

    def state_dict(self) -> dict[str, int]:
        """The whole state: {"seed", "epoch", "batch"}, `batch` counting those handed out."""
        return {"seed": self.seed, "epoch": self.epoch, "batch": self.batch}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Continue from a `state_dict()` of a loader with the same dataset and settings.

        Raises:
            DataError: the state has other entries, or none of this loader's epochs has such a batch. The
                loader is then unchanged.
        """
        if set(state) != {"seed", "epoch", "batch"}:
            raise DataError(
                f"DataLoader.load_state_dict: expected the entries seed, epoch and batch, "
                f"got {', '.join(map(str, state)) or 'none'}. Pass what state_dict() returned."
            )
        fix = "Pass what state_dict() returned."
        seed, epoch, batch = (_integer(name, state[name], at_least=0, fix=fix) for name in ("seed", "epoch", "batch"))
        if batch > len(self):
            raise DataError(
                f"DataLoader.load_state_dict: batch must be at most {len(self)}, the batches of an epoch, "
                f"got {batch}. Use the dataset, batch_size and drop_last that the state was saved with."
            )
        self.seed, self.epoch, self.batch = seed, epoch, batch

    def _order(self) -> NDArray[np.int64]:
        if not self.shuffle:
            return np.arange(len(self.dataset))
        return _stream(self.seed, self.epoch).permutation(len(self.dataset))

    def _fetch(self, order: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
        start = self.batch * self.batch_size
        rng = _stream(self.seed, self.epoch, self.batch)
        first, *rest = self.dataset.batch(order[start : start + self.batch_size], rng)
        return (first if self.transform is None else self.transform(first, rng), *rest)

    def __repr__(self) -> str:
        return (
            f"DataLoader({self.dataset!r}, batch_size={self.batch_size}, shuffle={self.shuffle}, "
            f"drop_last={self.drop_last}, transform={self.transform}, seed={self.seed}, "
            f"epoch={self.epoch}, batch={self.batch}/{len(self)})"
        )


def _stream(seed: int, *key: int) -> Generator:
    # Not default_rng((seed, *key)): a seed is padded with zeros, so (seed, epoch) and (seed, epoch, 0)
    # would be one stream, and the order of an epoch would be correlated with its first batch.
    return np.random.default_rng(SeedSequence(seed, spawn_key=key))


def _as_dataset(data: Dataset | NDArray[Any] | Sequence[ArrayLike]) -> Dataset:
    if isinstance(data, Dataset):
        return data
    if isinstance(data, np.ndarray):
        return ArrayDataset(data)
    if isinstance(data, (tuple, list)):
        return ArrayDataset(*data)
    raise DataError(
        f"DataLoader: needs a dataset (with __len__ and batch(indices, rng)), an array or a tuple of arrays, "
        f"got {type(data).__name__}. Use DataLoader((images, labels))."
    )


def _integer(name: str, value: int, at_least: int, fix: str) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or number < at_least:
        raise DataError(f"DataLoader: {name} must be an integer of at least {at_least}, got {value!r}. {fix}")
    return number

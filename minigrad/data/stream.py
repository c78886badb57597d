"""`StreamLoader`: the batches of what can be iterated over only; see `iterable.py`."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator
from collections.abc import Generator as Generated
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from minigrad.data.batch_reader import Epoch, Fetched
from minigrad.data.collation import Arrays, collate
from minigrad.data.dataset import Dataset
from minigrad.data.iterable import WINDOW, shuffled
from minigrad.data.loader import DataLoader
from minigrad.data.part import read_part, rows_of_part
from minigrad.data.sampling import stream
from minigrad.data.skipping import collect_skipped, skip
from minigrad.errors import DataError

ENDLESS: Final = sys.maxsize
"""The number of batches where nobody knows it."""


class StreamLoader(DataLoader):
    """The `DataLoader` of a stream, which `DataLoader(data, ...)` is for data that can be iterated over only.

    The arguments, the states and what a batch depends on are those of `DataLoader`. How many batches there are is not
    known before the last one, unless the stream has a length: `len(loader)` is an error then, and `fit` takes
    schedules only that do not need the number of all steps. Shuffling chooses each sample from a window of those that
    come next.

    Args:
        data: an `IterableDataset`, or any object whose `__iter__` begins anew each time.
        batch_size: samples a batch; the last batch of an epoch has what remains (default 1).
        shuffle: whether samples are shuffled within the stream's window (default False).
        drop_last: leave out a last batch that is not full (default False).
        seed: chooses the orders and the transforms' randomness, an integer of at least 0 (default 0).
        transform: changes the first array of each batch (default None: none).
        **settings: the others of `DataLoader`: batch_transform, prefetch, workers, timeout, start_method.

    Raises:
        DataError: an argument is out of range, weights are given, or `data` is an iterator, which is exhausted after
            one epoch.
    """

    def __init__(
        self, data: Any, batch_size: int = 1, shuffle: bool = False, drop_last: bool = False, seed: int = 0,
        transform: Any = None, **settings: Any,
    ) -> None:  # fmt: skip
        if isinstance(data, Iterator):
            raise DataError(
                f"DataLoader: a {type(data).__name__} is exhausted after one epoch. Give an object whose __iter__ "
                "begins anew each time, such as a subclass of IterableDataset."
            )
        if settings.get("weights") is not None:
            raise DataError("DataLoader: weights choose samples by number, which a stream has not: leave them out.")
        self._count = operator.index(len(data)) if hasattr(data, "__len__") else None
        if self._count == 0:
            raise DataError(f"DataLoader: an epoch must have at least one batch, and {data!r} has the length 0.")
        self._last: int | None = None  # the number of batches of the current epoch, when its last one is there
        super().__init__(_Stream(data), batch_size, shuffle, drop_last, seed, transform, **settings)

    def __len__(self) -> int:
        """The number of batches in a whole epoch, if the stream has a length.

        Raises:
            TypeError: it has none.
        """
        if self._count is None:
            raise TypeError(f"{self.dataset!r} is a stream without a length: only its end tells how many batches it is")
        full, rest = divmod(self._count, self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __bool__(self) -> bool:
        """A loader is one, whatever its length."""
        return True

    @property
    def length(self) -> int | None:
        """The number of batches in a whole epoch; None where nobody knows it."""
        return None if self._count is None else len(self)

    @property
    def at_end(self) -> bool:
        """Whether the batch that was handed out last is the last one of its epoch."""
        return self.batch == (self._last if self.length is None else self.length)

    def _batches(self, seed: int, epoch: int, first: int) -> Generated[tuple[int, Fetched]]:
        """Each batch when the next one is there, so that the last one is known as such."""
        self._last = None
        with self._reading(seed, epoch, first) as read:
            batch, now = first, read(first)
            while now[0]:
                after = read(batch + 1)
                if not after[0]:
                    self._last = batch + 1
                yield batch, now
                batch, now = batch + 1, after

    def _samples(self, batch: int) -> int:
        """The number of samples in the first batches of an epoch, if these are full."""
        return batch * self.batch_size

    @property
    def _stop(self) -> int:
        return ENDLESS

    def _batch_reader(self) -> Callable[[Epoch, int], Fetched]:
        return _StreamReader(self)


class _Stream(Dataset):
    """A stream in the place of a loader's dataset."""

    def __init__(self, samples: Any) -> None:
        self.samples = samples
        self.classes = tuple(getattr(samples, "classes", ()))

    def __repr__(self) -> str:
        return repr(self.samples)


class _Records(Dataset):
    """The records of one batch, decoded when they are asked for.

    Args:
        samples: the stream.
        records: its records.
        first: the number of the first one in the stream.
        like: arrays as they are, if none of the records can be decoded.
    """

    reads_samples = True

    def __init__(self, samples: Any, records: list[Any], first: int, like: Arrays) -> None:
        self.records, self.first, self.like = records, first, like
        self.decode = getattr(samples, "decode", lambda record: record)
        self.skip_broken = getattr(samples, "skip_broken", False)

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Any:
        try:
            return self.decode(self.records[index])
        except Exception as error:
            error.add_note(f"while decoding sample {self.first + index} of the stream")
            raise

    def batch(self, indices: NDArray[np.int64], rng: Generator) -> Arrays:
        """The samples that can be decoded, stacked."""
        samples, kept = [], []
        for index in map(int, indices):
            try:
                samples.append(self[index])
                kept.append(self.first + index)
            except DataError as error:
                if not self.skip_broken:
                    raise
                skip(str(error))
        return collate(samples, kept) if samples else tuple(array[:0] for array in self.like)


class _StreamReader:
    """Makes the batches of a stream: each is read on from the one before, another one from the start.

    Args:
        loader: whose settings are taken.
    """

    def __init__(self, loader: StreamLoader) -> None:
        dataset = loader.dataset
        assert isinstance(dataset, _Stream)
        self.samples, self.limit = dataset.samples, loader._count
        self.batch_size, self.shuffle, self.drop_last = loader.batch_size, loader.shuffle, loader.drop_last
        self.transform, self.batch_transform = loader.transform, loader.batch_transform
        self._records: Iterator[Any] | None = None
        self._last: Arrays = (np.empty(0, np.float32), np.empty(0, np.int64))
        self._epoch: Epoch | None = None
        self._next = 0

    def __getstate__(self) -> dict[str, Any]:
        """Without what is being iterated over: another process begins anew."""
        return {**self.__dict__, "_records": None}

    def __call__(self, epoch: Epoch, batch: int) -> Fetched:
        """The arrays of a batch, and why samples are missing in it; no arrays behind the end."""
        try:
            with collect_skipped() as reasons:
                records = self._read(epoch, batch)
                if not records or (self.drop_last and len(records) < self.batch_size):
                    return (), reasons
                dataset = _Records(self.samples, records, batch * self.batch_size, self._last)
                rows = rows_of_part(*(epoch.part or (0, 1)), len(records))
                numbers, rng = np.arange(len(records)), stream(epoch.seed, epoch.epoch, batch)
                self._last = read_part(dataset, numbers, rows, rng, self.transform, self.batch_transform)
                return self._last, reasons
        except Exception as error:
            error.add_note(f"in batch {batch} of epoch {epoch.epoch} of the DataLoader")
            raise

    def _read(self, epoch: Epoch, batch: int) -> list[Any]:
        """The records of a batch, perhaps fewer at the end."""
        if self._records is None or batch < self._next or epoch != self._epoch:
            self._epoch = epoch
            records = islice(iter(self.samples), self.limit)
            window = getattr(self.samples, "window", WINDOW)
            self._records = shuffled(records, window, stream(epoch.seed, epoch.epoch)) if self.shuffle else records
            self._next = 0
        passed = (batch - self._next) * self.batch_size
        next(islice(self._records, passed, passed), None)
        self._next = batch + 1
        return list(islice(self._records, self.batch_size))


DataLoader.for_streams = StreamLoader

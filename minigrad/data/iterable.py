"""Streams: samples that come one after the other, from files, sockets or generators, and cannot be asked for by number.

Each process that makes batches runs through the whole stream, and decodes the samples of its own batches only. So a
batch is the same for any number of workers and ranks, and a run goes on after the samples that it has seen, which it
passes over without decoding them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any, ClassVar, Final, TypeVar

import numpy as np
from numpy.random import Generator

from minigrad.autograd.tensor import Tensor

T = TypeVar("T")

WINDOW: Final = 1000
"""How many samples a stream that does not tell is shuffled within."""


class IterableDataset:
    """Samples in the order in which they come: write `__iter__`, which begins anew each time it is called.

    What `__iter__` yields should be cheap, such as bytes or the lines of a file: each worker process runs through all
    of it. What costs time, decoding for instance, belongs into `decode`, which is called for the samples of a batch, by
    the one process that makes it. A stream that never ends, or is to be cut off, has a `__len__`: so many samples make
    an epoch.

    Attributes:
        classes: the names of the labels 0, 1, ..., for reports and plots; () where there are none.
        window: among how many samples `shuffle=True` chooses the next one; so many are held in memory.

    >>> from minigrad.data import DataLoader
    >>> class Squares(IterableDataset):
    ...     def __iter__(self):
    ...         return iter(range(5))
    ...
    ...     def decode(self, record):
    ...         return float(record), record**2
    >>> [targets.tolist() for _, targets in DataLoader(Squares(), batch_size=2)]
    [[0, 1], [4, 9], [16]]
    """

    classes: ClassVar[tuple[str, ...]] = ()
    window: int = WINDOW

    def __iter__(self) -> Iterator[Any]:
        """The records of an epoch, from the first one."""
        raise NotImplementedError(f"{type(self).__name__} needs a method __iter__(self) that yields its samples")

    def decode(self, record: Any) -> Any:
        """The sample of a record: an array or a number, or a tuple of them, the input first.

        Args:
            record: what `__iter__` has yielded.
        """
        return record


def is_stream(data: object) -> bool:
    """Whether data can be iterated over only: it has no samples by number."""
    if isinstance(data, (IterableDataset, Iterator)) or "IterableDataset" in {c.__name__ for c in type(data).__mro__}:
        return True
    if isinstance(data, (str, bytes, Mapping, Set, Tensor, np.ndarray)):
        return False
    return hasattr(data, "__iter__") and not hasattr(data, "__getitem__")


def shuffled(records: Iterable[T], window: int, rng: Generator) -> Iterator[T]:
    """Records in an order in which each is chosen from a window of those that come next.

    Args:
        records: what comes.
        window: how many are held.
        rng: chooses.

    >>> sorted(shuffled(range(5), 3, np.random.default_rng(0)))
    [0, 1, 2, 3, 4]
    """
    held: list[T] = []
    for record in records:
        if len(held) < window:
            held.append(record)
            continue
        place = int(rng.integers(window)) if window > 0 else 0
        if window > 0:
            record, held[place] = held[place], record
        yield record
    for place in rng.permutation(len(held)):
        yield held[place]

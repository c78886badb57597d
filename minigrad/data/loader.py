"""`DataLoader`: batches of Tensors in an order that three integers determine."""

import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from minigrad.autograd.tensor import Tensor
from minigrad.data.batch_reader import BatchReader, Epoch, Fetched
from minigrad.data.dataset import Dataset, as_dataset
from minigrad.data.iterable import is_stream
from minigrad.data.kept_workers import KeptWorkers
from minigrad.data.mixup import BatchTransform
from minigrad.data.prefetch import Prefetch
from minigrad.data.sampling import checked_integer, probabilities
from minigrad.data.skipping import Skipped
from minigrad.data.transform import Transform
from minigrad.data.workers import Workers
from minigrad.errors import DataError
from minigrad.pytorch_names.keywords import ExplainedKeywords
from minigrad.typing import Array


class DataLoader(ExplainedKeywords):
    """Yields the batches of a dataset, epoch after epoch, and can be stopped and resumed anywhere.

    What a batch holds is a pure function of (seed, epoch, batch)::

        order of an epoch:      stream(seed, epoch).permutation(len(dataset)), or dataset.blocks.shuffled(stream(...))
        transforms of a batch:  stream(seed, epoch, batch)

    so these three integers are the whole state, and a run resumed from `state_dict()` sees the remaining
    batches bit for bit, in the middle of an epoch too.

    Each `for` is a pass over a whole epoch, and the one after it over the next epoch:

    - Looking at a batch changes nothing: after `next(iter(loader))` the next pass is what it would have been.
    - A pass that is left after two batches or more, by `break` say, counts as its epoch: the next pass is over the
      whole next one, so that steps counted by hand meet new samples. `restart()` goes back to the epoch's beginning.
    - Only the first pass after `load_state_dict` begins within an epoch, where the saved one stood.
    - Iterators are independent of each other; `load_state_dict` and `restart` end those that were begun before.

    `epoch` is the epoch of the batch that was handed out last, and `batch` the number of the epoch's batches up to it.

    What a dataset or a transform raises is raised where the batch was asked for, with a note of the batch and its
    samples, and the state stays before that batch. `prefetch` changes nothing of all this: a thread then gets the
    next batches meanwhile. It ends with the iteration, also one that is left early. With `workers` it is that many
    processes instead, which keep all processors busy: dataset and transforms must then be such as can be pickled, and a
    script needs `if __name__ == "__main__":` around what it does.

    Samples that a dataset leaves out because they cannot be read are missing in their batches, and a batch without
    any is passed over. They are counted in `skipped`, and a warning tells of them when the epoch ends.

    Args:
        data: a `Dataset`; arrays for an `ArrayDataset`, `(inputs, targets)` for instance; a list of samples, which are
            tuples, `[(x0, y0), (x1, y1), ...]`; or anything else with `__len__` and `__getitem__`.
        batch_size: samples a batch; the last batch of an epoch has what remains (default 1).
        shuffle: draw a new order each epoch, instead of 0, 1, 2, ... (default False).
        drop_last: leave out a last batch that is not full (default False).
        seed: chooses the orders and the transforms' randomness, an integer of at least 0 (default 0).
        transform: changes the first array of each batch, after the dataset's own transform (default None: none).
        weights: (len(data),) numbers of at least 0: an epoch is then as many samples, drawn independently with these
            relative frequencies, some of them repeatedly; `shuffle` changes nothing (default None: each sample once).
        batch_transform: changes all arrays of each batch, after `transform`; see `Mixup` (default None: none).
        prefetch: how many batches to get ahead, in one thread (default 0: none). With workers, how many may wait at
            least, where two for each are too few.
        workers: how many processes make the batches (default 0: none).
        timeout: seconds after which a worker that has not answered is given up (default 300.0).
        persistent_workers: whether the processes stay when a pass ends, and make the batches of the next one (default
            False). They keep dataset and transforms as these were in the first pass, until `close()`, or until nobody
            knows the loader any more.
        start_method: how workers are started, "fork", "forkserver" or "spawn" (default None: forkserver where there is
            one, spawn elsewhere).

    Raises:
        DataError: an argument is out of range, or an epoch would have no batch.

    >>> loader = DataLoader(np.arange(10), batch_size=4)
    >>> [len(numbers.data) for numbers, in loader], loader.epoch
    ([4, 4, 2], 1)
    """

    for_streams: ClassVar[type["DataLoader"]]
    """The class of the loaders of data that can be iterated over only."""

    def __new__(cls, *args: Any, **given: Any) -> "DataLoader":
        """A loader for samples by number, or for a stream."""
        data = args[0] if args else given.get("data")
        chosen = cls.for_streams if cls is DataLoader and is_stream(data) else cls
        return super().__new__(chosen, *args, **given)

    def __init__(
        self,
        data: Dataset | Array | Sequence[Any] | Iterable[Any],  # of arrays, or of samples
        batch_size: int = 1,
        shuffle: bool = False,
        drop_last: bool = False,
        seed: int = 0,
        transform: Transform | None = None,
        *,
        weights: ArrayLike | None = None,
        batch_transform: BatchTransform | None = None,
        prefetch: int = 0,
        workers: int = 0,
        timeout: float = 300.0,
        start_method: str | None = None,
        persistent_workers: bool = False,
    ) -> None:
        self.dataset = as_dataset("DataLoader", data)
        if np.ndim(batch_size):
            raise DataError("DataLoader: batch_size is a number, got an array: give arrays as one, DataLoader((x, y))")
        self.batch_size = checked_integer("batch_size", batch_size, at_least=1, fix="Use batch_size=64, say.")
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.transform = transform
        self.batch_transform = batch_transform
        self.prefetch = checked_integer("prefetch", prefetch, at_least=0, fix="Use prefetch=2, or 0 for no thread.")
        self.workers = checked_integer("workers", workers, at_least=0, fix="Use workers=2, or 0 for none.")
        self.timeout, self.start_method, self.persistent_workers = timeout, start_method, persistent_workers
        self._kept_workers = KeptWorkers()
        self._probabilities = None if weights is None else probabilities(weights, len(self.dataset))
        self.seed = checked_integer("seed", seed, at_least=0, fix="Any such number will do, 0 for one.")
        self.epoch = 0
        self.batch = 0
        self._next = 0, 0  # the epoch and batch at which the next pass begins
        self.skipped = Skipped()  # in the current epoch
        self._moves = 0  # how often it was moved to another place: what was begun before ends
        self._part: tuple[int, int] | None = None
        if self.length == 0:
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
        """Yield the batches of the next epoch, or what is left of one whose state was loaded."""
        seed, moves, (epoch, first) = self.seed, self._moves, self._next
        with closing(self._batches(seed, epoch, first)) as batches:
            for batch, (arrays, reasons) in batches:
                self.skipped = Skipped() if batch == 0 else self.skipped
                self.skipped.add(reasons)
                # Count before yielding: a state saved while this batch is being used resumes after it.
                self.epoch, self.batch = epoch, batch + 1
                if batch > first:  # one batch alone may have been a look
                    self._next = epoch + 1, 0
                if not len(arrays[0]) and self._part is None:  # other parts may have samples
                    continue
                yield tuple(Tensor(array) for array in arrays)
                if self._moves != moves:
                    return
        self.epoch, self.batch = self._next = epoch + 1, 0
        if self.skipped.count:
            warnings.warn(f"DataLoader: in epoch {epoch}, {self.skipped}", UserWarning, stacklevel=2)

    def _batches(self, seed: int, epoch: int, first: int) -> Generator[tuple[int, Fetched]]:
        """The batches of an epoch from one on, with their numbers."""
        with self._reading(seed, epoch, first) as read:
            for batch in range(first, len(self)):
                yield batch, read(batch)

    @property
    def length(self) -> int | None:
        """The number of batches in a whole epoch; None where nobody knows it, as of a stream."""
        return len(self)

    @property
    def at_end(self) -> bool:
        """Whether the batch that was handed out last is the last one of its epoch."""
        return self.batch == self.length

    def restart(self) -> None:
        """Go back to the first batch of the current epoch; the same batches come again."""
        self._move_to(self.epoch, 0)

    def _move_to(self, epoch: int, batch: int) -> None:
        self.epoch, self.batch = self._next = epoch, batch
        self._moves += 1

    @contextmanager
    def part(self, rank: int, size: int) -> Iterator[None]:
        """Inside of this block each batch has only the samples of one of several processes; the state is the same.

        A batch is cut into parts as equal as can be, in order. Some of a small batch may have no sample.

        Args:
            rank: the number of the process, from 0.
            size: how many there are.

        >>> loader = DataLoader(np.arange(5.0), batch_size=3)
        >>> with loader.part(1, 2):
        ...     [batch.tolist() for (batch,) in loader]
        [[2.0], [4.0]]
        """
        former, self._part = self._part, (rank, size) if size > 1 else None
        try:
            yield
        finally:
            self._part = former

    def state_dict(self) -> dict[str, int]:
        """The whole state: {"seed", "epoch", "batch"}, `batch` counting those handed out; and the samples in these.

        For a dataset that has a fingerprint, also that.
        """
        state = {"seed": self.seed, "epoch": self.epoch, "batch": self.batch, "samples": self._samples(self.batch)}
        return {**state, "data": self.dataset.fingerprint} if self.dataset.fingerprint else state

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Continue from a `state_dict()` of a loader with the same dataset and settings.

        Args:
            state: what `state_dict` returned.

        Raises:
            DataError: the state has other entries, or none of this loader's epochs has such a batch, or its batches
                were of another size, or the dataset has changed. The loader is then unchanged.
        """
        if set(state) - {"samples", "data"} != {"seed", "epoch", "batch"}:
            raise DataError(
                f"DataLoader.load_state_dict: expected the entries seed, epoch and batch, "
                f"got {', '.join(map(str, state)) or 'none'}. Pass what state_dict() returned."
            )
        fix = "Pass what state_dict() returned."
        names = "seed", "epoch", "batch"
        seed, epoch, batch = (checked_integer(name, state[name], at_least=0, fix=fix) for name in names)
        if self.length is not None and batch > self.length:
            raise DataError(
                f"DataLoader.load_state_dict: batch must be at most {len(self)}, the batches of an epoch, "
                f"got {batch}. Use the dataset, batch_size and drop_last that the state was saved with."
            )
        if "samples" in state and state["samples"] != self._samples(batch):
            raise DataError(
                f"DataLoader.load_state_dict: the state was saved within an epoch, after {state['samples']} samples in "
                f"{batch} batches; here, with batch_size={self.batch_size}, these are {self._samples(batch)}. Samples "
                "would be left out or come twice: change the batch size or the dataset between two epochs."
            )
        if batch and state.get("data", self.dataset.fingerprint) != self.dataset.fingerprint:
            raise DataError(
                f"DataLoader.load_state_dict: the state was saved within an epoch of other files than {self.dataset!r} "
                "has now. Samples would be left out or come twice: change files between two epochs."
            )
        self.seed = seed
        self._move_to(epoch, batch)

    def _samples(self, batch: int) -> int:
        """The number of samples in the first batches of an epoch."""
        return min(batch * self.batch_size, len(self.dataset))

    @contextmanager
    def _reading(self, seed: int, epoch: int, first: int) -> Iterator[Callable[[int], Fetched]]:
        """A function from the number of a batch to the batch, inside of this block."""
        reader, chosen = self._batch_reader(), Epoch(seed, epoch, self._part)
        with ExitStack() as ends:
            if self.workers:
                count = self.workers if self.persistent_workers else min(self.workers, self._stop - first - 1)
                start = partial(
                    Workers, reader, count, self.prefetch, timeout=self.timeout, start_method=self.start_method
                )
                workers = self._kept_workers.free(start, ends, keep=self.persistent_workers)
                yield ends.enter_context(workers.reading(chosen, first, self._stop))
            elif self.prefetch:
                yield ends.enter_context(Prefetch(partial(reader, chosen), self._stop, self.prefetch))
            else:
                yield partial(reader, chosen)

    def _batch_reader(self) -> Callable[[Epoch, int], Fetched]:
        """What makes the batches."""
        return BatchReader(
            self.dataset, self.batch_size, self.shuffle, self.transform, self.batch_transform, self._probabilities
        )

    @property
    def _stop(self) -> int:
        """The first batch that is not there."""
        return len(self)

    def close(self) -> None:
        """End the worker processes that are kept; the next pass starts others."""
        self._kept_workers.close()

    def __repr__(self) -> str:
        joint = f"batch_transform={self.batch_transform}, " if self.batch_transform is not None else ""
        weights = "weighted, " if self._probabilities is not None else ""
        prefetch = f"prefetch={self.prefetch}, " if self.prefetch else ""
        prefetch += f"workers={self.workers}, " if self.workers else ""
        return (
            f"DataLoader({self.dataset!r}, batch_size={self.batch_size}, shuffle={self.shuffle}, "
            f"drop_last={self.drop_last}, transform={self.transform}, {joint}{weights}{prefetch}seed={self.seed}, "
            f"epoch={self.epoch}, batch={self.batch}/{len(self)})"
        )

"""`DataLoader`: batches of Tensors in an order that three integers determine."""

import operator
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minigrad.autograd.tensor import Tensor
from minigrad.data.collation import Arrays
from minigrad.data.dataset import Dataset, as_dataset
from minigrad.data.mixup import BatchTransform
from minigrad.data.part import read_part, rows_of_part
from minigrad.data.prefetch import Prefetch
from minigrad.data.sampling import probabilities, stream
from minigrad.data.skipping import Skipped, collect_skipped
from minigrad.data.transform import Transform
from minigrad.data.workers import Workers
from minigrad.errors import DataError
from minigrad.pytorch_names.keywords import ExplainedKeywords
from minigrad.typing import Array

Fetched = tuple[Arrays, list[str]]
"""A batch, and why samples are missing in it."""


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
        start_method: how workers are started, "fork", "forkserver" or "spawn" (default None: forkserver where there is
            one, spawn elsewhere).

    Raises:
        DataError: an argument is out of range, or an epoch would have no batch.

    >>> loader = DataLoader(np.arange(10), batch_size=4)
    >>> [len(numbers.data) for numbers, in loader], loader.epoch
    ([4, 4, 2], 1)
    """

    def __init__(
        self,
        data: Dataset | Array | Sequence[Any],  # of arrays, or of samples
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
    ) -> None:
        self.dataset = as_dataset("DataLoader", data)
        if np.ndim(batch_size):
            raise DataError("DataLoader: batch_size is a number, got an array: give arrays as one, DataLoader((x, y))")
        self.batch_size = _integer("batch_size", batch_size, at_least=1, fix="Use batch_size=64, say.")
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.transform = transform
        self.batch_transform = batch_transform
        self.prefetch = _integer("prefetch", prefetch, at_least=0, fix="Use prefetch=2, or 0 for no thread.")
        self.workers = _integer("workers", workers, at_least=0, fix="Use workers=2, or 0 for none.")
        self.timeout, self.start_method = timeout, start_method
        self._probabilities = None if weights is None else probabilities(weights, len(self.dataset))
        self.seed = _integer("seed", seed, at_least=0, fix="Any such number will do, 0 for one.")
        self.epoch = 0
        self.batch = 0
        self._next = 0, 0  # the epoch and batch at which the next pass begins
        self.skipped = Skipped()  # in the current epoch
        self._moves = 0  # how often it was moved to another place: what was begun before ends
        self._part: tuple[int, int] | None = None
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
        """Yield the batches of the next epoch, or what is left of one whose state was loaded."""
        seed, moves, (epoch, first) = self.seed, self._moves, self._next
        with self._reader(seed, epoch, first) as read:
            for batch in range(first, len(self)):
                arrays, reasons = read(batch)
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
        seed, epoch, batch = (_integer(name, state[name], at_least=0, fix=fix) for name in ("seed", "epoch", "batch"))
        if batch > len(self):
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

    def _reader(self, seed: int, epoch: int, first: int) -> AbstractContextManager[Callable[[int], Fetched]]:
        """A function from the number of a batch to the batch."""
        read = partial(self._fetch, self._order(seed, epoch), seed, epoch)
        if self.workers:
            ahead, method = self.prefetch, self.start_method
            return Workers(read, first, len(self), self.workers, ahead, timeout=self.timeout, start_method=method)
        return Prefetch(read, stop=len(self), ahead=self.prefetch) if self.prefetch else nullcontext(read)

    def _order(self, seed: int, epoch: int) -> NDArray[np.int64]:
        samples = len(self.dataset)
        if self._probabilities is not None:
            return stream(seed, epoch).choice(samples, samples, p=self._probabilities)
        if not self.shuffle:
            return np.arange(samples)
        rng, blocks = stream(seed, epoch), self.dataset.blocks
        return rng.permutation(samples) if blocks is None else blocks.shuffled(rng)

    def _fetch(self, order: NDArray[np.int64], seed: int, epoch: int, batch: int) -> Fetched:
        indices = order[batch * self.batch_size : (batch + 1) * self.batch_size]
        rng = stream(seed, epoch, batch)
        try:
            with collect_skipped() as reasons:
                if self._part is not None:
                    rows = rows_of_part(*self._part, len(indices))
                    part = read_part(self.dataset, indices, rows, rng, self.transform, self.batch_transform)
                    return part, reasons
                arrays = self.dataset.batch(indices, rng)
            if len(arrays[0]):
                first, *rest = arrays
                arrays = (first if self.transform is None else self.transform(first, rng), *rest)
                arrays = arrays if self.batch_transform is None else self.batch_transform(arrays, rng)
            return arrays, reasons
        except Exception as error:
            error.add_note(f"in batch {batch} of epoch {epoch} of the DataLoader: samples {_listed(indices)}")
            raise

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


def _listed(indices: NDArray[np.int64]) -> str:
    numbers = ", ".join(map(str, indices[:8]))
    return numbers if len(indices) <= 8 else f"{numbers} ... ({len(indices)} in all)"


def _integer(name: str, value: int, at_least: int, fix: str) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or number < at_least:
        raise DataError(f"DataLoader: {name} must be an integer of at least {at_least}, got {value!r}. {fix}")
    return number

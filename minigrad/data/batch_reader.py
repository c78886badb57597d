"""`BatchReader`: a batch of a loader's epoch, in whatever process it is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from minigrad.data.collation import Arrays
from minigrad.data.dataset import Dataset
from minigrad.data.mixup import BatchTransform
from minigrad.data.part import read_part, rows_of_part
from minigrad.data.sampling import stream
from minigrad.data.skipping import collect_skipped
from minigrad.data.transform import Transform

Fetched: TypeAlias = tuple[Arrays, list[str]]
"""A batch, and why samples are missing in it."""


class Epoch(NamedTuple):
    """Which epoch, of which seed, and which part of its batches, as rank and number of ranks; None for all of them."""

    seed: int
    epoch: int
    part: tuple[int, int] | None


@dataclass
class BatchReader:
    """Makes the batches of a loader; see there.

    Attributes:
        dataset, batch_size, shuffle, transform, batch_transform: the loader's.
        probabilities: with which samples are drawn; None if each comes once.
    """

    dataset: Dataset
    batch_size: int
    shuffle: bool
    transform: Transform | None
    batch_transform: BatchTransform | None
    probabilities: NDArray[np.float64] | None
    _kept: tuple[Epoch, NDArray[np.int64]] | None = field(default=None, repr=False)

    def __call__(self, epoch: Epoch, batch: int) -> Fetched:
        """The arrays of a batch, and why samples are missing in it."""
        indices = self._order(epoch)[batch * self.batch_size : (batch + 1) * self.batch_size]
        rng = stream(epoch.seed, epoch.epoch, batch)
        try:
            with collect_skipped() as reasons:
                if epoch.part is not None:
                    rows = rows_of_part(*epoch.part, len(indices))
                    part = read_part(self.dataset, indices, rows, rng, self.transform, self.batch_transform)
                    return part, reasons
                arrays = self.dataset.batch(indices, rng)
            if len(arrays[0]):
                first, *rest = arrays
                arrays = (first if self.transform is None else self.transform(first, rng), *rest)
                arrays = arrays if self.batch_transform is None else self.batch_transform(arrays, rng)
            return arrays, reasons
        except Exception as error:
            error.add_note(f"in batch {batch} of epoch {epoch.epoch} of the DataLoader: samples {_listed(indices)}")
            raise

    def _order(self, epoch: Epoch) -> NDArray[np.int64]:
        """The samples of an epoch in their order; that of the last one is kept."""
        if self._kept is None or self._kept[0] != epoch:
            self._kept = epoch, self._new_order(epoch)
        return self._kept[1]

    def _new_order(self, epoch: Epoch) -> NDArray[np.int64]:
        samples = len(self.dataset)
        if self.probabilities is not None:
            return stream(epoch.seed, epoch.epoch).choice(samples, samples, p=self.probabilities)
        if not self.shuffle:
            return np.arange(samples)
        rng, blocks = stream(epoch.seed, epoch.epoch), self.dataset.blocks
        return rng.permutation(samples) if blocks is None else blocks.shuffled(rng)

    def __getstate__(self) -> dict[str, object]:
        """Without the order that is kept: another process makes its own."""
        return {**self.__dict__, "_kept": None}


def _listed(indices: NDArray[np.int64]) -> str:
    numbers = ", ".join(map(str, indices[:8]))
    return numbers if len(indices) <= 8 else f"{numbers} ... ({len(indices)} in all)"

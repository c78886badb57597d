"""`Alone`: a training in one process, where nothing is to be shared; `Ranks` does otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from numpy.random import Generator

from minigrad.autograd.tensor import Tensor
from minigrad.training.callback import Callback
from minigrad.training.evaluation import measure
from minigrad.training.history import EpochRecord
from minigrad.training.training_state import Batch, RunningSums, TrainingState

TEST_BATCH: Final = 256
"""Samples in a batch of an evaluation."""


class Alone:
    """A training in one process."""

    alone = True

    def callbacks(self, callbacks: Sequence[Callback]) -> tuple[Callback, ...]:
        """Those that are called on this rank.

        Args:
            callbacks: those of the training.
        """
        return tuple(callbacks)

    def reading(self, training: TrainingState) -> AbstractContextManager[None]:
        """Inside of this block the loader gives this rank's samples."""
        return nullcontext()

    def begin(self, training: TrainingState) -> None:
        """Give all ranks the state of rank 0, before the first step."""

    def begin_step(self, training: TrainingState, generators: Mapping[str, Generator]) -> None:
        """Set the random generators for a step."""

    def samples(self, training: TrainingState, batches: Sequence[Batch]) -> int:
        """How many samples a step has on all ranks."""
        return sum(len(target) for *_, target in batches)

    def backward(self, last: bool) -> AbstractContextManager[object]:
        """Around the forward and backward pass of a batch, the last one of a step or not."""
        return nullcontext()

    def without_samples(self, training: TrainingState, inputs: Sequence[Tensor]) -> None:
        """Do what a batch needs of a rank that has no sample of it."""

    def finish_gradients(self) -> None:
        """See that the gradients are those of all ranks."""

    def sums(self, training: TrainingState) -> RunningSums:
        """Where the losses of a step are added up."""
        return training.sums

    def finish_step(self, training: TrainingState, sums: RunningSums) -> None:
        """Add up the losses of all ranks."""

    def agree_to_stop(self, training: TrainingState) -> bool:
        """Whether one of the ranks is to stop: then all do. A signal may come to one of them at any moment."""
        return training.stopping

    def settle(self, training: TrainingState) -> None:
        """Make everything that is saved, or evaluated with, the same on all ranks."""

    def evaluate(self, training: TrainingState) -> EpochRecord:
        """Loss and metrics on the test samples."""
        assert training.test is not None
        sums = measure(training.model, training.test, training.loss, TEST_BATCH, training.metrics)
        return sums.means(training.metrics)

    def record(self, record: EpochRecord) -> EpochRecord:
        """The record of an epoch, the same on all ranks."""
        return record

    def finds_causes(self) -> bool:
        """Whether a step with a NaN can be run a second time, to find where it came from."""
        return True

    def end(self, error: BaseException | None) -> None:
        """Tell the other ranks that this one is done, or of its error."""

"""`Training`: a training in progress. Callbacks see it; a checkpoint keeps what of it cannot be made again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from minigrad.data import DataLoader, Dataset
from minigrad.nn import Module
from minigrad.optim import Optimizer
from minigrad.optim.schedule import Schedule
from minigrad.tensor import Array, Tensor
from minigrad.training.history import History
from minigrad.training.metric import predictions

Loss = Callable[[Tensor, Tensor], Tensor]
"""From the model's output and the target to one number, a mean over the batch."""

Data = DataLoader | Dataset | Array | Sequence[Any]
"""Samples: a loader, a dataset, or arrays with the target last."""


@dataclass
class Sums:
    """Sums over the samples seen so far: of an epoch, or of an evaluation."""

    loss: float = 0.0
    samples: int = 0
    correct: int = 0
    labeled: int = 0  # samples with a class number to be right about
    seconds: float = 0.0

    def add(self, loss: float, output: Array, target: Array) -> None:
        """Count one more batch, of which `loss` is the mean."""
        self.loss += loss * len(target)
        self.samples += len(target)
        if target.ndim == 1 and target.dtype.kind in "iu" and output.ndim == 2:
            self.correct += int((predictions(output) == target).sum())
            self.labeled += len(target)

    def means(self) -> dict[str, float]:
        """The mean loss and, where there were class numbers, the accuracy."""
        means = {"loss": self.loss / max(1, self.samples)}
        return {**means, "accuracy": self.correct / self.labeled} if self.labeled else means


@dataclass
class Training:
    """What is trained, how, and how far it has come.

    Attributes:
        epoch: the number of finished epochs.
        step: the number of updates so far, over all epochs.
        sums: of the epoch that is under way.
        status: "stopped" means that someone called `stop()` before all epochs were done.
    """

    model: Module
    loader: DataLoader
    loss: Loss
    optimizer: Optimizer
    epochs: int
    schedule: Schedule
    test: Data | None = None
    epoch: int = 0
    step: int = 0
    sums: Sums = field(default_factory=Sums)
    history: History = field(default_factory=History)
    status: Literal["running", "finished", "stopped", "failed"] = "running"
    stopping: bool = False

    def stop(self) -> None:
        """Ask for an end after the current step."""
        self.stopping = True

    @property
    def total_steps(self) -> int:
        """The number of updates that the whole training has."""
        return self.epochs * len(self.loader)

    def lr(self, step: int) -> float:
        """The learning rate of the first parameter group at a step, counted from 0."""
        return float(self.optimizer.param_groups[0]["lr"] * self.schedule(step, self.total_steps))

    def update(self) -> None:
        """One step of the optimizer, with its learning rates as the schedule has them for this step."""
        factor, groups = self.schedule(self.step, self.total_steps), self.optimizer.param_groups
        base = [group["lr"] for group in groups]
        try:
            for group in groups:
                group["lr"] *= factor
            self.optimizer.step()
        finally:  # between steps the optimizer shows its own rates: nothing about a schedule needs to be saved
            for group, lr in zip(groups, base, strict=True):
                group["lr"] = lr
        self.step += 1

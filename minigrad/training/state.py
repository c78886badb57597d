"""`Training`: a training in progress. Callbacks see it; a checkpoint keeps what of it cannot be made again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.data import DataLoader, Dataset
from minigrad.nn import Module
from minigrad.optim import Optimizer, clip_grad_norm, clip_grad_value
from minigrad.optim.schedule import Constant, Schedule, scheduled
from minigrad.training.history import History
from minigrad.training.metric import predictions
from minigrad.training.tally import Metric
from minigrad.typing import Array

if TYPE_CHECKING:
    from minigrad.training.callback import Callback

Loss = Callable[[Any, Tensor], Tensor]
"""From the model's output, or outputs, and the target to one number, a mean over the batch."""

Data = DataLoader | Dataset | Array | Sequence[Any]
"""Samples: a loader, a dataset, or arrays with the target last."""


def answer(output: Any) -> Tensor:
    """What metrics look at: a model's output, or the first of several (the others serve its loss alone)."""
    first: Tensor = output[0] if isinstance(output, (tuple, list)) else output
    return first


def are_scores(output: Array, target: Array) -> bool:
    """Whether there are scores (N, D) of classes and class numbers (N). Of one column the largest says nothing."""
    return output.ndim == 2 and output.shape[1] > 1 and target.ndim == 1 and target.dtype.kind in "iu"


@dataclass
class Sums:
    """Sums over the samples seen so far: of an epoch, or of an evaluation."""

    loss: float = 0.0
    samples: int = 0
    correct: int = 0
    labeled: int = 0  # samples with a class number to be right about
    seconds: float = 0.0
    tallies: dict[str, Array] = field(default_factory=dict)

    def add(self, loss: float, output: Array, target: Array, metrics: Mapping[str, Metric]) -> None:
        """Count one more batch, of which `loss` is the mean."""
        self.loss += loss * len(target)
        self.samples += len(target)
        if are_scores(output, target):
            self.correct += int((predictions(output) == target).sum())
            self.labeled += len(target)
        for name, metric in metrics.items():
            new, old = metric.tally(output, target), self.tallies.get(name)
            self.tallies[name] = new if old is None else metric.combined(old, new)

    def means(self, metrics: Mapping[str, Metric]) -> dict[str, Any]:
        """The mean loss, where there were class numbers the accuracy, and the metrics: numbers, or lists of them."""
        means = {"loss": self.loss / max(1, self.samples)}
        if self.labeled:
            means["accuracy"] = self.correct / self.labeled
        found = {name: metric.value(self.tallies[name]) for name, metric in metrics.items() if name in self.tallies}
        return {**means, **{name: np.asarray(value).tolist() for name, value in found.items()}}


@dataclass
class Training:
    """What is trained, how, and how far it has come.

    Attributes:
        accumulate: how many batches a step has.
        clip_norm, clip_value: what gradients are clipped to before a step, if anything.
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
    schedule: Schedule = field(default_factory=Constant)
    test: Data | None = None
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    accumulate: int = 1
    clip_norm: float | None = None
    clip_value: float | None = None
    callbacks: tuple[Callback, ...] = ()
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
        return self.epochs * math.ceil(len(self.loader) / self.accumulate)

    @property
    def means(self) -> dict[str, Any]:
        """What was measured in the epoch that is under way."""
        return self.sums.means(self.metrics)

    def lr(self, step: int) -> float:
        """The learning rate of the first parameter group at a step, counted from 0."""
        return float(self.optimizer.param_groups[0]["lr"] * self.schedule(step, self.total_steps))

    def parameters(self) -> Iterator[Tensor]:
        """What the optimizer updates."""
        return (p for group in self.optimizer.param_groups for p in group["params"])

    def batches(self) -> Iterator[list[tuple[Tensor, ...]]]:
        """The batches of each step that is left in the loader's epoch; the last step may have fewer."""
        group = []
        for batch in self.loader:
            group.append(batch)
            # Asking the loader for one more would move it to its next epoch before this step is done.
            if len(group) == self.accumulate or self.loader.batch == len(self.loader):
                yield group
                group = []

    def clip(self) -> None:
        """Clip the gradients, first their numbers, then their common norm."""
        if self.clip_value is not None:
            clip_grad_value(self.parameters(), self.clip_value)
        if self.clip_norm is not None:
            clip_grad_norm(self.parameters(), self.clip_norm)

    def update(self) -> None:
        """One step of the optimizer, with its learning rates as the schedule has them for this step."""
        with scheduled(self.optimizer, self.schedule, self.step, self.total_steps):
            self.optimizer.step()
        self.step += 1

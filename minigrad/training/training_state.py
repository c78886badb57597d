"""`TrainingState`: what is trained, how, and how far it has come. Callbacks see it; a checkpoint saves what changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.data import DataLoader, Dataset
from minigrad.nn import Module
from minigrad.optim import Optimizer, clip_grad_norm, clip_grad_value
from minigrad.optim.schedule import Constant, Schedule, scheduled
from minigrad.training.history import History
from minigrad.training.metrics import Metric, MetricValues, predictions
from minigrad.typing import Array

if TYPE_CHECKING:
    from minigrad.training.callback import Callback

UNKNOWN_TOTAL: Final = 2**62
"""In the place of the number of all steps, for schedules that do not need it, where nobody knows it."""

Output: TypeAlias = Any  # a Tensor, or several in a tuple: whatever the user's model gives and their loss takes
"""The output of a model."""

Loss: TypeAlias = Callable[[Output, Tensor], Tensor]
"""From the model's output and the target to one number, a mean over the batch."""

Data: TypeAlias = DataLoader | Dataset | Array | Sequence[Any]  # arrays, or the samples of another library's dataset
"""Samples: a loader, a dataset, or arrays with the target last."""

Batch: TypeAlias = tuple[Tensor, ...]
"""The arrays of some samples, the target last."""


def first_output(output: Output) -> Tensor:
    """A model's output, or the first of several: the one that metrics look at. The others are for the loss alone.

    Args:
        output: what the model returned.
    """
    first: Tensor = output[0] if isinstance(output, (tuple, list)) else output
    return first


def is_classification(output: Array, target: Array) -> bool:
    """Whether these are scores (N, D) of at least two classes, and class numbers (N)."""
    return output.ndim == 2 and output.shape[1] > 1 and target.ndim == 1 and target.dtype.kind in "iu"


@dataclass
class RunningSums:
    """Sums over the samples seen so far, in an epoch of training or in an evaluation.

    Attributes:
        loss: the sum of the samples' losses.
        samples: their number.
        correct: the number of samples predicted correctly.
        labeled: the number of samples with a class number as target.
        seconds: the time spent, evaluations excluded.
        metric_states: the states of the metrics, by their names.
    """

    loss: float = 0.0
    samples: int = 0
    correct: int = 0
    labeled: int = 0
    seconds: float = 0.0
    metric_states: dict[str, Array] = field(default_factory=dict)

    def add(self, loss: float, output: Array, target: Array, metrics: Mapping[str, Metric]) -> None:
        """Add one batch.

        Args:
            loss: the mean over the batch.
            output: (N, ...).
            target: (N, ...).
            metrics: by name; the same at each call.
        """
        self.loss += loss * len(target)
        self.samples += len(target)
        if is_classification(output, target):
            self.correct += int((predictions(output) == target).sum())
            self.labeled += len(target)
        for name, metric in metrics.items():
            self.metric_states[name] = metric.update(self.metric_states.get(name), output, target)

    def means(self, metrics: Mapping[str, Metric]) -> MetricValues:
        """The mean loss, the accuracy where there were class numbers, and the metrics: numbers, or lists of them."""
        means = {"loss": self.loss / max(1, self.samples)}
        if self.labeled:
            means["accuracy"] = self.correct / self.labeled
        states = self.metric_states
        computed = {name: metric.compute(states[name]) for name, metric in metrics.items() if name in states}
        return {**means, **{name: np.asarray(value).tolist() for name, value in computed.items()}}


@dataclass
class TrainingState:
    """The state of a training run, which `fit` advances and callbacks read.

    Args:
        model: what is trained.
        loader: gives the batches, the target last.
        loss: a function of output and target.
        optimizer: updates the model's parameters.
        epochs: how many there are to be.
        schedule: scales the learning rates (default: constant rates).
        test: what the model is evaluated on after each epoch (default: nothing).
        metrics: what is measured beside loss and accuracy, by name (default: nothing).
        accumulate: the number of batches in a step (default 1).
        clip_norm: the largest norm of all gradients together (default: no limit).
        clip_value: the largest absolute value in a gradient (default: no limit).
        callbacks: in the order in which they are called (default ()).
        epoch: the number of finished epochs (default 0).
        step: the number of updates so far, over all epochs (default 0).
        sums: over the samples of the current epoch (default: nothing yet).
        history: a record for each finished epoch (default: none yet).
        status: "running", "finished", "stopped" by a call of `stop` before all epochs were done, or "failed"
            (default "running").
        stopping: whether someone called `stop` (default False).
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
    sums: RunningSums = field(default_factory=RunningSums)
    history: History = field(default_factory=History)
    status: Literal["running", "finished", "stopped", "failed"] = "running"
    stopping: bool = False

    def stop(self) -> None:
        """Stop training after the current step."""
        self.stopping = True

    @property
    def total_steps(self) -> int | None:
        """The number of updates in all epochs together; None where the loader does not know its length."""
        length = self.loader.length
        return None if length is None else self.epochs * math.ceil(length / self.accumulate)

    @property
    def means(self) -> MetricValues:
        """Loss, accuracy and metrics of the current epoch so far."""
        return self.sums.means(self.metrics)

    def lr(self, step: int) -> float:
        """The learning rate of the first parameter group.

        Args:
            step: the number of an update, counted from 0.
        """
        return float(self.optimizer.param_groups[0]["lr"] * self.schedule(step, self.total_steps or UNKNOWN_TOTAL))

    def parameters(self) -> Iterator[Tensor]:
        """The parameters that the optimizer updates."""
        return (p for group in self.optimizer.param_groups for p in group["params"])

    def batches(self) -> Iterator[list[Batch]]:
        """The batches of each step that is left in the loader's epoch; the last step may have fewer."""
        group = []
        for batch in self.loader:
            group.append(batch)
            # Asking the loader for one more would move it to its next epoch before this step is done.
            if len(group) == self.accumulate or self.loader.at_end:
                yield group
                group = []
        if group:  # the last batch was passed over: none of its samples could be read
            yield group

    def clip(self) -> None:
        """Clip the gradients, first by value, then by their common norm."""
        if self.clip_value is not None:
            clip_grad_value(self.parameters(), self.clip_value)
        if self.clip_norm is not None:
            clip_grad_norm(self.parameters(), self.clip_norm)

    def update(self) -> None:
        """Make one step of the optimizer, with the learning rates that the schedule gives for it."""
        with scheduled(self.optimizer, self.schedule, self.step, self.total_steps or UNKNOWN_TOTAL):
            self.optimizer.step()
        self.step += 1

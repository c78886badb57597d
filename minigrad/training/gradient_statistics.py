"""`GradientStatistics`: norms, zeros and relative updates of each parameter, in the history."""

from __future__ import annotations

import math

import numpy as np

from minigrad.errors import UsageError
from minigrad.training.callback import Callback
from minigrad.training.training_state import TrainingState
from minigrad.typing import Array, StateDict


class GradientStatistics(Callback):
    """Add statistics of each parameter's gradients to each record: means over the steps of the epoch.

        norm      sqrt(sum g^2)
        zeros     the fraction of g that is exactly 0, in [0, 1]
        update    |p' - p| / |p|, p before the step and p' after it; about 0.001 is usual

    They are the record's entry `gradients`: {"conv.weight": {"norm": ..., "zeros": ..., "update": ...}, ...}. The
    gradients are those after clipping.

    Args:
        every: measure at each step whose number is a multiple of this (default 1). Each costs a copy of the parameters.

    Raises:
        UsageError: `every` is not a positive integer.
    """

    def __init__(self, every: int = 1) -> None:
        if not isinstance(every, int) or every < 1:
            raise UsageError(f"GradientStatistics: every must be an integer of at least 1, got {every!r}")
        self.every = every
        self.steps = 0
        self._sums: dict[str, list[float]] = {}
        self._before: dict[str, Array] = {}

    def on_gradients(self, training: TrainingState) -> None:
        """Measure the gradients, and copy the parameters."""
        self._before = {}
        if (training.step + 1) % self.every:
            return
        self.steps += 1
        for name, p in training.model.named_parameters():
            if p.grad is None:
                continue
            g = p.grad.data
            sums = self._sums.setdefault(name, [0.0, 0.0, 0.0])
            sums[0] += _norm(g)
            sums[1] += float(np.mean(g == 0)) if g.size else 0.0
            self._before[name] = np.array(p.data)

    def on_step(self, training: TrainingState) -> None:
        """Measure the update."""
        parameters = dict(training.model.named_parameters())
        for name, before in self._before.items():
            size = _norm(before)
            self._sums[name][2] += _norm(parameters[name].data - before) / size if size else 0.0

    def on_epoch(self, training: TrainingState) -> None:
        """Add the means to the record."""
        if self.steps:
            means = {name: [value / self.steps for value in sums] for name, sums in self._sums.items()}
            training.history.last["gradients"] = {
                name: dict(zip(("norm", "zeros", "update"), values, strict=True)) for name, values in means.items()
            }
        self.steps, self._sums = 0, {}

    def state_dict(self) -> StateDict:
        """The sums over the current epoch."""
        return {"steps": self.steps, "sums": {name: list(sums) for name, sums in self._sums.items()}}

    def load_state_dict(self, state: StateDict) -> None:
        """Restore what `state_dict` returned."""
        self.steps, self._sums = int(state["steps"]), {name: list(sums) for name, sums in state["sums"].items()}


def _norm(array: Array) -> float:
    return math.sqrt(float(np.sum(np.square(array, dtype=np.float64))))

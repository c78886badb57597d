"""Reduce the learning rate when a metric plateaus."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from minigrad.errors import StateError, UsageError
from minigrad.optim.optimizer_state import is_number
from minigrad.optim.schedule.base import Schedule, check_factor
from minigrad.typing import StateDict

STATE = ("scale", "best", "num_bad_epochs", "cooldown_counter")


@dataclass
class Plateau(Schedule):
    """Reduces the learning rate when a metric does not get better any more.

        better    metric < best * (1 - threshold)          ("rel"; mode "max": metric > best * (1 + threshold))
                  metric < best - threshold                ("abs"; mode "max": metric > best + threshold)
        scale <- max(scale * factor, final)                after more than `patience` epochs that were not better

    The factor is `scale`, whatever the step. `fit` hands it the test loss after each epoch (the training loss where
    nothing is tested), and begins each training anew; a loop of one's own calls `observe`, and `reset`.

    Args:
        mode: "min" where less is better, "max" where more is (default "min").
        factor: of each reduction, in (0, 1) (default 0.1).
        patience: epochs without progress before a reduction (default 10).
        threshold: by how much a metric must be better to count (default 1e-4).
        threshold_mode: whether the threshold is relative, "rel", or absolute, "abs" (default "rel").
        cooldown: epochs after a reduction that do not count as bad (default 0).
        final: the lowest factor, in [0, 1] (default 0.0).

    Attributes:
        scale: the present factor.
        best: the best metric so far.
        num_bad_epochs: epochs since then.
        cooldown_counter: epochs that will not count as bad.

    Raises:
        UsageError: a setting lies outside of its range.

    >>> schedule = Plateau(factor=0.5, patience=1)
    >>> for loss in [1.0, 0.5, 0.5, 0.5, 0.4]:
    ...     schedule.observe(loss)
    ...     print(schedule(0, total=1))
    1.0
    1.0
    1.0
    0.5
    0.5
    """

    mode: Literal["min", "max"] = "min"
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    threshold_mode: Literal["rel", "abs"] = "rel"
    cooldown: int = 0
    final: float = 0.0
    scale: float = field(default=1.0, init=False)
    best: float = field(default=math.inf, init=False)
    num_bad_epochs: int = field(default=0, init=False)
    cooldown_counter: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        for name, known in (("mode", ("min", "max")), ("threshold_mode", ("rel", "abs"))):
            if getattr(self, name) not in known:
                raise UsageError(f"Plateau: {name} is one of {known}, got {getattr(self, name)!r}")
        if not is_number(self.factor) or not 0 < self.factor < 1:
            raise UsageError(f"Plateau: factor must lie in (0, 1), got {self.factor!r}")
        for name in ("patience", "cooldown", "threshold"):
            if not is_number(getattr(self, name)) or not getattr(self, name) >= 0:
                raise UsageError(f"Plateau: {name} must be at least 0, got {getattr(self, name)!r}")
        check_factor(self, "final", self.final)
        self.best = math.inf if self.mode == "min" else -math.inf

    def __call__(self, step: int, total: int) -> float:
        """The present scale, whatever the step."""
        return self.scale

    def observe(self, metric: float) -> None:
        """Take in the metric of an epoch, and reduce the rate if there were too many without progress."""
        metric = float(metric)
        if self._better(metric):
            self.best, self.num_bad_epochs = metric, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter:
            self.cooldown_counter, self.num_bad_epochs = self.cooldown_counter - 1, 0
        if self.num_bad_epochs > self.patience:
            self.scale = max(self.scale * self.factor, self.final)
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0

    def _better(self, metric: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        margin = self.threshold if self.threshold_mode == "abs" else self.threshold * self.best
        if math.isinf(self.best):
            return sign * metric < sign * self.best
        # as PyTorch has it: a relative threshold of a negative best lies on its other side
        return sign * metric < sign * (self.best - sign * margin)

    def state_dict(self) -> StateDict:
        """The scale, and what decides about the next reduction; `best` is None before the first epoch."""
        best = None if math.isinf(self.best) else self.best  # JSON knows no infinity
        return {**{name: getattr(self, name) for name in STATE}, "best": best}

    def load_state_dict(self, state: StateDict) -> None:
        """Go on where `state_dict` was taken.

        Raises:
            StateError: it is not the state of a `Plateau`.
        """
        try:
            worst = math.inf if self.mode == "min" else -math.inf
            best = worst if state["best"] is None else float(state["best"])
            values: dict[str, float] = {"scale": float(state["scale"]), "best": best}
            values |= {name: int(state[name]) for name in ("num_bad_epochs", "cooldown_counter")}
        except (KeyError, TypeError, ValueError) as error:
            raise StateError(f"Plateau: a state has {', '.join(STATE)}, got {state!r:.100}") from error
        for name, value in values.items():
            setattr(self, name, value)

"""The schedule that listens."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from minigrad.errors import StateError, UsageError
from minigrad.optim.schedule.base import Schedule, check_factor
from minigrad.optim.state import is_number

HEARD = ("level", "best", "bad", "cooling")


@dataclass
class Plateau(Schedule):
    """Falls when what is measured does not get better any more.

        better    measured < best * (1 - threshold)        ("rel"; mode "max": measured > best * (1 + threshold))
                  measured < best - threshold              ("abs"; mode "max": measured > best + threshold)
        level <- max(level * factor, final)                after more than `patience` measurements that were not better

    `fit` tells it the test loss after each epoch (the training loss where nothing is tested); a loop of one's own calls
    `observe`. It belongs to one training.

    Args:
        mode: "min" where less is better, "max" where more is.
        factor: of each fall, in (0, 1).
        patience: how many measurements without progress pass before a fall.
        threshold: by how much a measurement must be better to count.
        threshold_mode: whether the threshold is relative ("rel") or absolute ("abs").
        cooldown: how many measurements after a fall are not counted as bad.
        final: the lowest factor.

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
    level: float = field(default=1.0, init=False)
    best: float = field(default=math.inf, init=False)
    bad: int = field(default=0, init=False)
    cooling: int = field(default=0, init=False)

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
        """The present level, whatever the step."""
        return self.level

    def observe(self, measured: float) -> None:
        """Hear a measurement, and fall if it is one too many without progress."""
        measured = float(measured)
        if self._better(measured):
            self.best, self.bad = measured, 0
        else:
            self.bad += 1
        if self.cooling:
            self.cooling, self.bad = self.cooling - 1, 0
        if self.bad > self.patience:
            self.level = max(self.level * self.factor, self.final)
            self.cooling, self.bad = self.cooldown, 0

    def _better(self, measured: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        margin = self.threshold if self.threshold_mode == "abs" else self.threshold * self.best
        if math.isinf(self.best):
            return sign * measured < sign * self.best
        # as PyTorch has it: a relative threshold of a negative best lies on its other side
        return sign * measured < sign * (self.best - sign * margin)

    def state_dict(self) -> dict[str, Any]:
        """The level, and what decides about the next fall; `best` is None before the first measurement."""
        best = None if math.isinf(self.best) else self.best  # JSON knows no infinity
        return {**{name: getattr(self, name) for name in HEARD}, "best": best}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken.

        Raises:
            StateError: it is not the state of a `Plateau`.
        """
        try:
            worst = math.inf if self.mode == "min" else -math.inf
            best = worst if state["best"] is None else float(state["best"])
            heard: dict[str, float] = {"level": float(state["level"]), "best": best}
            heard |= {"bad": int(state["bad"]), "cooling": int(state["cooling"])}
        except (KeyError, TypeError, ValueError) as error:
            raise StateError(f"Plateau: a state has {', '.join(HEARD)}, got {state!r:.100}") from error
        for name, value in heard.items():
            setattr(self, name, value)

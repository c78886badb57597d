"""`Monitor`: the base of callbacks that follow one metric of the history."""

from __future__ import annotations

from typing import Literal, TypeAlias

from minigrad.errors import UsageError
from minigrad.training.callback import Callback
from minigrad.training.history import EpochRecord
from minigrad.typing import StateDict

Mode: TypeAlias = Literal["min", "max", "auto"]


class Monitor(Callback):
    """A callback that compares an entry of the history with its best value so far.

    Args:
        monitor: the entry's name; (default "test_loss").
        mode: "min" where less is better, "max" where more is; "auto" takes "min" for losses and errors ("loss",
            "mse" and "mae" at the end of the name), "max" for all else (default "auto").
        min_delta: by how much a value must be better than the best to count as an improvement (default 0.0).

    Raises:
        UsageError: a setting lies outside of its range.
    """

    def __init__(self, monitor: str = "test_loss", mode: Mode = "auto", min_delta: float = 0.0) -> None:
        kind = type(self).__name__
        if mode not in ("min", "max", "auto"):
            raise UsageError(f'{kind}: mode is "min", "max" or "auto", got {mode!r}')
        if not min_delta >= 0:
            raise UsageError(f"{kind}: min_delta must be at least 0, got {min_delta}")
        less = mode == "min" or (mode == "auto" and monitor.endswith(("loss", "mse", "mae")))
        self.monitor, self.min_delta = monitor, min_delta
        self._sign = -1.0 if less else 1.0
        self.best: float | None = None
        self.best_epoch = 0

    def improved(self, record: EpochRecord) -> bool:
        """Whether a record is better than the best one so far; if so, it becomes the best.

        Args:
            record: of the epoch that has just ended.

        Raises:
            UsageError: the record has no such number.
        """
        if self.monitor not in record or isinstance(record[self.monitor], (str, list, dict)):
            numbers = ", ".join(name for name, value in record.items() if isinstance(value, (int, float)))
            raise UsageError(f"{type(self).__name__}: no number is called {self.monitor!r}; there are {numbers}")
        value = record[self.monitor]
        if value is None or value != value:  # NaN is never better
            return False
        if self.best is not None and not self._sign * (value - self.best) > self.min_delta:
            return False
        self.best, self.best_epoch = float(value), int(record["epoch"])
        return True

    def state_dict(self) -> StateDict:
        """{"best": the best value, "best_epoch": its epoch}."""
        return {"best": self.best, "best_epoch": self.best_epoch}

    def load_state_dict(self, state: StateDict) -> None:
        """Restore what `state_dict` returned."""
        self.best, self.best_epoch = state["best"], state["best_epoch"]

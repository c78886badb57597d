"""`Callback`: what may happen beside a training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from minigrad.errors import StateError, UsageError
from minigrad.training.history import Record
from minigrad.training.state import Training


class Callback:
    """Hooks that `fit` calls; a subclass overrides those it needs.

    A callback may read everything, add entries to `training.history.last`, and call `training.stop()`. The callbacks of
    a training are called in their order, `on_end` in the reverse one. One that remembers things between epochs gives
    them out in `state_dict`: they are then part of the checkpoint, and come back when the training goes on.

    >>> class StopWhenGood(Callback):
    ...     def on_epoch(self, training):
    ...         if training.history.last["test_accuracy"] > 0.99:
    ...             training.stop()
    """

    def on_begin(self, training: Training) -> None:
        """Before the first step; here a saved state can be put back."""

    def on_gradients(self, training: Training) -> None:
        """Before each update, when the gradients are there and clipped."""

    def on_step(self, training: Training) -> None:
        """After each update."""

    def on_epoch(self, training: Training) -> None:
        """After each epoch and its evaluation; the new record is `training.history.last`."""

    def on_save(self, training: Training) -> None:
        """After all `on_epoch`, and when the training stops within an epoch: all is complete, and may be saved."""

    def on_end(self, training: Training) -> None:
        """At the end, also that of a training which failed: see `training.status`."""

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of this callback: numbers, texts, arrays, and lists and dicts of them."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` gave."""
        if state:
            raise StateError(f"{type(self).__name__} keeps no state, got {', '.join(map(str, state))}")


class Monitor(Callback):
    """A callback that looks whether an entry of the history gets better.

    Args:
        monitor: the entry's name, "test_loss" for instance.
        mode: "min" where less is better, "max" where more is; "auto" takes "min" for losses and errors ("loss", "mse"
            and "mae" at the end of the name), "max" for all else.
        min_delta: by how much it must be better to count.

    Raises:
        UsageError: a setting lies outside of its range.
    """

    def __init__(
        self, monitor: str = "test_loss", mode: Literal["min", "max", "auto"] = "auto", min_delta: float = 0.0
    ) -> None:
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

    def improved(self, record: Record) -> bool:
        """Compare a record with the best one so far, and keep it if it is better.

        Raises:
            UsageError: the record has no such number.
        """
        if self.monitor not in record or isinstance(record[self.monitor], (str, list, dict)):
            numbers = ", ".join(name for name, value in record.items() if isinstance(value, (int, float)))
            raise UsageError(f"{type(self).__name__}: no number is called {self.monitor!r}; there are {numbers}")
        value = record[self.monitor]
        if value is None or value != value:  # a NaN, which is nothing's better
            return False
        if self.best is not None and not self._sign * (value - self.best) > self.min_delta:
            return False
        self.best, self.best_epoch = float(value), int(record["epoch"])
        return True

    def state_dict(self) -> dict[str, Any]:
        """The best value, and when it was."""
        return {"best": self.best, "best_epoch": self.best_epoch}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` gave."""
        self.best, self.best_epoch = state["best"], state["best_epoch"]

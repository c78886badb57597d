"""Callbacks that watch one number of the history: stop when it gets no better, keep the best weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from minigrad.errors import UsageError
from minigrad.io.atomic import PathLike
from minigrad.training.callback import Monitor
from minigrad.training.checkpoint import save_checkpoint
from minigrad.training.state import Training
from minigrad.typing import Array


class EarlyStopping(Monitor):
    """Stops a training when nothing got better for some epochs.

        better    value < best - min_delta        (mode "max": value > best + min_delta)
        stop      after `patience` epochs in a row that were not better

    Args:
        monitor, mode, min_delta: what is watched; see `Monitor`.
        patience: how many epochs without progress are the end; at least 1.
        restore_best: at the end, put the weights (and buffers) of the best epoch into the model. A `Run` keeps the last
            ones all the same, so that the training can go on.

    Raises:
        UsageError: a setting lies outside of its range.

    >>> EarlyStopping("test_accuracy", patience=3).patience
    3
    """

    def __init__(
        self,
        monitor: str = "test_loss",
        mode: Literal["min", "max", "auto"] = "auto",
        patience: int = 10,
        min_delta: float = 0.0,
        restore_best: bool = True,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        if not isinstance(patience, int) or patience < 1:
            raise UsageError(f"EarlyStopping: patience must be an integer of at least 1, got {patience!r}")
        self.patience, self.restore_best = patience, restore_best
        self.waited = 0
        self._weights: dict[str, Array] = {}

    def on_begin(self, training: Training) -> None:
        """A training that was stopped stays so when it is resumed."""
        if self.waited >= self.patience:
            training.stop()

    def on_epoch(self, training: Training) -> None:
        """Compare, and stop if it is time."""
        if self.improved(training.history.last):
            self.waited = 0
            if self.restore_best:
                self._weights = {name: np.array(array) for name, array in training.model.state_dict().items()}
            return
        self.waited += 1
        if self.waited >= self.patience:
            training.stop()

    def on_end(self, training: Training) -> None:
        """Put the best weights back."""
        if self._weights and training.status != "failed":
            training.model.load_state_dict(self._weights)

    def state_dict(self) -> dict[str, Any]:
        """The best value and weights, and how long ago that was."""
        return {**super().state_dict(), "waited": self.waited, "weights": dict(self._weights)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` gave."""
        super().load_state_dict(state)
        self.waited, self._weights = int(state["waited"]), dict(state["weights"])


class SaveBest(Monitor):
    """Writes a checkpoint after each epoch that is the best so far; `load_checkpoint` reads it.

    Args:
        path: the file.
        monitor, mode, min_delta: what is watched; see `Monitor`.
        settings: JSON values that the checkpoint keeps.

    Raises:
        UsageError: a setting lies outside of its range.
        DataError: while training, the file cannot be written. The one that was there is unchanged.

    >>> SaveBest("best.safetensors", "test_f1", "max").monitor
    'test_f1'
    """

    def __init__(
        self,
        path: PathLike,
        monitor: str = "test_loss",
        mode: Literal["min", "max", "auto"] = "auto",
        min_delta: float = 0.0,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.path, self.settings = Path(path), dict(settings or {})

    def on_epoch(self, training: Training) -> None:
        """Write, if this epoch is better. A `Run` notes afterward that it is written: see `Callback.on_save`."""
        if self.improved(training.history.last):
            save_checkpoint(self.path, training, self.settings)

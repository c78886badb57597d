"""`EarlyStopping`: stop training when a metric has stopped improving."""

from __future__ import annotations

import numpy as np

from minigrad.errors import UsageError
from minigrad.training.monitor import Mode, Monitor
from minigrad.training.training_state import TrainingState
from minigrad.typing import Array, StateDict


class EarlyStopping(Monitor):
    """Stop training when a metric has not improved for some epochs.

        improved    value < best - min_delta        (mode "max": value > best + min_delta)
        stop        after `patience` epochs in a row without improvement

    Args:
        monitor: the history's entry to follow (default "test_loss").
        mode: "min", "max" or "auto"; see `Monitor` (default "auto").
        patience: the number of epochs without improvement, at least 1 (default 10).
        min_delta: the smallest change that counts as an improvement (default 0.0).
        restore_best: at the end, put the weights (and buffers) of the best epoch into the model. A `Run` keeps the last
            ones all the same, so that the training can go on (default True).

    Raises:
        UsageError: a setting lies outside of its range.

    >>> EarlyStopping("test_accuracy", patience=3).patience
    3
    """

    def __init__(
        self,
        monitor: str = "test_loss",
        mode: Mode = "auto",
        patience: int = 10,
        min_delta: float = 0.0,
        restore_best: bool = True,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        if not isinstance(patience, int) or patience < 1:
            raise UsageError(f"EarlyStopping: patience must be an integer of at least 1, got {patience!r}")
        self.patience, self.restore_best = patience, restore_best
        self.epochs_without_improvement = 0
        self._best_weights: dict[str, Array] = {}

    def on_begin(self, training: TrainingState) -> None:
        """Stop a resumed run that had been stopped already."""
        if self.epochs_without_improvement >= self.patience:
            training.stop()

    def on_epoch(self, training: TrainingState) -> None:
        """Compare with the best epoch, and stop after `patience` epochs without improvement."""
        if self.improved(training.history.last):
            self.epochs_without_improvement = 0
            if self.restore_best:
                self._best_weights = {name: np.array(array) for name, array in training.model.state_dict().items()}
            return
        self.epochs_without_improvement += 1
        if self.epochs_without_improvement >= self.patience:
            training.stop()

    def on_end(self, training: TrainingState) -> None:
        """Put the best weights into the model, unless the training failed."""
        if self._best_weights and training.status != "failed":
            training.model.load_state_dict(self._best_weights)

    def state_dict(self) -> StateDict:
        """The best value, its epoch and weights, and the number of epochs since then."""
        return {
            **super().state_dict(),
            "epochs_without_improvement": self.epochs_without_improvement,
            "best_weights": dict(self._best_weights),
        }

    def load_state_dict(self, state: StateDict) -> None:
        """Restore what `state_dict` returned."""
        super().load_state_dict(state)
        self.epochs_without_improvement = int(state["epochs_without_improvement"])
        self._best_weights = dict(state["best_weights"])

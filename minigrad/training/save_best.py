"""`SaveBest`: a checkpoint of the best epoch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from minigrad.io.atomic import PathLike
from minigrad.training.checkpoint import save_checkpoint
from minigrad.training.monitor import Mode, Monitor
from minigrad.training.training_state import TrainingState


class SaveBest(Monitor):
    """Save a checkpoint after each epoch that is the best so far; `load_checkpoint` reads it.

    Args:
        path: the file.
        monitor: the history's entry to follow (default "test_loss").
        mode: "min", "max" or "auto"; see `Monitor` (default "auto").
        min_delta: the smallest change that counts as an improvement (default 0.0).
        settings: JSON values that the checkpoint keeps (default: none).

    Raises:
        UsageError: a setting lies outside of its range.
        DataError: while training, the file cannot be written. The one that was there is unchanged.

    >>> SaveBest("best.safetensors", "test_f1", "max").monitor
    'test_f1'
    """

    main_rank_only = True

    def __init__(
        self,
        path: PathLike,
        monitor: str = "test_loss",
        mode: Mode = "auto",
        min_delta: float = 0.0,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.path, self.settings = Path(path), dict(settings or {})

    def on_epoch(self, training: TrainingState) -> None:
        """Save, if this epoch is the best. A `Run` saves the new best value afterward: see `Callback.on_save`."""
        if self.improved(training.history.last):
            save_checkpoint(self.path, training, self.settings)

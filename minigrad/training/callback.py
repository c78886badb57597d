"""`Callback`: hooks that `fit` calls during training."""

from __future__ import annotations

from typing import ClassVar

from minigrad.optim.schedule.kept_state import KeptState
from minigrad.training.training_state import TrainingState


class Callback(KeptState):
    """The base of all callbacks: hooks that `fit` calls; a subclass overrides those it needs.

    A callback may read everything in `training`, add entries to `training.history.last`, and call `training.stop()`.
    The callbacks of a training run are called in their order, `on_end` in the reverse one. One that keeps a state
    between epochs returns it from `state_dict`: it is then saved in checkpoints, restored when the run is resumed, and
    put back when another training begins with the same callback.

    On several ranks each has its callbacks, which see the same numbers, but the gradients' samples; a class that writes
    or prints says `main_rank_only = True`, and is called on rank 0 only.

    Attributes:
        main_rank_only: whether only rank 0 calls it (default False).

    >>> class StopWhenGood(Callback):
    ...     def on_epoch(self, training):
    ...         if training.history.last["test_accuracy"] > 0.99:
    ...             training.stop()
    """

    main_rank_only: ClassVar[bool] = False

    def on_begin(self, training: TrainingState) -> None:
        """Called before the first step; a saved state can be restored here.

        Args:
            training: the state of the run.
        """

    def on_gradients(self, training: TrainingState) -> None:
        """Called before each update, with the gradients computed and clipped.

        Args:
            training: the state of the run.
        """

    def on_step(self, training: TrainingState) -> None:
        """Called after each update.

        Args:
            training: the state of the run.
        """

    def on_epoch(self, training: TrainingState) -> None:
        """Called after each epoch and its evaluation; the new record is `training.history.last`.

        Args:
            training: the state of the run.
        """

    def on_save(self, training: TrainingState) -> None:
        """Called after all `on_epoch`, and after a stop within an epoch: the state is complete, and may be saved.

        Args:
            training: the state of the run.
        """

    def on_end(self, training: TrainingState) -> None:
        """Called at the end, after a failure too: see `training.status`.

        Args:
            training: the state of the run.
        """

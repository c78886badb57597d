"""`Callback`: hooks that `fit` calls during training."""

from __future__ import annotations

from minigrad.errors import StateError
from minigrad.training.training_state import TrainingState
from minigrad.typing import StateDict


class Callback:
    """The base of all callbacks: hooks that `fit` calls; a subclass overrides those it needs.

    A callback may read everything in `training`, add entries to `training.history.last`, and call `training.stop()`.
    The callbacks of a training run are called in their order, `on_end` in the reverse one. One that keeps a state
    between epochs returns it from `state_dict`: it is then saved in checkpoints and restored when the run is resumed.

    >>> class StopWhenGood(Callback):
    ...     def on_epoch(self, training):
    ...         if training.history.last["test_accuracy"] > 0.99:
    ...             training.stop()
    """

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

    def state_dict(self) -> StateDict:
        """What a checkpoint saves of this callback: numbers, texts, arrays, and lists and dicts of them.

        Returns:
            A dict that is unaffected by what comes later; {} by default.
        """
        return {}

    def load_state_dict(self, state: StateDict) -> None:
        """Restore what `state_dict` returned.

        Args:
            state: as `state_dict` returned it.

        Raises:
            StateError: this callback keeps no state, and the checkpoint has one.
        """
        if state:
            raise StateError(f"{type(self).__name__} keeps no state, got {', '.join(map(str, state))}")

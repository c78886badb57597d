"""`Callback`: what may happen beside a training."""

from __future__ import annotations

from minigrad.training.state import Training


class Callback:
    """Hooks that `fit` calls; a subclass overrides those it needs.

    A callback may read everything, and call `training.stop()`. The callbacks of a training are called in their order,
    `on_end` in the reverse one.

    >>> class StopWhenGood(Callback):
    ...     def on_epoch(self, training):
    ...         if training.history.last["test_accuracy"] > 0.99:
    ...             training.stop()
    """

    def on_begin(self, training: Training) -> None:
        """Before the first step; here a saved state can be put back."""

    def on_step(self, training: Training) -> None:
        """After each update."""

    def on_epoch(self, training: Training) -> None:
        """After each epoch and its evaluation; the new record is `training.history.last`."""

    def on_end(self, training: Training) -> None:
        """At the end, also that of a training which failed: see `training.status`."""

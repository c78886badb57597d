"""Worker processes that stay when an epoch has been read."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from minigrad.data.workers import Workers


class KeptWorkers:
    """The worker processes of a loader and of its copies, between two epochs; none at first."""

    def __init__(self) -> None:
        self._workers: Workers | None = None

    def free(self, start: Callable[[], Workers], ends: ExitStack, *, keep: bool) -> Workers:
        """Those that are kept, if no epoch is being read by them, or new ones.

        Args:
            start: makes new ones.
            ends: where new ones end, unless they are kept.
            keep: whether new ones are kept, if there are none.
        """
        if self._workers is not None and self._workers.broken:
            self.close()
        if self._workers is not None and not self._workers.busy:
            return self._workers
        workers = start()
        if keep and self._workers is None:
            self._workers = workers
        else:
            ends.push(workers)
        return workers

    def close(self) -> None:
        """End them."""
        if self._workers is not None:
            self._workers.close()
            self._workers = None

    def __getstate__(self) -> dict[str, object]:
        """Processes are not sent elsewhere."""
        return {"_workers": None}

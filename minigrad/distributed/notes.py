"""Notes that ranks send each other when something is wrong: small messages, beside those of the training."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mpi4py import MPI

FAILED: Final = 1
"""A rank raised an error: the note is its text."""

LEFT: Final = 2
"""A rank has come to the end of its program: the note is how often it has waited for others, and where last."""

WAITING: Final = 3
"""A rank has waited for longer than the time limit: the note says for what."""

POLL: Final = 0.005
"""Seconds between two looks."""


class Notes:
    """The notes that came in, by kind and rank.

    Args:
        comm: a communicator for nothing else.
    """

    def __init__(self, comm: MPI.Intracomm) -> None:
        self._comm = comm
        self._sent: list[MPI.Request] = []
        self.failed: dict[int, str] = {}
        self.left: dict[int, tuple[int, str]] = {}
        self.waiting: dict[int, str] = {}

    def read(self) -> None:
        """Take in what has come."""
        from mpi4py import MPI

        status = MPI.Status()
        while self._comm.iprobe(MPI.ANY_SOURCE, MPI.ANY_TAG, status):
            rank, kind = status.Get_source(), status.Get_tag()
            content: Any = self._comm.recv(source=rank, tag=kind)
            known: dict[int, dict[int, Any]] = {FAILED: self.failed, LEFT: self.left, WAITING: self.waiting}
            known[kind][rank] = content

    def send(self, kind: int, content: str | tuple[int, str], ranks: list[int]) -> None:
        """Send a note.

        Args:
            kind: `FAILED`, `LEFT` or `WAITING`.
            content: what it says.
            ranks: to whom.
        """
        self._sent += [self._comm.isend(content, dest=rank, tag=kind) for rank in ranks]

    def read_for(self, seconds: float) -> None:
        """Take in what comes within some seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read()
            time.sleep(POLL)

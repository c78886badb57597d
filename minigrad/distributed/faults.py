"""`Faults`: what a rank knows of the failures of others, and who tells the user.

A rank that fails tells all others, who see it where they wait. One that does not come is named by those that wait: they
tell each other that they do, and the rank that does not say so is the one. Of all that have an error one prints it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from minigrad.distributed.notes import FAILED, LEFT, POLL, WAITING, Notes
from minigrad.errors import DistributedError

if TYPE_CHECKING:
    from mpi4py import MPI

GRACE: Final = 2.0
"""Seconds in which the ranks that wait tell each other so."""

SETTLE: Final = 0.3
"""Seconds in which ranks that fail at the same time hear of each other."""

PATIENCE: Final = 5.0
"""Seconds after which a rank that was to be ended by another one ends all itself."""

MAX_TOLD: Final = 64
"""Up to so many ranks, each tells each other that it leaves; of more, all tell rank 0, and rank 0 tells all."""


class Faults:
    """What a rank knows of the failures of others.

    Args:
        comm: a communicator of all ranks for nothing else.
        name: this rank as messages call it.
    """

    def __init__(self, comm: MPI.Intracomm, name: str) -> None:
        self._comm, self._notes, self._name = comm, Notes(comm), name
        self._others = [rank for rank in range(comm.size) if rank != comm.rank]
        self._broken = False
        self._place = "its beginning"
        self._waits = 0

    def enter(self, what: str) -> None:
        """Note where this rank is about to wait.

        Args:
            what: for what.

        Raises:
            DistributedError: after a failure nobody is there to wait for.
        """
        if self._broken:
            raise DistributedError(f"{what}: the ranks have been parted by an earlier failure")
        self._place = what
        self._waits += 1

    def check(self, what: str) -> None:
        """Raise an error if another rank tells of one, or has left.

        Args:
            what: for what this rank waits.
        """
        self._notes.read()
        if self._notes.failed:
            self._broken = True
            rank, text = min(self._notes.failed.items())
            raise DistributedError(text, rank=rank, reporter=rank)
        # One that has waited as often has sent what this rank waits for: it is on its way.
        early = [(rank, where) for rank, (waits, where) in self._notes.left.items() if waits < self._waits]
        if early:
            rank, where = min(early)
            text = (
                f"rank {rank} came to the end of its program after {where}, and {self._name} waits for it in {what}: "
                "all ranks must go through the same number of batches"
            )
            self.tell(text)
            raise DistributedError(text, rank=rank, reporter=self._comm.rank)

    def name_the_absent(self, arrived: Callable[[], bool], what: str, limit: float) -> None:
        """After the time limit: tell the others that this rank waits, and name those that do not say the same.

        Returns where the messages come in the meantime.

        Args:
            arrived: whether they have.
            what: for what this rank waits.
            limit: how many seconds it has waited.

        Raises:
            DistributedError: names the rank that does not come.
        """
        self._notes.send(WAITING, what, self._others)
        end = time.monotonic() + GRACE
        while time.monotonic() < end:
            if arrived():
                return
            self.check(what)
            time.sleep(POLL)
        self._broken = True
        waiting = {**self._notes.waiting, self._comm.rank: what}
        absent = [rank for rank in self._others if rank not in waiting]
        elsewhere = {rank: text for rank, text in waiting.items() if text != what}
        if absent:
            text = (
                f"rank {', '.join(map(str, absent))} did not come to {what} within {limit:g} s: it hangs, or is much "
                "slower than the others. MINIGRAD_RANK_TIMEOUT is how many seconds to wait"
            )
        elif elsewhere:
            rank, other = min(elsewhere.items())
            text = f"the ranks wait for different things: rank {self._comm.rank} for {what}, rank {rank} for {other}"
        else:
            text = f"all ranks have come to {what}, and its messages did not arrive within {limit:g} s"
        raise DistributedError(text, rank=absent[0] if absent else None, reporter=min(waiting))

    def tell(self, text: str) -> None:
        """Tell all ranks that this one has failed: they raise an error with this text where they wait.

        Args:
            text: the reason.
        """
        if not self._broken:
            self._broken = True
            self._notes.send(FAILED, text, self._others)
            self._notes.read_for(SETTLE)

    def end(self, error: BaseException, report: Callable[[], object], code: int) -> None:
        """End all ranks because of an error of this one; one of those that have an error reports it.

        Args:
            error: it.
            report: tells the user.
            code: the exit code of the job.
        """
        if self.reports(error):
            report()
        else:
            self._notes.read_for(PATIENCE)  # the one that reports ends all
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # MPI's own line would say the same without the reason
        if hasattr(signal, "setitimer"):  # MPI waits forever for a host that has vanished, and lets no thread run
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        self._comm.Abort(code)

    def reports(self, error: BaseException) -> bool:
        """Whether this is the rank that tells the user of an error: one of those that have it does.

        Args:
            error: which this rank has; the others are told of it, unless they know.
        """
        if isinstance(error, DistributedError) and error.reporter is not None:
            return error.reporter == self._comm.rank
        self.tell(f"{self._name} failed: {type(error).__name__}: {error}")
        return not any(rank < self._comm.rank for rank in self._notes.failed)

    def leave(self) -> None:
        """Tell the others that this rank is done: none can wait for it any more."""
        if not self._broken:
            ranks = self._others if len(self._others) < MAX_TOLD or self._comm.rank == 0 else [0]
            self._notes.send(LEFT, (self._waits, self._place), ranks)

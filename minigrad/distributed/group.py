"""`Group`: ranks that work together. It waits with a time limit, so that no fault of one rank hangs the others.

Every collective is nonblocking and waited for by asking again and again: meanwhile notes of failures are read, and the
processor is given to others. A rank that fails tells all; one that does not come is named by those that wait.
"""

from __future__ import annotations

import os
import pickle
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from minigrad.distributed.faults import Faults
from minigrad.typing import Array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpi4py import MPI

TIME_LIMIT: Final = "MINIGRAD_RANK_TIMEOUT"
"""The environment variable with the number of seconds that a rank waits for the others."""

SPINS: Final = 200
"""How often a wait asks without a pause: most messages are there soon."""

FIRST_LIMIT: Final = 3600.0
"""Seconds that the first rank of a machine may take for a download."""

MAX_PAUSE: Final = 0.002  # s


class Group:
    """Ranks that work together, and what they exchange.

    All ranks of a group make the same calls in the same order. Each call raises `DistributedError` when a rank has
    failed or left, or does not come within the time limit.

    Args:
        comm: the communicator of mpi4py; None for a process that is alone.
        time_limit: how many seconds to wait for the others (default: those of MINIGRAD_RANK_TIMEOUT, or 600).

    Attributes:
        rank: the number of this process, from 0.
        size: the number of ranks.
        time_limit: how many seconds to wait for the others; may be changed.
        faults: what is known of failures; None for a process that is alone.
    """

    def __init__(self, comm: MPI.Intracomm | None, time_limit: float | None = None) -> None:
        self.rank, self.size = (0, 1) if comm is None else (comm.rank, comm.size)
        self.time_limit = float(os.environ.get(TIME_LIMIT, "600")) if time_limit is None else time_limit
        self.host = socket.gethostname()
        self._comm = comm.Dup() if comm is not None else None
        self.faults = Faults(comm.Dup(), self.name) if comm is not None and self.size > 1 else None

    @property
    def name(self) -> str:
        """This rank as messages call it: "rank 1 (host)"."""
        return f"rank {self.rank} ({self.host})"

    def duplicate(self) -> Group:
        """A group of the same ranks, whose messages do not meet those of this one."""
        other = object.__new__(Group)
        other.__dict__.update(self.__dict__)
        if self._comm is not None:
            other._comm = self._comm.Dup()
        return other

    def on_this_host(self) -> Group:
        """The group of the ranks on the same machine."""
        if self._comm is None or self.size == 1:
            return self
        other = self.duplicate()
        from mpi4py import MPI

        comm: Any = self._comm.Split_type(MPI.COMM_TYPE_SHARED)
        other._comm, other.rank, other.size = comm, comm.rank, comm.size
        return other

    # ---- exchange --------------------------------------------------------------------------------------------

    def start_all_sum(self, array: Array) -> MPI.Request | None:
        """Begin to replace an array by its sum over all ranks; `wait` ends it.

        Args:
            array: contiguous, of real numbers of at least 4 bytes, the same on all ranks in shape and dtype.
        """
        if self._comm is None or self.size == 1:
            return None
        from mpi4py import MPI

        return self._comm.Iallreduce(MPI.IN_PLACE, array)

    def all_sum(self, array: Array, what: str = "a sum") -> Array:
        """Replace an array by its sum over all ranks, the same bits on each.

        Args:
            array: as in `start_all_sum`.
            what: what it is, for messages (default "a sum").

        Returns:
            The array.
        """
        self.wait([self.start_all_sum(array)], what)
        return array

    def broadcast(self, value: Any, what: str = "a value") -> Any:  # whatever can be pickled
        """What rank 0 has.

        Args:
            value: anything; looked at on rank 0 only.
            what: what it is, for messages (default "a value").
        """
        if self._comm is None or self.size == 1:
            return value
        content = pickle.dumps(value, protocol=5) if self.rank == 0 else b""
        length = np.array([len(content)], np.int64)
        self.wait([self._comm.Ibcast(length)], what)
        buffer = np.frombuffer(content, np.uint8).copy() if self.rank == 0 else np.empty(int(length[0]), np.uint8)
        self.wait([self._comm.Ibcast(buffer)], what)
        return value if self.rank == 0 else pickle.loads(buffer.tobytes())

    def broadcast_array(self, array: Array, what: str = "an array") -> None:
        """Fill an array with what rank 0 has in it.

        Args:
            array: contiguous, the same on all ranks in shape and dtype.
            what: what it is, for messages (default "an array").
        """
        if self._comm is not None and self.size > 1 and array.size:
            self.wait([self._comm.Ibcast(array.reshape(-1).view(np.uint8))], what)

    def all_gather(self, value: Any, what: str = "values") -> list[Any]:  # whatever can be pickled
        """What each rank has, in their order.

        Args:
            value: of this rank.
            what: what it is, for messages (default "values").
        """
        if self._comm is None or self.size == 1:
            return [value]
        content = np.frombuffer(pickle.dumps(value, protocol=5), np.uint8)
        sizes = np.zeros(self.size, np.int64)
        self.wait([self._comm.Iallgather(np.array([content.size], np.int64), sizes)], what)
        ends = np.cumsum(sizes)
        gathered = np.empty(int(ends[-1]), np.uint8)
        self.wait([self._comm.Iallgatherv(content, (gathered, sizes.tolist()))], what)
        return [pickle.loads(part.tobytes()) for part in np.split(gathered, ends[:-1])]

    def barrier(self, what: str = "a barrier", time_limit: float | None = None) -> None:
        """Wait until all ranks are here.

        Args:
            what: where, for messages (default "a barrier").
            time_limit: how many seconds to wait (default: those of the group).
        """
        if self._comm is not None and self.size > 1:
            self.wait([self._comm.Ibarrier()], what, time_limit)

    @contextmanager
    def in_turn(self) -> Iterator[None]:
        """Run a block first on one rank of each machine, then on the others: it may download what they find."""
        local = self.on_this_host()
        if local.rank > 0:
            local.barrier("the first rank's data", FIRST_LIMIT)
        yield
        if local.rank == 0:
            local.barrier("the first rank's data")
        self.barrier("the data", FIRST_LIMIT)

    # ---- waiting ---------------------------------------------------------------------------------------------

    def advance(self, requests: Sequence[MPI.Request | None]) -> None:
        """Let messages make progress, without waiting: MPI may do so only when it is called.

        Args:
            requests: what `start_all_sum` returned.
        """
        for request in requests:
            if request is not None:
                request.Test()

    def wait(self, requests: Sequence[MPI.Request | None], what: str, time_limit: float | None = None) -> None:
        """Wait for collectives that were begun.

        Args:
            requests: what `start_all_sum` returned.
            what: what they are, for messages.
            time_limit: how many seconds to wait (default: those of the group).

        Raises:
            DistributedError: a rank has failed, has left, or does not come within the time limit.
        """
        if self.faults is not None:
            self.faults.enter(what)
        pending = [request for request in requests if request is not None]
        limit, start, turns = self.time_limit if time_limit is None else time_limit, time.monotonic(), 0
        while pending and not type(pending[0]).Testall(pending):
            turns += 1
            if turns < SPINS:
                continue
            assert self.faults is not None
            self.faults.check(what)
            if time.monotonic() - start > limit:
                arrived = partial(type(pending[0]).Testall, pending)
                self.faults.name_the_absent(arrived, what, limit)
                return
            time.sleep(min(MAX_PAUSE, 2e-5 * (turns - SPINS)))

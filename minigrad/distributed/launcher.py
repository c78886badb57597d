"""`world`: all processes of a job, found by what started them."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING

from minigrad.config import launched, launched_rank
from minigrad.distributed.faults import Faults
from minigrad.distributed.group import Group
from minigrad.distributed.supervisor import supervise
from minigrad.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from mpi4py import MPI

_world: Group | None = None


def job() -> Group:
    """`world()` if an `mpiexec` started this process; else this process alone, without a look at MPI."""
    return world() if launched() > 1 else Group(None)


def world() -> Group:
    """The group of all ranks; of this process alone where no `mpiexec` started it.

    MPI is loaded at the first call.

    Raises:
        MissingExtraError: there are several processes, and mpi4py is not installed or finds no MPI.
        UsageError: `mpiexec` is of another MPI than the one that mpi4py has found, so that each process is alone.
    """
    global _world
    if _world is None:
        started = launched()
        _world = Group(None) if not started and find_spec("mpi4py") is None else _load(started)
        if _world.faults is not None:
            _end_together(_world.faults, f"{_world.name} ended all {_world.size} ranks")
    return _world


def communicator() -> MPI.Intracomm:
    """That of all ranks, for programs that talk to MPI themselves."""
    from mpi4py import MPI

    return MPI.COMM_WORLD


def _load(started: int) -> Group:
    if started > 1 and find_spec("mpi4py") is not None:
        supervise(launched_rank())
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # RuntimeError: it is installed, and finds no MPI
        if not started:
            return Group(None)
        missing = "mpi4py" if find_spec("mpi4py") is None else "an MPI that mpi4py can load, such as mpich"
        raise MissingExtraError(missing, extra="mpi", purpose="training on several ranks") from error
    if started > 1 and MPI.COMM_WORLD.size == 1:
        raise UsageError(
            f"mpiexec started {started} processes, and each of them is alone: it belongs to another MPI than mpi4py's, "
            f"which is {MPI.Get_library_version().split(chr(10))[0].strip()}. Use the mpiexec beside it "
            f"({os.path.join(sys.prefix, 'bin')}), or install mpi4py for the other MPI"
        )
    return Group(MPI.COMM_WORLD)


def _end_together(faults: Faults, last_words: str) -> None:
    """Let an error that nobody catches end all ranks, told once; and tell the others when this rank is done."""
    former = sys.excepthook

    def end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        def report() -> None:
            former(kind, error, trace)
            print(f"minigrad: {last_words}", file=sys.stderr)

        faults.end(error, report, 1)

    sys.excepthook = end
    if threading.current_thread() is threading.main_thread():
        atexit.register(faults.leave)

"""Tell which rank died: the process that `mpiexec` started watches another one, which is the rank. It needs Linux.

A rank that is killed, by the system for want of memory say, cannot tell anything itself, and `mpiexec` then ends all
others without saying which was the first. So each rank runs in a child process, and its parent, which does nothing
else, tells how it ended. While the parent lives, `mpiexec` does not notice anything: its connection is open.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import warnings
from types import FrameType
from typing import Final

PR_SET_PDEATHSIG: Final = 1  # Linux's prctl.h
FORWARDED: Final = (signal.SIGINT, signal.SIGTERM)


def supervise(rank: int) -> None:
    """Go on in a child process, while this one waits for its end; does nothing where there is no Linux.

    MPI must not have been loaded.

    Args:
        rank: the number of this rank, for messages.
    """
    if not sys.platform.startswith("linux") or "mpi4py.MPI" in sys.modules:
        return
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of BLAS and of minigrad are started anew
        pid = os.fork()
    if pid:
        _wait(pid, rank)
    os.setpgid(0, 0)  # a signal for the parent's group then reaches this process once, through the parent
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # mpiexec ends the parent only
    if os.getppid() != parent:
        os._exit(1)


def _wait(pid: int, rank: int) -> None:
    """Wait for the child, and end as it does."""

    def forward(number: int, _: FrameType | None) -> None:
        os.kill(pid, number)

    for number in FORWARDED:
        signal.signal(number, forward)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code < 0 and -code != signal.SIGALRM:  # by which a rank that has told its reason ends at the latest
        print(
            f"minigrad: error: rank {rank} ({socket.gethostname()}) was killed by {signal.Signals(-code).name}"
            f"{', for want of memory perhaps' if -code == signal.SIGKILL else ''}: all ranks end. What was saved "
            "last is kept, and minigrad resume goes on from there",
            file=sys.stderr,
            flush=True,
        )
    os._exit(code if code >= 0 else 128 - code)

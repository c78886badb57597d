"""`at_most`: a limit to the time of what runs in a block."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

AGAIN: Final = 0.1
"""Seconds after which it is raised once more: in a finalizer or callback of the garbage collector it is lost."""


class OutOfTime(BaseException):
    """The time is over. No `except Exception` on the way may take it for an error of its own."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in a block that takes more time of the processor; on Windows there is no limit.

    Args:
        seconds: how much it may take.
    """
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_: object) -> None:
        raise OutOfTime

    former = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, former)

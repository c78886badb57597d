"""Prefetching: the next results are computed in a thread while the last one is being used."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import current_thread
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

T = TypeVar("T")

THREAD_NAME = "minigrad-prefetch"


class Prefetch(AbstractContextManager["Prefetch[T]"], Generic[T]):
    """`compute(0)`, `compute(1)`, ... each called in one other thread, before its result is asked for.

    `prefetch(n)` returns or raises what `compute(n)` does. Asking for n, n + 1, ... finds them begun; another order
    works too, and begins anew. Leaving the context ends the thread, after the call that it is in.

    Args:
        compute: a function of a number; nothing else may decide its result.
        stop: the first number that is not to be computed.
        ahead: how many results may wait, at least 1.
    """

    def __init__(self, compute: Callable[[int], T], stop: int, ahead: int) -> None:
        self._compute, self._stop, self._ahead = compute, stop, ahead
        self._next = 0  # to be begun
        self._begin()

    def __call__(self, number: int) -> T:
        """The result for `number`, waiting for it if need be."""
        if self._process != os.getpid():
            self._begin()  # a fork copies this object, but not its thread
        if number != self._next - len(self._waiting):
            self._cancel_all()
            self._next = number
        self._fill()
        future = self._waiting.popleft()
        self._fill()  # before the caller uses this result, so that the thread never waits for that
        return future.result()

    def __exit__(self, *_: object) -> None:
        """End the thread."""
        if self._process != os.getpid():
            return
        self._cancel_all()
        # Garbage collection can end a forgotten iteration within its own thread, which cannot wait for itself.
        self._executor.shutdown(wait=not current_thread().name.startswith(THREAD_NAME))

    def _begin(self) -> None:
        from concurrent.futures import ThreadPoolExecutor  # costs a millisecond to import, and few need it

        self._executor: ThreadPoolExecutor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=THREAD_NAME)
        self._process = os.getpid()
        self._waiting: deque[Future[T]] = deque()

    def _fill(self) -> None:
        while len(self._waiting) < self._ahead and self._next < self._stop:
            self._waiting.append(self._executor.submit(self._compute, self._next))
            self._next += 1

    def _cancel_all(self) -> None:
        while self._waiting:
            self._waiting.pop().cancel()

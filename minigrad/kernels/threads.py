"""A thread pool for compiled kernels, which cut a range into pieces.

Numba has thread pools of its own, but which one is luck: beside OpenBLAS, whose threads spin for a while after
each product, its omp layer takes 10 ms for work of 0.1 ms, its workqueue layer must not be entered by two threads,
and tbb is not everywhere (nor found in a virtual environment). Compiled kernels release the GIL, so plain
Python threads serve. To wake one costs about 20 us, and nobody waits for one that wakes late.
"""

import os
import threading
from collections import deque
from collections.abc import Callable
from functools import cache
from importlib import import_module
from itertools import pairwise
from queue import SimpleQueue
from typing import Any, TypeAlias

Kernel: TypeAlias = Callable[..., object]
"""A function of some arguments and of where its range starts and stops."""

PIECES_PER_THREAD = 4


class Job:
    """A kernel's range in pieces. Whoever has time takes the next one."""

    def __init__(self, kernel: Kernel, args: tuple[object, ...], cuts: list[int]) -> None:
        self.kernel, self.args = kernel, args
        self.pieces = deque(pairwise(cuts))
        self.done: SimpleQueue[BaseException | None] = SimpleQueue()

    def work(self) -> None:
        """Work on pieces until none is left."""
        while self.pieces:
            try:
                start, stop = self.pieces.popleft()
            except IndexError:  # another thread was quicker
                return
            try:
                self.kernel(*self.args, start, stop)
            except BaseException as error:
                self.done.put(error)
            else:
                self.done.put(None)


def parallel(kernel: Kernel, total: int, *args: object, grain: int = 1, align: int = 1) -> None:
    """Call kernel(*args, start, stop) on pieces of range(total), at least `grain` long, in a few threads.

    Pieces begin at multiples of `align`. They must write to different places, and what they compute must not depend on
    where the cuts are: then results are the same, bit for bit, for any number of threads.
    """
    threads = min(thread_count(), total // grain) if total >= 2 * grain else 1
    if threads < 2:
        kernel(*args, 0, total)
        return
    pieces = min(PIECES_PER_THREAD * threads, total // grain)
    cuts = [total * i // (pieces * align) * align for i in range(pieces)]
    job = Job(kernel, args, [*cuts, total])
    _pool.offer(job, threads - 1)
    job.work()
    errors = [job.done.get() for _ in range(pieces)]
    job.args = ()  # a worker that wakes late finds no piece, and must not keep arrays until then
    for error in errors:
        if error is not None:
            raise error


def thread_count() -> int:
    """How many threads compiled kernels use: as many as NUMBA_NUM_THREADS or set_num_threads tell Numba."""
    numba, pool = _numba()
    # To ask get_num_threads would start Numba's own threads; without them, set_num_threads was not called.
    if getattr(pool, "_is_initialized", False):
        return int(numba.get_num_threads())
    return int(numba.config.NUMBA_NUM_THREADS)


@cache
def _numba() -> tuple[Any, Any]:
    return import_module("numba"), import_module("numba.np.ufunc.parallel")


class Pool:
    """Threads that wait for jobs. They are started by the first job."""

    def __init__(self) -> None:
        self.inbox: SimpleQueue[Job] = SimpleQueue()
        self.workers = 0
        self.starting = threading.Lock()

    def offer(self, job: Job, workers: int) -> None:
        """Wake as many workers for a job."""
        if self.workers < workers:
            with self.starting:
                for i in range(self.workers, workers):
                    threading.Thread(target=self.serve, name=f"minigrad-{i}", daemon=True).start()
                    self.workers = i + 1
        for _ in range(workers):
            self.inbox.put(job)

    def serve(self) -> None:
        """Work on one job after the other, forever."""
        while True:
            self.inbox.get().work()  # a sleeping worker keeps no array alive


_pool = Pool()


def _forget_workers() -> None:
    global _pool
    _pool = Pool()


if hasattr(os, "register_at_fork"):  # threads do not survive in a forked child
    os.register_at_fork(after_in_child=_forget_workers)

"""A few threads that compiled kernels share: they sleep until they are handed a part of a range.

Numba has thread pools of its own, but which one is luck: beside OpenBLAS, whose threads spin after each
product, its omp layer was seen to take 10 ms for work of 0.1 ms, its workqueue layer is slow and may be
entered by one thread only, and tbb is not everywhere. Compiled kernels release the GIL, so plain Python
threads serve; handing over costs about 20 us.
"""

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeAlias

Part: TypeAlias = tuple[Callable[..., Any], tuple[Any, ...], int, int, "SimpleQueue[BaseException | None]"]

_inbox: "SimpleQueue[Part]" = SimpleQueue()
_workers = 0
_growing = threading.Lock()


def parallel(kernel: Callable[..., Any], total: int, *args: Any, grain: int = 1) -> None:
    """Call kernel(*args, start, stop) on parts of range(total), at least `grain` long, each in a thread.

    The parts must write to different places. What they compute must not depend on where the cuts are: then
    results are the same, bit for bit, for any number of threads.
    """
    parts = max(1, min(thread_count(), total // grain))
    _grow(parts - 1)
    cuts = [total * i // parts for i in range(parts + 1)]
    done: SimpleQueue[BaseException | None] = SimpleQueue()  # of this call: other callers have their own
    for start, stop in zip(cuts[1:-1], cuts[2:], strict=True):
        _inbox.put((kernel, args, start, stop, done))
    try:
        kernel(*args, 0, cuts[1])
    finally:
        errors = [done.get() for _ in range(parts - 1)]
    for error in errors:
        if error is not None:
            raise error


def thread_count() -> int:
    """How many threads compiled kernels use: what Numba is told by NUMBA_NUM_THREADS or set_num_threads."""
    from numba import config, get_num_threads
    from numba.np.ufunc import parallel as pool

    # To ask Numba starts its pool, so ask only once somebody else has started it.
    return int(get_num_threads() if getattr(pool, "_is_initialized", False) else config.NUMBA_NUM_THREADS)


def _grow(workers: int) -> None:
    global _workers
    if _workers >= workers:
        return
    with _growing:
        if _workers == 0 and hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_forget)
        while _workers < workers:
            threading.Thread(target=_work, args=(_inbox,), name=f"minigrad-{_workers}", daemon=True).start()
            _workers += 1


def _forget() -> None:
    """In a forked child no worker is alive."""
    global _inbox, _workers
    _inbox, _workers = SimpleQueue(), 0


def _work(inbox: "SimpleQueue[Part]") -> None:
    while True:
        kernel, args, start, stop, done = inbox.get()
        try:
            kernel(*args, start, stop)
        except BaseException as error:
            done.put(error)
        else:
            done.put(None)
        del kernel, args, done  # a sleeping worker keeps no array alive

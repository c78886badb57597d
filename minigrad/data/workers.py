"""Worker processes: the next batches are made in other processes, and come back through shared memory.

Each process has a pipe, through which it is told the number of a batch and the slot of the shared memory that its
arrays go to. There are a few slots, so that memory is bounded; a batch that is larger than a slot comes through the
pipe. Whichever process is free takes the next number, and results are handed out in the order of the numbers.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from multiprocessing.shared_memory import SharedMemory
from signal import Signals
from typing import Any, Final, TypeAlias
from weakref import finalize

import numpy as np

from minigrad.data.worker_process import ALIGNMENT, Answer, Task, run_worker
from minigrad.errors import DataError
from minigrad.typing import Array

Result: TypeAlias = tuple[tuple[Array, ...], list[str]]
"""The arrays of a batch, and why samples are missing in it."""

QUEUED: Final = 2
"""How many batches a process is told of at once: it begins the second one without waiting."""

UNGUARDED: Final = (
    'their message is above. A script that starts them needs `if __name__ == "__main__":` around what it does'
)

GRACE: Final = 0.5  # seconds in which a process may finish what it is at, before it is terminated


@dataclass
class Worker:
    """A process, this end of its pipe, and the batches that it has: their numbers, and the slots they go to."""

    process: BaseProcess
    connection: Connection
    tasks: dict[int, int] = field(default_factory=dict)


class Workers(AbstractContextManager["Workers"]):
    """`compute(first)`, `compute(first + 1)`, ... each made in another process before it is asked for.

    `workers(n)` returns or raises what `compute(n)` does, for n = first, first + 1, ... in this order. The first one is
    made here, while the processes start: its size decides that of the slots. Leaving the context ends the processes and
    gives the shared memory back, after an error or Ctrl-C too. If this process is killed, they end by themselves.

    Args:
        compute: a function of a number that can be pickled; nothing else may decide its result.
        first: the number that is asked for first.
        stop: the first number that is not to be computed.
        count: how many processes.
        ahead: how many results may wait; at least so many that no process has to.
        timeout: seconds after which a process that has not answered is given up.
        start_method: "fork", "forkserver" or "spawn"; None for forkserver where there is one, spawn elsewhere: a fork
            of a program with threads may never return.

    Raises:
        DataError: `compute` cannot be sent to another process; a process died, or does not answer.
    """

    def __init__(
        self,
        compute: Callable[[int], Result],
        first: int,
        stop: int,
        count: int,
        ahead: int = 0,
        *,
        timeout: float = 300.0,
        start_method: str | None = None,
    ) -> None:
        self._compute, self._first, self._stop, self._timeout = compute, first, stop, timeout
        self._next = first + 1  # to be begun
        self._free = list(range(max(ahead, QUEUED * count + 1)))  # slots
        self._ready: dict[int, tuple[int, Answer]] = {}  # slot and answer by number
        self._process = os.getpid()
        self._memory: SharedMemory | None = None
        self._slot_size = 0
        self._workers: list[Worker] = []
        resource_tracker.ensure_running()  # before a fork, so that all processes have the same one
        context = _context(start_method)
        try:
            for number in range(min(count, stop - first - 1)):
                self._workers.append(_started(context, compute, number))
        except BaseException:
            self._close(grace=0)
            raise

    def __call__(self, number: int) -> Result:
        """The result for `number`, waiting for it if need be."""
        if number == self._first:
            result = self._compute(number)
            self._make_slots(sum(array.nbytes + ALIGNMENT for array in result[0]))
            self._dispatch()
            return result
        slot, answer = self._wait_for(number)
        arrays = answer.arrays or tuple(self._copied(*place) for place in answer.stored)
        self._free.append(slot)
        self._dispatch()
        if answer.told:
            error = answer.error or DataError(f"a worker process of the DataLoader failed:\n{answer.told}")
            error.add_note(f"in a worker process of the DataLoader, where it was:\n{answer.told}")
            raise error
        return arrays, list(answer.reasons)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the processes, and give the memory back."""
        if self._process == os.getpid():  # a fork copies this object
            self._close(GRACE if kind is None else 0)

    def _make_slots(self, size: int) -> None:
        """Make the shared memory, with some room for batches that are larger than the first one."""
        if not self._workers:
            return
        self._slot_size = -(-max(size + size // 8, 2**16) // ALIGNMENT) * ALIGNMENT
        total = self._slot_size * len(self._free)
        try:
            self._memory = SharedMemory(create=True, size=total)
            self._unlink = finalize(self, _unlinked, self._memory, os.getpid())  # at the latest when Python ends
            if hasattr(os, "posix_fallocate") and (handle := getattr(self._memory, "_fd", -1)) >= 0:
                os.posix_fallocate(handle, 0, total)  # an error now, where writing would end a process without a word
        except OSError as error:
            raise DataError(
                f"DataLoader: there is no room for {total / 1e6:,.0f} MB of shared memory, {len(self._free)} slots of "
                f"{self._slot_size / 1e6:,.1f} MB ({error.strerror}). Use fewer workers or smaller batches; in a "
                "container, give /dev/shm more room (docker run --shm-size=1g)"
            ) from error

    def _dispatch(self) -> None:
        """Tell the processes that have least to do of the next batches."""
        while self._memory is not None and self._next < self._stop and self._free:
            worker = min(self._workers, key=lambda worker: len(worker.tasks))
            if len(worker.tasks) >= QUEUED:
                return
            slot = self._free.pop()
            worker.tasks[self._next] = slot
            with suppress(OSError):  # it has died, which is told when its batch is asked for
                worker.connection.send(Task(self._next, self._memory.name, slot * self._slot_size, self._slot_size))
            self._next += 1

    def _wait_for(self, number: int) -> tuple[int, Answer]:
        """The slot and the answer for a number, when it is there."""
        deadline = time.monotonic() + self._timeout
        while number not in self._ready:
            pipes: list[Any] = [worker.connection for worker in self._workers]
            ends = [worker.process.sentinel for worker in self._workers]
            found = wait([*pipes, *ends], max(0.0, deadline - time.monotonic()))
            for worker, pipe, end in zip(self._workers, pipes, ends, strict=True):
                if pipe in found or end in found:
                    self._receive(worker, died=end in found, wanted=number)
            if not found:
                worker = next(worker for worker in self._workers if number in worker.tasks)
                raise DataError(
                    f"DataLoader: worker process {worker.process.pid} has not made batch {number} in "
                    f"{self._timeout:g} s, and is ended. If the batch needs longer, use a larger timeout="
                )
        return self._ready.pop(number)

    def _receive(self, worker: Worker, died: bool, wanted: int) -> None:
        """Take what a process has sent."""
        try:
            while worker.connection.poll():
                answer: Answer = worker.connection.recv()
                self._ready[answer.number] = worker.tasks.pop(answer.number), answer
        except (EOFError, OSError, pickle.UnpicklingError):
            died = True
        if died and wanted in worker.tasks:
            worker.process.join(GRACE)
            raise DataError(
                f"DataLoader: worker process {worker.process.pid} has ended ({_cause(worker.process)}) while it made "
                f"batch {wanted}. Use workers=0 to see what fails"
            )
        if died and worker in self._workers and worker.tasks:
            time.sleep(0.01)  # its batches are asked for soon

    def _copied(self, dtype: str, shape: tuple[int, ...], begin: int) -> Array:
        assert self._memory is not None
        return np.ndarray(shape, dtype, self._memory.buf, begin).copy()

    def _close(self, grace: float) -> None:
        for worker in self._workers:
            with suppress(OSError):  # it has ended already
                worker.connection.send(None)
            worker.connection.close()
        end = time.monotonic() + grace
        for worker in self._workers:
            worker.process.join(max(0.0, end - time.monotonic()))
            if worker.process.is_alive():
                worker.process.terminate()
                worker.process.join(1)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.process.close()
        self._workers.clear()
        if self._memory is not None:
            self._unlink()
            self._memory = None


def _context(start_method: str | None) -> BaseContext:
    known = multiprocessing.get_all_start_methods()
    if start_method is None:
        start_method = "forkserver" if "forkserver" in known else "spawn"
    if start_method not in known:
        raise DataError(f"DataLoader: start_method must be {' or '.join(known)} here, got {start_method!r}.")
    context = multiprocessing.get_context(start_method)
    if start_method == "forkserver":  # which then imports them once, and not for each process
        from multiprocessing.forkserver import _forkserver

        others = getattr(_forkserver, "_preload_modules", ["__main__"])
        spec = getattr(sys.modules["__main__"], "__spec__", None)  # of `python -m`, which "__main__" leaves out
        modules = [*others, "minigrad.data", *([spec.name] if spec is not None else [])]
        context.set_forkserver_preload(list(dict.fromkeys(modules)))
    return context


def _started(context: BaseContext, compute: Callable[[int], Result], number: int) -> Worker:
    here, there = context.Pipe()
    process: Any = context.Process(  # type: ignore[attr-defined]  # each context has its own class
        target=run_worker, args=(there, compute), name=f"minigrad-worker-{number}", daemon=True
    )
    try:
        process.start()
    except (EOFError, ConnectionError) as error:
        here.close()
        raise DataError(f"DataLoader: worker processes cannot be started: {UNGUARDED}") from error
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        here.close()
        raise DataError(
            f"DataLoader: the dataset or a transform cannot be sent to a worker process ({error}). Define it at the "
            "top level of a module, not inside of a function, or use workers=0 and prefetch=2"
        ) from error
    finally:
        there.close()
    return Worker(process, here)


def _cause(process: BaseProcess) -> str:
    """Why a process has ended, as far as one can tell."""
    code = process.exitcode
    if code is None:
        return "it closed its pipe"
    if code == 1 and not getattr(sys, "ps1", None):
        return f"exit code 1: {UNGUARDED}"
    if code >= 0:
        return f"exit code {code}"
    name = Signals(-code).name if -code in list(Signals) else f"signal {-code}"
    return f"{name}: perhaps for want of memory" if name == "SIGKILL" else name


def _unlinked(memory: SharedMemory, process: int) -> None:
    """Give shared memory back, once, in the process that made it."""
    if os.getpid() == process:
        memory.close()
        memory.unlink()

"""Worker processes: the next batches are made in other processes, and come back through shared memory.

Each process has a pipe, through which it is told the number of a batch and the slot of the shared memory that its
arrays go to. There are a few slots, so that memory is bounded; a batch that is larger than a slot comes through the
pipe. Whichever process is free takes the next number, and results are handed out in the order of the numbers.
"""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from multiprocessing.shared_memory import SharedMemory
from typing import Any, Final, TypeAlias
from weakref import finalize

import numpy as np

from minigrad.data.batch_reader import Epoch
from minigrad.data.worker_process import ALIGNMENT, Answer, Task
from minigrad.data.worker_start import Worker, cause_of, context_of, started
from minigrad.errors import DataError
from minigrad.typing import Array

Result: TypeAlias = tuple[tuple[Array, ...], list[str]]
"""The arrays of a batch, and why samples are missing in it."""

QUEUED: Final = 2
"""How many batches a process is told of at once: it begins the second one without waiting."""

GRACE: Final = 0.5  # seconds in which a process may finish what it is at, before it is terminated


class Workers(AbstractContextManager["Workers"]):
    """`compute(epoch, first)`, `compute(epoch, first + 1)`, ... each made in another process before it is asked for.

    Inside of `reading(epoch, first, stop)` a function of n returns or raises what `compute(epoch, n)` does, for
    n = first, first + 1, ... in this order. The very first one is made here, while the processes start: its size
    decides that of the slots. Leaving the context ends the processes and gives the shared memory back, after an error
    or Ctrl-C too. If this process is killed, they end by themselves.

    Args:
        compute: a function of an epoch and a number that can be pickled; nothing else may decide its result.
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
        compute: Callable[[Epoch, int], Result],
        count: int,
        ahead: int = 0,
        *,
        timeout: float = 300.0,
        start_method: str | None = None,
    ) -> None:
        self._compute, self._timeout = compute, timeout
        self.broken = False  # whether a process has died or does not answer
        self._epoch: Epoch | None = None  # which is being read
        self._reading = 0  # how many have been begun: answers to the tasks of earlier ones come too late
        self._next = self._stop = 0  # the number to be begun, and the first that is not
        self._free = list(range(max(ahead, QUEUED * count + 1)))  # slots
        self._ready: dict[int, tuple[int, Answer]] = {}  # slot and answer by number
        self._process = os.getpid()
        self._memory: SharedMemory | None = None
        self._slot_size = 0
        self._workers: list[Worker] = []
        resource_tracker.ensure_running()  # before a fork, so that all processes have the same one
        context = context_of(start_method)
        try:
            for number in range(count):
                self._workers.append(started(context, compute, number))
        except BaseException:
            self._close(grace=0)
            raise

    @property
    def busy(self) -> bool:
        """Whether an epoch is being read."""
        return self._epoch is not None

    @contextmanager
    def reading(self, epoch: Epoch, first: int, stop: int) -> Iterator[Callable[[int], Result]]:
        """A function of a number, inside of this block; the processes stay.

        Args:
            epoch: what `compute` is given.
            first: the number that is asked for first.
            stop: the first number that is not to be computed.
        """
        self._epoch, self._next, self._stop = epoch, first + (self._memory is None), stop
        self._reading += 1
        self._dispatch()
        try:
            yield self._result
        finally:
            self._epoch = None
            self._free += [slot for slot, _ in self._ready.values()]
            self._ready.clear()

    def _result(self, number: int) -> Result:
        """The result for `number`, waiting for it if need be."""
        assert self._epoch is not None
        if self._memory is None:  # the first one, or there are no processes
            result = self._compute(self._epoch, number)
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
        self.close(GRACE if kind is None else 0)

    def close(self, grace: float = GRACE) -> None:
        """End the processes, and give the memory back.

        Args:
            grace: seconds in which a process may finish what it is at (default 0.5).
        """
        if self._process == os.getpid():  # a fork copies this object
            self._close(grace)

    def __del__(self) -> None:
        """End the processes at the latest when nobody knows them any more."""
        with suppress(Exception):  # Python may be ending, or `__init__` have failed
            self.close(0)

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
        while self._memory is not None and self._epoch is not None and self._next < self._stop and self._free:
            worker = min(self._workers, key=lambda worker: len(worker.tasks))
            if len(worker.tasks) >= QUEUED:
                return
            slot = self._free.pop()
            worker.tasks[self._reading, self._next] = slot
            place = self._memory.name, slot * self._slot_size, self._slot_size
            with suppress(OSError):  # it has died, which is told when its batch is asked for
                worker.connection.send(Task(self._reading, self._epoch, self._next, *place))
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
                self.broken = True
                worker = next(worker for worker in self._workers if (self._reading, number) in worker.tasks)
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
                slot = worker.tasks.pop((answer.reading, answer.number))
                if answer.reading == self._reading:
                    self._ready[answer.number] = slot, answer
                else:
                    self._free.append(slot)
                    self._dispatch()
        except (EOFError, OSError, pickle.UnpicklingError):
            died = True
        self.broken = self.broken or died
        if died and (self._reading, wanted) in worker.tasks:
            worker.process.join(GRACE)
            raise DataError(
                f"DataLoader: worker process {worker.process.pid} has ended ({cause_of(worker.process)}) while it made "
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


def _unlinked(memory: SharedMemory, process: int) -> None:
    """Give shared memory back, once, in the process that made it."""
    if os.getpid() == process:
        memory.close()
        memory.unlink()

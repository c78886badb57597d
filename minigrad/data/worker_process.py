"""What a worker process of a loader does: it makes batches, and puts their arrays into shared memory."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.shared_memory import SharedMemory
from typing import Any, Final

import numpy as np

from minigrad.config import set_threads
from minigrad.typing import Array, Shape

ALIGNMENT: Final = 64  # bytes, for the arrays in a slot

SECONDS_LEFT: Final = 2.0
"""To end by itself, when the process that reads the batches has ended."""


@dataclass(frozen=True)
class Task:
    """What a process is told: the epoch and number of a batch, for the how many-th reading, and where its arrays go."""

    reading: int
    epoch: Any
    number: int
    memory: str
    begin: int
    size: int


@dataclass(frozen=True)
class Answer:
    """What a process answers.

    Attributes:
        reading, number: of the task.
        reasons: why samples are missing in it.
        stored: dtype, shape and place in the shared memory of each array, where they are there.
        arrays: they themselves, where they are not.
        error: what was raised instead.
        told: the text of that, with its traceback.
    """

    reading: int
    number: int
    reasons: Sequence[str] = ()
    stored: Sequence[tuple[str, Shape, int]] = ()
    arrays: tuple[Array, ...] = ()
    error: Exception | None = None
    told: str = ""


def run_worker(connection: Connection, compute: Callable[[Any, int], Any]) -> None:
    """Answer tasks until the pipe is closed or the other process has ended.

    Args:
        connection: this end of the pipe.
        compute: from the epoch and number of a batch to its arrays, and why samples are missing in it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes: who began them ends them
    set_threads(1)  # there is a process for each processor
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()
    watched: list[Any] = [connection, *([] if parent is None else [parent.sentinel])]
    memory: SharedMemory | None = None
    try:
        while connection in wait(watched):
            task = connection.recv()
            if task is None:
                return
            if memory is None:
                memory = SharedMemory(task.memory)
            connection.send(_answer(task, memory, compute))
    except (EOFError, OSError):
        pass  # the other process has closed the pipe: it needs nothing more
    finally:
        if memory is not None:
            memory.close()
        sys.stdout.flush()


def _end_after(sentinel: int) -> None:
    """End this process when the other one has ended, even if a sample's code goes on."""
    wait([sentinel])
    time.sleep(SECONDS_LEFT)
    os._exit(1)


def _answer(task: Task, memory: SharedMemory, compute: Callable[[Any, int], Any]) -> Answer:
    try:
        arrays, reasons = compute(task.epoch, task.number)
    except Exception as error:
        return Answer(
            task.reading, task.number, error=_sendable(error), told="".join(traceback.format_exception(error))
        )
    arrays = tuple(np.asarray(array) for array in arrays)
    stored, place = [], task.begin
    for array in arrays:
        stored.append((array.dtype.str, array.shape, place))
        place += -(-array.nbytes // ALIGNMENT) * ALIGNMENT
    if place > task.begin + task.size or any(array.dtype.hasobject for array in arrays):
        return Answer(task.reading, task.number, reasons, arrays=arrays)
    for array, (dtype, shape, begin) in zip(arrays, stored, strict=True):
        np.ndarray(shape, dtype, memory.buf, begin)[...] = array
    return Answer(task.reading, task.number, reasons, stored)


def _sendable(error: Exception) -> Exception | None:
    """An error that arrives as it is, or None."""
    try:
        again: object = pickle.loads(pickle.dumps(error))  # our own, from a moment before
    except Exception:
        return None
    return error if type(again) is type(error) and str(again) == str(error) else None

"""Mutants tried in child processes, the rules of one op in each, where the system can fork; else in this process."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from selectors import EVENT_READ, DefaultSelector

from minigrad.testing.mutation.mutant import Mutant
from minigrad.testing.mutation.mutation_run import CRASHED, TIMED_OUT, MutantResult, Suite, mutant_results


def run_mutants(suite: Suite, mutants: Sequence[Mutant], processes: int) -> Iterator[list[MutantResult]]:
    """The results of all mutants, those of one op together, as they become known."""
    chunks = [list(chunk) for _, chunk in groupby(mutants, key=lambda mutant: mutant.op)]
    if processes < 1 or not hasattr(os, "fork"):
        for chunk in chunks:
            yield list(mutant_results(suite, chunk))
    else:
        cost = {id(chunk): sum(map(suite.time_limit, chunk)) for chunk in chunks}
        yield from WorkerPool(suite, processes).run(sorted(chunks, key=lambda chunk: cost[id(chunk)], reverse=True))


@dataclass
class Worker:
    """A process that works through mutants and reports each one by a line in a pipe.

    Attributes:
        pid: of the process.
        pipe: the file descriptor that the lines arrive at.
        mutants: all that it has to try.
        results: of those that it has tried.
        unread: the beginning of a line that has not arrived completely.
        since: when it began with the current mutant.
        overdue: whether it was stopped for taking too long.
    """

    pid: int
    pipe: int
    mutants: list[Mutant]
    results: list[MutantResult] = field(default_factory=list)
    unread: bytes = b""
    since: float = field(default_factory=time.monotonic)
    overdue: bool = False

    @property
    def current(self) -> Mutant | None:
        """The mutant that is being tried."""
        return self.mutants[len(self.results)] if len(self.results) < len(self.mutants) else None

    def receive(self, data: bytes) -> None:
        """Add the results in what came through the pipe."""
        *lines, self.unread = (self.unread + data).split(b"\n")
        for line in lines:
            outcome, test = json.loads(line)
            assert self.current is not None
            self.results.append(MutantResult(self.current, outcome, test))
            self.since = time.monotonic()


class WorkerPool:
    """So many child processes at a time, forked from the state that this process had after the first run."""

    def __init__(self, suite: Suite, processes: int) -> None:
        self.suite, self.processes = suite, processes
        self.running: dict[int, Worker] = {}
        self.selector = DefaultSelector()

    def run(self, chunks: list[list[Mutant]]) -> Iterator[list[MutantResult]]:
        """The results of each chunk when its process has ended; one that broke off is followed by another one."""
        waiting = list(chunks)
        try:
            while waiting or self.running:
                while waiting and len(self.running) < self.processes:
                    self._start(waiting.pop(0))
                for worker in self._ended():
                    if worker.current is not None:
                        worker.results.append(MutantResult(worker.current, TIMED_OUT if worker.overdue else CRASHED))
                    rest = worker.mutants[len(worker.results) :]
                    if rest:
                        waiting.insert(0, rest)
                    yield worker.results
        finally:
            for worker in self.running.values():
                os.kill(worker.pid, signal.SIGKILL)
                self._reap(worker)
            self.selector.close()

    def _start(self, mutants: list[Mutant]) -> None:
        """Fork a process for some mutants."""
        sys.stdout.flush()
        sys.stderr.flush()
        receiving, sending = os.pipe()
        with warnings.catch_warnings():
            # Threads that sleep do not disturb: NumPy's and minigrad's own are started anew in a child.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            self._work(mutants, sending)
        os.close(sending)
        self.running[receiving] = Worker(pid, receiving, mutants)
        self.selector.register(receiving, EVENT_READ)

    def _work(self, mutants: list[Mutant], sending: int) -> None:  # pragma: no cover  (another process)
        """What the child process does, until it exits."""
        try:
            for result in mutant_results(self.suite, mutants):
                os.write(sending, json.dumps([result.outcome, result.test]).encode() + b"\n")
        finally:
            os._exit(0)

    def _ended(self) -> Iterator[Worker]:
        """Wait for a second at most; the processes that have ended by then, by themselves or for taking too long."""
        for key, _ in self.selector.select(timeout=1):
            worker = self.running[key.fd]
            data = os.read(key.fd, 1 << 16)
            if data:
                worker.receive(data)
            else:
                del self.running[key.fd]
                self._reap(worker)
                yield worker
        for worker in self.running.values():
            current = worker.current
            if current is not None and time.monotonic() - worker.since > self.suite.time_limit(current):
                worker.overdue = True
                os.kill(worker.pid, signal.SIGKILL)  # its pipe ends, which the next round sees

    def _reap(self, worker: Worker) -> None:
        """Let the system forget a process that has ended."""
        self.selector.unregister(worker.pipe)
        os.close(worker.pipe)
        os.waitpid(worker.pid, 0)

"""The suite against mutants: which of them does no test notice?

The tests run once as they are, while it is noted which of them pulls which rule. Then each mutant is put in place and
the tests that pull its rule run again, the most telling first, until one fails: the mutant is *killed*. If none fails,
it *survived*. A mutant that makes a test run on without end, or brings the process down, is not killed by that: no test
said so. It is reported like a survivor, with what happened.

Where the system can fork, mutants are tried out in child processes, the rules of one op in each.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from selectors import EVENT_READ, DefaultSelector
from typing import Any

import pytest
from _pytest.config import apply_warning_filters, parse_warning_filter
from _pytest.runner import runtestprotocol  # what plugins that run tests again build on; there is no public one

from minigrad.autograd.op import Op
from minigrad.testing.mutant import Function, Mutant, Use, applied, exchanged

KILLED, SURVIVED, UNUSED = "killed", "no test fails", "no test pulls this rule"
ENDLESS, CRASHED = "a test did not end", "the process crashed"
PATIENCE = 30.0  # seconds beyond five times what the tests took without a mutant


@dataclass(frozen=True)
class Fate:
    """What became of a mutant, and the test that noticed it ("" for none)."""

    mutant: Mutant
    outcome: str
    test: str = ""


@dataclass
class Suite:
    """Tests, with what each of them costs and which rules it pulls."""

    tests: list[pytest.Item]
    uses: dict[str, set[Use]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def run_observed(self, ops: Iterable[Op], run: Callable[[pytest.Item, pytest.Item | None], None]) -> None:
        """Run every test as it is, by `run(test, next test)`, noting the rules that it pulls."""
        pulled: set[Use] = set()

        def noting(use: Use, function: Function) -> Function:
            def rule(*args: Any, **settings: Any) -> Any:
                pulled.add(use)
                return function(*args, **settings)

            return rule

        with ExitStack() as stack:
            for op in ops:
                stack.enter_context(exchanged(op, noting))
            for test, following in zip(self.tests, [*self.tests[1:], None], strict=True):
                pulled.clear()
                start = time.perf_counter()
                run(test, following)
                self.seconds[test.nodeid] = time.perf_counter() - start
                self.uses[test.nodeid] = set(pulled)

    def concerned(self, mutant: Mutant) -> list[pytest.Item]:
        """The tests that pull a mutant's rule: those named after its op first, then the quick and specific ones."""
        uses = set(mutant.uses)
        named = re.compile(rf"(?<![A-Za-z0-9]){re.escape(mutant.op.name)}(?![A-Za-z0-9])")

        def cost(test: pytest.Item) -> tuple[bool, float]:
            name = test.nodeid.rpartition("::")[2]
            return not named.search(name), self.seconds[test.nodeid] * len(self.uses[test.nodeid])

        return sorted([test for test in self.tests if self.uses[test.nodeid] & uses], key=cost)

    def limit(self, mutant: Mutant) -> float:
        """How many seconds its tests may take before it counts as endless."""
        return PATIENCE + 5 * sum(self.seconds[test.nodeid] for test in self.concerned(mutant))


def try_all(suite: Suite, mutants: Sequence[Mutant], processes: int) -> Iterator[list[Fate]]:
    """The fates of all mutants, those of one op together, as they become known."""
    chunks = [list(chunk) for _, chunk in groupby(mutants, key=lambda mutant: mutant.op)]
    if processes < 1 or not hasattr(os, "fork"):
        for chunk in chunks:
            yield list(fates(suite, chunk))
    else:
        cost = {id(chunk): sum(map(suite.limit, chunk)) for chunk in chunks}
        yield from Children(suite, processes).work(sorted(chunks, key=lambda chunk: cost[id(chunk)], reverse=True))


def fates(suite: Suite, mutants: Iterable[Mutant]) -> Iterator[Fate]:
    """Try one mutant after the other in this process. The last test that killed one is tried first on the next."""
    last: pytest.Item | None = None
    for mutant in mutants:
        tests = suite.concerned(mutant)
        if last in tests:
            tests.insert(0, last)
        with applied(mutant):
            killer = next((test for test in dict.fromkeys(tests) if fails(test)), None)
        last = killer or last
        outcome = KILLED if killer is not None else SURVIVED if tests else UNUSED
        yield Fate(mutant, outcome, killer.nodeid if killer is not None else "")


def fails(test: pytest.Item) -> bool:
    """Run a test again, with its fixtures and its filters of warnings, but without telling anybody."""
    config = test.config
    with warnings.catch_warnings():
        apply_warning_filters(config.getini("filterwarnings"), config.known_args_namespace.pythonwarnings or [])
        for mark in reversed(list(test.iter_markers("filterwarnings"))):
            for argument in mark.args:
                warnings.filterwarnings(*parse_warning_filter(argument, escape=False))
        return any(report.failed for report in runtestprotocol(test, log=False, nextitem=None))


# ---- child processes ---------------------------------------------------------------------------------------------


@dataclass
class Child:
    """A process that works through mutants and tells of each one by a line in a pipe."""

    pid: int
    pipe: int
    mutants: list[Mutant]
    fates: list[Fate] = field(default_factory=list)
    unread: bytes = b""
    since: float = field(default_factory=time.monotonic)
    overdue: bool = False

    @property
    def current(self) -> Mutant | None:
        """The mutant that is being tried."""
        return self.mutants[len(self.fates)] if len(self.fates) < len(self.mutants) else None

    def take(self, data: bytes) -> None:
        """Understand what came through the pipe."""
        *lines, self.unread = (self.unread + data).split(b"\n")
        for line in lines:
            outcome, test = json.loads(line)
            assert self.current is not None
            self.fates.append(Fate(self.current, outcome, test))
            self.since = time.monotonic()


class Children:
    """As many child processes as there are cores: started from the state that the process had after the first run."""

    def __init__(self, suite: Suite, processes: int) -> None:
        self.suite, self.processes = suite, processes
        self.running: dict[int, Child] = {}
        self.selector = DefaultSelector()

    def work(self, chunks: list[list[Mutant]]) -> Iterator[list[Fate]]:
        """The fates of each chunk when its process has ended; a process that broke off is followed by another one."""
        waiting = list(chunks)
        try:
            while waiting or self.running:
                while waiting and len(self.running) < self.processes:
                    self.start(waiting.pop(0))
                for child in self.ended():
                    if child.current is not None:
                        child.fates.append(Fate(child.current, ENDLESS if child.overdue else CRASHED))
                    rest = child.mutants[len(child.fates) :]
                    if rest:
                        waiting.insert(0, rest)
                    yield child.fates
        finally:
            for child in self.running.values():
                os.kill(child.pid, signal.SIGKILL)
                self.reap(child)
            self.selector.close()

    def start(self, mutants: list[Mutant]) -> None:
        """Fork a process for some mutants."""
        sys.stdout.flush()
        sys.stderr.flush()
        receiving, sending = os.pipe()
        with warnings.catch_warnings():
            # Threads that sleep do not disturb: NumPy's and minigrad's own are started anew in a child.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            self._be_child(mutants, sending)
        os.close(sending)
        self.running[receiving] = Child(pid, receiving, mutants)
        self.selector.register(receiving, EVENT_READ)

    def _be_child(self, mutants: list[Mutant], sending: int) -> None:  # pragma: no cover  (another process)
        try:
            for fate in fates(self.suite, mutants):
                os.write(sending, json.dumps([fate.outcome, fate.test]).encode() + b"\n")
        finally:
            os._exit(0)

    def ended(self) -> Iterator[Child]:
        """Listen for a second at most; give the processes that are at their end, by themselves or by our doing."""
        for key, _ in self.selector.select(timeout=1):
            child = self.running[key.fd]
            data = os.read(key.fd, 1 << 16)
            if data:
                child.take(data)
            else:
                del self.running[key.fd]
                self.reap(child)
                yield child
        for child in self.running.values():
            current = child.current
            if current is not None and time.monotonic() - child.since > self.suite.limit(current):
                child.overdue = True
                os.kill(child.pid, signal.SIGKILL)  # its pipe ends, which the next round sees

    def reap(self, child: Child) -> None:
        """Let the system forget a process that has ended."""
        self.selector.unregister(child.pipe)
        os.close(child.pipe)
        os.waitpid(child.pid, 0)

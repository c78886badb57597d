"""The processes that examine functions: one that hangs or dies is started again behind the function that did it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, Final

from minigrad.testing.scoreboard.frameworks.examine import NOT_CALLED, Examined, examiner

GRACE: Final = 60.0
PATIENCE: Final = 30.0
"""A process that says nothing is ended after so many times its time of the processor, and GRACE seconds more."""


def serve(framework: str, budget: float) -> None:
    """Examine the functions whose names come on standard input, a line each, and print what came of them as JSON."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a framework prints is no answer
    examine = examiner(framework)
    for line in sys.stdin:
        print(json.dumps(examine(line.strip(), budget).as_json()), file=out, flush=True)


class Worker:
    """A process that examines one function after another.

    Args:
        framework: whose functions.
        budget: seconds for each.
    """

    def __init__(self, framework: str, budget: float) -> None:
        self.framework, self.budget = framework, budget
        self.process: subprocess.Popen[str] | None = None

    def examine(self, function: str) -> dict[str, Any]:
        """What came of a function, as JSON.

        Args:
            function: its path.
        """
        start = time.perf_counter()
        if self.process is None:
            self._start()
        assert self.process is not None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            print(function, file=self.process.stdin, flush=True)
            line = _line(self.process.stdout, PATIENCE * self.budget + GRACE)
        except BrokenPipeError:
            line = ""
        if line:
            found: dict[str, Any] = json.loads(line)
            return found
        note = self._why_silent()
        self.close()
        return Examined(function, NOT_CALLED, note=note, seconds=time.perf_counter() - start).as_json()

    def _why_silent(self) -> str:
        assert self.process is not None
        try:
            return f"the process died (status {self.process.wait(3.0)})"
        except subprocess.TimeoutExpired:
            return "ended, for it took too long"

    def _start(self) -> None:
        command = [sys.executable, "-m", "minigrad.testing.scoreboard", "--serve", self.framework]
        self.process = subprocess.Popen(
            [*command, "--seconds", str(self.budget)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()  # which closes both of its ends
            self.process = None


def _line(stream: IO[str], seconds: float) -> str:
    """The next line of a process; "" when it ends, or says nothing for so long."""
    reader = ThreadPoolExecutor(1)
    try:
        return reader.submit(stream.readline).result(seconds)
    except TimeoutError:
        return ""
    finally:
        reader.shutdown(wait=False)


def examine_all(
    framework: str, functions: Sequence[str], budget: float, processes: int, tell: Callable[[dict[str, Any]], None]
) -> None:
    """Examine functions, several at a time.

    Args:
        framework: whose functions.
        functions: their paths.
        budget: seconds for each.
        processes: how many at a time.
        tell: called with each result when it is there.
    """

    def share(k: int) -> None:
        worker = Worker(framework, budget)
        for function in functions[k::processes]:
            tell(worker.examine(function))
        worker.close()

    with ThreadPoolExecutor(processes) as pool:
        list(pool.map(share, range(processes)))

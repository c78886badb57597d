"""The sides of a comparison that answer one question after the other, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def start(module: str, *settings: str, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """The process `python -m module settings`, in that environment or in this one."""
    command = [sys.executable, "-m", module, *settings]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ask(side: subprocess.Popen[str], question: str) -> float:
    """A side's answer to a line."""
    assert side.stdin is not None
    assert side.stdout is not None
    print(question, file=side.stdin, flush=True)
    answer = side.stdout.readline()
    if not answer:
        raise SystemExit(f"the process that measures {question} has ended")
    return float(answer)

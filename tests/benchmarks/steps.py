"""Whole training steps: forward, loss, backward, update, in float32.

Each side runs in a process of its own. The sides take turns, a few steps each, for many rounds, so that what the
machine does meanwhile hits them alike; the figure is the median step. All have the same environment, in which freed
memory is kept and idle threads sleep. The ratio is to the fastest of PyTorch's ways: two memory formats of a model, an
optimizer in one kernel ("fused"), and `torch.compile`, which needs a C++ compiler. Peak memory is that of the whole
process, interpreter and libraries included; its ratio is to the least of PyTorch's ways. Steady is the peak without
that of the first three steps, in which kernels are compiled and a step is captured: what a long run needs.

The networks are those of `models`, at paper size and without dropout, on random images.

Each network's row is printed as soon as it is there. With `--budget SECONDS`, or after Ctrl-C, there are the rows of
what was measured until then.

With `--compile`, a second side of minigrad runs the same step through `minigrad.compile`.

The rows update-sgd (with momentum) and update-adam are the optimizer alone, on the 62 million parameters of AlexNet;
they need 4 GB of memory.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
from functools import partial
from itertools import chain
from math import inf
from typing import Self

from minigrad.blas_threads import SPIN, THREAD_TIMEOUT
from tests.benchmarks.display import RowsAndProgress
from tests.benchmarks.rounds import SideEndedError, measure
from tests.benchmarks.worker import NETWORKS

UPDATES = ("update-sgd", "update-adam")
IN_ROWS = ["torch", "torch fused", "torch fused compile"]
PEERS = {  # PyTorch's ways to do the same
    "mlp": IN_ROWS,
    **{model: [*IN_ROWS, "torch fused channels_last"] for model, (_, shape) in NETWORKS.items() if len(shape) == 3},
    "gpt-small": IN_ROWS,
    **{update: ["torch forloop", "torch foreach", "torch fused"] for update in UPDATES},
}
MODELS = tuple(PEERS)
SMALL = ("mlp", "lenet5", *UPDATES)
TUNED = {  # what minigrad, and its command, set for their own process; every side gets it
    THREAD_TIMEOUT: SPIN,
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str((1 << 31) - 1),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--models", nargs="+", default=SMALL, choices=MODELS, help="what to train (default: %(default)s)"
    )
    parser.add_argument("--peer", choices=("torch",), help="whom to compare with")
    parser.add_argument("--compile", action="store_true", help="measure minigrad.compile, too: a side more")
    parser.add_argument("--rounds", type=int, default=40, help="turns that each side takes (default 40)")
    parser.add_argument("--seconds", type=float, default=0.15, help="about how long a turn lasts (default 0.15)")
    parser.add_argument(
        "--budget", type=float, default=inf, help="about how many seconds all may take; then there are fewer rounds"
    )
    parser.add_argument("--threads", type=int, default=2, help="threads of each side (default 2)")
    parser.add_argument("--profile", action="store_true", help="show where minigrad's time goes, op by op, instead")


def run(options: argparse.Namespace) -> int:
    """Measure and print; 130, as of any program that Ctrl-C ends, if it was interrupted."""
    if options.peer and not importlib.util.find_spec(options.peer):
        raise SystemExit(f"{options.peer} is not installed: pip install torch==2.13.0")
    if options.profile:
        return profile(options)
    ours = ["minigrad", "minigrad compiled"] if options.compile else ["minigrad"]
    networks = {
        name: [*(ours if name in NETWORKS else ours[:1]), *(PEERS[name] if options.peer == "torch" else [])]
        for name in options.models
    }
    table = sys.stderr if options.json else sys.stdout  # as JSON, standard output has nothing else in it
    display = RowsAndProgress(len(networks), table, sys.stderr)
    start = partial(Side, options=options)
    try:
        figures, interrupted = measure(networks, start, display, options.rounds, options.budget)
    except SideEndedError as error:
        raise SystemExit(str(error)) from None
    missing = [name for name in networks if name not in figures]
    if missing:
        print(f"not measured: {', '.join(missing)}", file=sys.stderr)
    if options.json:
        print(json.dumps(figures, indent=2))
    return 130 if interrupted else 0


def profile(options: argparse.Namespace) -> int:
    """Profile the networks among the models, each in a process of its own; the exit code of the last."""
    code = 0
    for model in options.models:
        if model in NETWORKS:
            form = "json" if options.json else "table"
            command = [sys.executable, "-m", "tests.benchmarks.op_profile", model, str(options.threads), form]
            code = subprocess.run(command, env=environment(options.threads), check=False).returncode
    return code


def environment(threads: int) -> dict[str, str]:
    """The environment of all processes that are measured."""
    return dict(os.environ) | TUNED | {"OMP_NUM_THREADS": str(threads), "NUMBA_NUM_THREADS": str(threads)}


class Side:
    """A process that trains one model in one way, a few steps whenever it is told to."""

    def __init__(self, name: str, model: str, options: argparse.Namespace) -> None:
        self.name = f"{model} ({name})"
        self.rounds: list[list[float]] = []
        self.memory: dict[str, float] = {}
        command = [sys.executable, "-m", "tests.benchmarks.worker", name, model, str(options.threads)]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(options.threads),
            start_new_session=True,  # Ctrl-C is for this process alone, which ends the others
        )
        self.seconds = options.seconds

    def __enter__(self) -> Self:
        """Wait until it is ready, and find out how many steps a turn has."""
        try:
            self._ask(3)  # compiling, capturing
            warm_up = self._ask(3)
        except BaseException:
            self.process.kill()
            raise
        self.steps = max(1, int(self.seconds / statistics.median(warm_up)))
        return self

    def __exit__(self, *_: object) -> None:
        """End the process, which may be in the middle of a turn."""
        self.process.kill()
        self.process.communicate()

    def _ask(self, steps: int) -> list[float]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(steps, file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            raise SideEndedError(f"the process that measures {self.name} has ended with exit code {code}")
        reply = json.loads(line)
        times: list[float] = reply.pop("seconds")
        self.memory = reply
        return times

    def turn(self) -> None:
        """Train a few steps; the first ones, with caches that belong to another side, do not count."""
        idle = 2 if self.steps > 2 else 1
        self.rounds.append(self._ask(self.steps + idle)[idle:])

    def figures(self, rounds: int) -> dict[str, float]:
        """The median and the best steps of the first rounds, in milliseconds, and the peaks of memory in MB."""
        ordered = sorted(chain.from_iterable(self.rounds[:rounds]))
        return {
            "ms": statistics.median(ordered) * 1e3,
            "best_ms": ordered[len(ordered) // 20] * 1e3,
            **self.memory,
            "steps": len(ordered),
        }

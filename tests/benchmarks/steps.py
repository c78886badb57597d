"""Whole training steps: forward, loss, backward, update, in float32.

Each side runs in a process of its own. The sides take turns, a few steps each, for many rounds, so that what the
machine does meanwhile hits them alike; the figure is the median step. All have the same environment, in which freed
memory is kept and idle threads sleep. The ratio is to the faster of PyTorch's ways: two memory formats of a model, and
three implementations of an optimizer. Peak memory is that of the whole process, interpreter and libraries included.

The networks are those of `models`, at paper size and without dropout, on random images.

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
from typing import Any

from tests.benchmarks.worker import NETWORKS

UPDATES = ("update-sgd", "update-adam")
PEERS = {  # PyTorch's ways to do the same
    "mlp": ["torch"],
    **{model: ["torch", "torch channels_last"] for model in NETWORKS if model != "mlp"},
    **{update: ["torch forloop", "torch foreach", "torch fused"] for update in UPDATES},
}
MODELS = tuple(PEERS)
SMALL = ("mlp", "lenet5", *UPDATES)
PINS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # a test machine's settings, which no user has
TUNED = {  # what the minigrad command sets for its own process; every side gets it
    "OPENBLAS_THREAD_TIMEOUT": "4",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str((1 << 31) - 1),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--models", nargs="+", default=SMALL, choices=MODELS, help="what to train (default: %(default)s)"
    )
    parser.add_argument("--peer", choices=("torch",), help="whom to compare with")
    parser.add_argument("--rounds", type=int, default=40, help="turns that each side takes (default 40)")
    parser.add_argument("--seconds", type=float, default=0.15, help="about how long a turn lasts (default 0.15)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each side (default 2)")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    if options.peer and not importlib.util.find_spec(options.peer):
        raise SystemExit(f"{options.peer} is not installed: pip install torch==2.13.0")
    return {name: _compare(name, options) for name in options.models}


def _compare(model: str, options: argparse.Namespace) -> dict[str, Any]:
    names = ["minigrad", *(PEERS[model] if options.peer == "torch" else [])]
    sides = {name: Side(name, model, options) for name in names}
    for _ in range(options.rounds):
        for side in sides.values():
            side.turn()
    figures: dict[str, Any] = {name: side.figures() for name, side in sides.items()}
    peers = [row["ms"] for name, row in figures.items() if name != "minigrad"]
    memory = [row["peak_mb"] for name, row in figures.items() if name != "minigrad"]
    if peers:
        figures["ratio"] = {
            "time": figures["minigrad"]["ms"] / min(peers),
            "memory": figures["minigrad"]["peak_mb"] / min(memory),
        }
    return figures


class Side:
    """A process that trains one model in one way, a few steps whenever it is told to."""

    def __init__(self, name: str, model: str, options: argparse.Namespace) -> None:
        environment = {key: value for key, value in os.environ.items() if key not in PINS}
        environment |= TUNED | {"OMP_NUM_THREADS": str(options.threads), "NUMBA_NUM_THREADS": str(options.threads)}
        self.times: list[float] = []
        self.peak_mb = 0.0
        command = [sys.executable, "-m", "tests.benchmarks.worker", name, model, str(options.threads)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        warm_up = self._ask(3)
        self.steps = max(1, int(options.seconds / statistics.median(warm_up)))

    def _ask(self, steps: int) -> list[float]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(steps, file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        self.peak_mb = answer["peak_mb"]
        times: list[float] = answer["seconds"]
        return times

    def turn(self) -> None:
        """Train a few steps; the first ones, with caches that belong to another side, do not count."""
        idle = 2 if self.steps > 2 else 1
        self.times += self._ask(self.steps + idle)[idle:]

    def figures(self) -> dict[str, float]:
        self.process.communicate()
        ordered = sorted(self.times)
        return {
            "ms": statistics.median(ordered) * 1e3,
            "best_ms": ordered[len(ordered) // 20] * 1e3,
            "peak_mb": self.peak_mb,
            "steps": len(ordered),
        }


def table(figures: dict[str, Any]) -> str:
    lines = [f"{'model':13}{'side':22}{'ms a step':>10}{'best 5 %':>10}{'peak MB':>10}{'steps':>8}"]
    for model, rows in figures.items():
        for side, row in rows.items():
            if side != "ratio":
                values = f"{row['ms']:10.3f}{row['best_ms']:10.3f}{row['peak_mb']:10.0f}{row['steps']:8d}"
                lines.append(f"{model:13}{side:22}{values}")
        if "ratio" in rows:
            ratio = rows["ratio"]
            lines.append(f"{model:13}{'ratio to the best peer':22}{ratio['time']:10.2f}{'':10}{ratio['memory']:10.2f}")
    return "\n".join(lines)

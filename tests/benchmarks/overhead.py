"""What one op costs: microseconds an op on chains of tanh(x*a + b) with 8x8 float64 arrays.

The arrays are so small that arithmetic hardly counts: the rest is the price of recording and of pulling back. All of
x, a and b require gradients. The figures are the least of many rounds, since everything else on the machine only adds.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import timeit
from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg

LINKS, OPS_A_LINK = 100, 3


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=200, help="rounds to take the best of (default 200)")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    sides = {"numpy": _numpy_chain(), "minigrad": _both(*_minigrad_chain())}
    if importlib.util.find_spec("torch"):
        sides["torch"] = _both(*_torch_chain())
    figures: dict[str, Any] = {name: dict.fromkeys(runs, float("inf")) for name, runs in sides.items()}
    for _ in range(options.rounds):  # in turns: what else the machine does hits all alike
        for name, runs in sides.items():
            for part, run in runs.items():
                figures[name][part] = min(figures[name][part], _microseconds(run))
    return figures


def run(options: argparse.Namespace) -> int:
    figures = measure(options)
    print(json.dumps(figures, indent=2) if options.json else table(figures))
    return 0


def table(figures: dict[str, Any]) -> str:
    lines = [f"{'us an op':12}{'forward':>10}{'forward + backward':>22}"]
    for side, row in figures.items():
        both = f"{row['both']:22.2f}" if "both" in row else ""
        lines.append(f"{side:12}{row['forward']:10.2f}{both}")
    lines.append("target       <= 3.00              <= 8.00")
    return "\n".join(lines)


def _microseconds(run: Callable[[], object]) -> float:
    return timeit.timeit(run, number=10) / 10 / (LINKS * OPS_A_LINK) * 1e6


def _both(forward: Callable[[], Any], backward: Callable[[Any], None]) -> dict[str, Callable[[], object]]:
    return {"forward": forward, "both": lambda: backward(forward())}


def _arrays() -> list[Any]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=(8, 8)) for _ in range(4)]


def _numpy_chain() -> dict[str, Callable[[], object]]:
    start, a, b, _ = _arrays()

    def forward() -> object:
        x = start
        for _ in range(LINKS):
            x = np.tanh(x * a + b)
        return x

    return {"forward": forward}


def _minigrad_chain() -> tuple[Callable[[], Any], Callable[[Any], None]]:
    start, a, b, g = [mg.Tensor(array, requires_grad=True) for array in _arrays()]

    def forward() -> mg.Tensor:
        x = start
        for _ in range(LINKS):
            x = mg.tanh(x * a + b)
        return x

    return forward, lambda out: out.backward(g)


def _torch_chain() -> tuple[Callable[[], Any], Callable[[Any], None]]:
    import torch

    start, a, b, g = [torch.tensor(array, requires_grad=True) for array in _arrays()]

    def forward() -> Any:
        x = start
        for _ in range(LINKS):
            x = torch.tanh(x * a + b)
        return x

    return forward, lambda out: out.backward(g)

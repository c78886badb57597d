"""Per-sample gradients of LeNet-5, batch 64: how much longer they take than one gradient of the batch.

The gradient of the batch's mean loss, and by `vmap` that of each sample's loss, take turns; beside them the same by
torch.func, where it is installed. The figures are the least of many rounds, since everything else only adds.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from collections.abc import Callable
from typing import Any

import minigrad as mg
from minigrad.config import set_threads
from tests.benchmarks.worker import batch, minigrad_network, torch_network

MODEL = "lenet5"
TARGET = 3.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=100, help="rounds to take the best of (default 100)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each side (default 2)")


def measure(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    sides = {"minigrad": minigrad_gradients(options.threads)}
    if importlib.util.find_spec("torch"):
        sides["torch.func"] = torch_gradients(options.threads)
    best = {(side, part): float("inf") for side, runs in sides.items() for part in runs}
    for _ in range(options.rounds):  # in turns: what else the machine does hits all alike
        for side, runs in sides.items():
            for part, run in runs.items():
                best[side, part] = min(best[side, part], _seconds(run))
    figures = {side: {part: best[side, part] * 1e3 for part in runs} for side, runs in sides.items()}
    return {side: {**row, "ratio": row["per sample"] / row["batch"]} for side, row in figures.items()}


def run(options: argparse.Namespace) -> int:
    figures = measure(options)
    print(json.dumps(figures, indent=2) if options.json else table(figures))
    return 0


def table(figures: dict[str, dict[str, float]]) -> str:
    lines = [f"{'ms':12}{'batch':>10}{'per sample':>12}{'ratio':>8}"]
    for side, row in figures.items():
        lines.append(f"{side:12}{row['batch']:10.2f}{row['per sample']:12.2f}{row['ratio']:8.2f}")
    return "\n".join([*lines, f"target{'<= ' + format(TARGET, '.2f'):>36}"])


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def minigrad_gradients(threads: int) -> dict[str, Callable[[], Any]]:
    set_threads(threads)
    network = minigrad_network(MODEL)
    params = {name: p.detach() for name, p in network.named_parameters()}
    images, labels = map(mg.Tensor, batch(MODEL))

    def loss(p: Any, x: Any, y: Any) -> mg.Tensor:
        return mg.functional.cross_entropy(mg.functional_call(network, p, x), y)

    plain = mg.grad(loss)
    each = mg.vmap(mg.grad(lambda p, x, y: loss(p, x[None], y[None])), (None, 0, 0))
    return {"batch": lambda: plain(params, images, labels), "per sample": lambda: each(params, images, labels)}


def torch_gradients(threads: int) -> dict[str, Callable[[], Any]]:
    import torch
    from torch.func import functional_call, grad, vmap

    torch.set_num_threads(threads)
    network = torch_network(MODEL)
    params = {name: p.detach() for name, p in network.named_parameters()}
    images, labels = (torch.from_numpy(array) for array in batch(MODEL))

    def loss(p: Any, x: Any, y: Any) -> Any:
        return torch.nn.functional.cross_entropy(functional_call(network, p, (x,)), y)

    plain = grad(loss)
    each = vmap(grad(lambda p, x, y: loss(p, x[None], y[None])), (None, 0, 0))
    return {"batch": lambda: plain(params, images, labels), "per sample": lambda: each(params, images, labels)}

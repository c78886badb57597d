"""Recurrent layers and attention, forward and backward: milliseconds beside a peer's, and their ratios.

Each side is a process of its own, and they take turns; a figure is the least of all turns, since everything else on the
machine only adds. All is float32, in training, without dropout.

    lstm, gru, rnn    28 steps of 28 numbers, 128 hidden, a batch of 64
    attention         8 heads of 64 numbers, length 256, a batch of 4, causal
    transformer       one layer of an encoder: 256 numbers, 8 heads, 512 inside, length 128, a batch of 8
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np

from tests.benchmarks.sides import ask, start

LAYERS = ("lstm", "gru", "rnn", "attention", "transformer")
LEAST_RUNS = 5


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--layers", nargs="+", default=LAYERS, choices=LAYERS, help="default: all")
    parser.add_argument("--peer", choices=("torch",), help="whom to compare with")
    parser.add_argument("--rounds", type=int, default=10, help="turns that each side takes (default 10)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each side (default 2)")


def run(options: argparse.Namespace) -> int:
    if options.peer and not importlib.util.find_spec(options.peer):
        raise SystemExit(f"{options.peer} is not installed: pip install torch==2.13.0")
    names = ["minigrad", *([options.peer] if options.peer else [])]
    figures: dict[str, list[float]] = {}
    with ExitStack() as closing:
        sides = [
            closing.enter_context(start("tests.benchmarks.sequences", name, str(options.threads))) for name in names
        ]
        for layer in options.layers:
            turns = [[ask(side, layer) for side in sides] for _ in range(options.rounds)]
            figures[layer] = [min(times) for times in zip(*turns, strict=True)]
            if not options.json:
                print(line(layer, figures[layer]), flush=True)
    if options.json:
        print(json.dumps(figures, indent=2))
    return 0


def line(layer: str, times: list[float]) -> str:
    ratio = f"   ratio {times[0] / times[1]:.2f}" if len(times) > 1 else ""
    return f"{layer:12}" + "".join(f"{t:9.2f} ms" for t in times) + ratio


# ---- one side, in its process ------------------------------------------------------------------------------------


def step_of(layer: str, framework: Any, functional: Any, tensor: Callable[[Any], Any]) -> Callable[[], None]:
    """Forward and backward of a layer, with the gradients of its parameters (of attention: its inputs) cleared."""
    rng = np.random.default_rng(0)

    def drawn(*shape: int) -> Any:
        return tensor(rng.normal(size=shape).astype(np.float32))

    if layer == "attention":
        variables = [drawn(4, 8, 256, 64) for _ in range(3)]
        for x in variables:
            x.requires_grad = True
        forward = lambda: functional.scaled_dot_product_attention(*variables, is_causal=True)  # noqa: E731
    elif layer == "transformer":
        model = framework.TransformerEncoderLayer(256, 8, 512, 0.0, batch_first=True)
        variables, x = list(model.parameters()), drawn(8, 128, 256)
        forward = lambda: model(x)  # noqa: E731
    else:
        model = getattr(framework, layer.upper())(28, 128)
        variables, x = list(model.parameters()), drawn(28, 64, 28)
        forward = lambda: model(x)[0]  # noqa: E731

    def step() -> None:
        for x in variables:
            x.grad = None
        out = forward()
        (out * out).sum().backward()

    return step


def serve(side: str, threads: int) -> None:
    """Answer each line with the least time of a step, in milliseconds."""
    import time

    if side == "minigrad":
        import minigrad as mg
        from minigrad.config import set_threads

        set_threads(threads)
        framework, functional, tensor = mg.nn, mg.functional, mg.Tensor
    else:
        import torch

        torch.set_num_threads(threads)
        framework, functional, tensor = torch.nn, torch.nn.functional, torch.tensor
    steps: dict[str, Callable[[], None]] = {}
    for text in sys.stdin:
        layer = text.strip()
        if layer not in steps:
            steps[layer] = step_of(layer, framework, functional, tensor)
            steps[layer]()  # compiles
        best, runs, end = math.inf, 0, time.perf_counter() + 0.1
        while runs < LEAST_RUNS or time.perf_counter() < end:
            runs += 1
            begin = time.perf_counter()
            steps[layer]()
            best = min(best, time.perf_counter() - begin)
        print(best * 1e3, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))

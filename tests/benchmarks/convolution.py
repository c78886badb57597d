"""Convolutions of networks, each shape alone: forward and its two gradients beside a peer's, and their ratios.

Each side is a process of its own. For each shape and direction they take turns, as in `elementwise`; a figure is the
least of all turns, with one thread (the default) of processor time. The peer may lay out its arrays in either of two
ways, and the faster one counts. Shapes are those that a network's forward pass calls; those that it calls several times
are measured once, and count as often in the network's sums. The first one needs no gradient of the images.

`conv3d` is no network: one convolution of 8 volumes with 16 channels, 8 x 32 x 32, by 32 kernels 3 x 3 x 3.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from math import inf
from typing import Any, NamedTuple

import numpy as np

from tests.benchmarks.sides import ask, start
from tests.benchmarks.steps import environment
from tests.benchmarks.worker import NETWORKS

BATCHES = {name: batch for name, batch in NETWORKS.items() if name != "mlp"}
BATCHES["neocognitron"] = (1, (1, 32, 32))  # which sees its images one by one
BATCHES["c3d-small"] = (32, (1, 8, 24, 24))
DIRECTIONS = ("forward", "to x", "to w")
LEAST_RUNS = 3


class Layer(NamedTuple):
    """A convolution of x (N, C, H, W) by w (O, C/groups, P, Q), or of volumes likewise."""

    x: tuple[int, ...]
    w: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int

    def __str__(self) -> str:
        images, kernels = ("x".join(map(str, shape)) for shape in (self.x, self.w))
        return f"{images}, {kernels}" + (f" / {self.stride[0]}" if max(self.stride) > 1 else "")


ALONE = {"conv3d": Layer((8, 16, 8, 32, 32), (32, 16, 3, 3, 3), (1,) * 3, (1,) * 3, (1,) * 3, 1)}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--models", nargs="+", default=("resnet20", "conv3d"), choices=[*BATCHES, *ALONE], help="default: %(default)s"
    )
    parser.add_argument("--peer", choices=("torch",), help="whom to compare with")
    parser.add_argument("--rounds", type=int, default=3, help="turns that each side takes (default 3)")
    parser.add_argument("--seconds", type=float, default=0.05, help="about how long a turn lasts (default 0.05)")
    parser.add_argument("--threads", type=int, default=1, help="threads of each side (default 1)")


def run(options: argparse.Namespace) -> int:
    if options.peer and not importlib.util.find_spec(options.peer):
        raise SystemExit(f"{options.peer} is not installed: pip install torch==2.13.0")
    names = ["minigrad", *([options.peer, f"{options.peer} channels_last"] if options.peer else [])]
    figures = {}
    with ExitStack() as closing:
        settings, env = (str(options.threads), str(options.seconds)), environment(options.threads)
        sides = [closing.enter_context(start(__spec__.name, name, *settings, env=env)) for name in names]
        for model in options.models:
            rows = []
            for k, (layer, calls) in enumerate(layers(model).items()):
                row: dict[str, Any] = {"layer": str(layer), "calls": calls}
                for direction in DIRECTIONS:
                    if k > 0 or direction != "to x" or model in ALONE:
                        question = json.dumps([direction, *layer])
                        turns = [[ask(side, question) for side in sides] for _ in range(options.rounds)]
                        ours, *peers = (min(times) for times in zip(*turns, strict=True))
                        row[direction] = [ours, min(peers)] if peers else [ours]
                rows.append(row)
                if not options.json:
                    print(line(row), flush=True)
            if not options.json:
                print(summary(model, rows), flush=True)
            figures[model] = rows
    if options.json:
        print(json.dumps(figures, indent=2))
    return 0


def layers(model: str) -> Counter[Layer]:
    """A network's convolutions, and how often each is called; in the order of the forward pass."""
    import minigrad_models

    import minigrad as mg
    from minigrad.autograd.node import override_state

    if model in ALONE:
        return Counter([ALONE[model]])
    found: Counter[Layer] = Counter()
    size, shape = BATCHES[model]

    def watcher(op: Any, inputs: Any, settings: dict[str, Any], out: Any) -> None:
        if op.name == "conv":
            x, w = np.shape(inputs[0]), np.shape(inputs[1])
            found[Layer((size * x[0], *x[1:]), w, **settings)] += 1

    network = minigrad_models.create(model)
    with mg.no_grad(), override_state(watcher=watcher):
        network(np.zeros((1, *shape), np.float32))
    return found


def line(row: dict[str, Any]) -> str:
    """A shape, and for each direction the times in milliseconds and the ratio."""
    return f"{row['calls']:2} x {row['layer']:44}" + "".join(cells(row.get(way, [])) for way in DIRECTIONS)


def summary(model: str, rows: list[dict[str, Any]]) -> str:
    """The sums over a network, in each direction and in all."""
    sums = [
        [sum(row["calls"] * t for row, t in zip(rows, times, strict=True)) for times in zip(*found, strict=True)]
        for found in ([row.get(way, [0.0] * len(row["forward"])) for row in rows] for way in DIRECTIONS)
    ]
    total = [sum(times) for times in zip(*sums, strict=True)]
    return f"{model:49}" + "".join(map(cells, sums)) + "  all" + cells(total) + "\n"


def cells(times: list[float]) -> str:
    text = "".join(f"{t * 1e3:9.2f}" for t in times)
    return f"  {text}{times[0] / times[1]:6.2f}" if len(times) > 1 else f"  {text or '-':>24}"


# ---- one side, in its process ------------------------------------------------------------------------------------


def minigrad_call(direction: str, layer: Layer, x: Any, w: Any, g: Any) -> Callable[[], object]:
    from minigrad import kernels

    settings: dict[str, Any] = dict(zip(Layer._fields[2:], layer[2:], strict=True))
    if direction == "forward":
        return lambda: kernels.conv(x, w, None, **settings)
    if direction == "to x":
        return lambda: kernels.conv_input(g, w, shape=x.shape, **settings)
    return lambda: kernels.conv_weight(x, g, shape=w.shape, **settings)


def torch_call(direction: str, layer: Layer, x: Any, w: Any, g: Any, *, channels_last: bool) -> Callable[[], object]:
    import torch

    sides = len(layer.stride)
    last = torch.channels_last if sides == 2 else torch.channels_last_3d
    form = last if channels_last else torch.contiguous_format
    x, w, g = (torch.from_numpy(array).to(memory_format=form) for array in (x, w, g))
    settings = (layer.stride, layer.padding, layer.dilation)
    if direction == "forward":
        convolve = torch.conv2d if sides == 2 else torch.conv3d
        return lambda: convolve(x, w, None, *settings, layer.groups)
    mask = [direction == "to x", direction == "to w", False]
    backward = torch.ops.aten.convolution_backward
    return lambda: backward(g, x, w, None, *settings, False, [0] * sides, layer.groups, mask)


def arrays(layer: Layer) -> Iterator[Any]:
    """Images, kernels and a cotangent."""
    from minigrad.kernels.window_geometry import output_size

    rng = np.random.default_rng(0)
    count = output_size(layer.x[2:], layer.w[2:], layer.stride, layer.padding, layer.dilation)
    for shape in (layer.x, layer.w, (layer.x[0], layer.w[0], *count)):
        yield rng.normal(size=shape).astype(np.float32)


def serve(side: str, threads: int, seconds: float) -> None:
    """Answer each line, a direction and a layer, with the least time of a call, in seconds."""
    if side == "minigrad":
        from minigrad.config import set_threads

        set_threads(threads)
    else:
        import torch

        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
    for text in sys.stdin:
        direction, x, w, *settings, groups = json.loads(text)
        layer = Layer(tuple(x), tuple(w), *map(tuple, settings), groups)
        if side == "minigrad":
            call = minigrad_call(direction, layer, *arrays(layer))
        else:
            call = torch_call(direction, layer, *arrays(layer), channels_last=side.endswith("channels_last"))
        call()  # compiles
        clock = time.process_time if threads == 1 else time.perf_counter
        best, runs, end = inf, 0, time.perf_counter() + seconds
        while runs < LEAST_RUNS or time.perf_counter() < end:
            runs += 1
            begin = clock()
            call()
            best = min(best, clock() - begin)
        print(best, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))

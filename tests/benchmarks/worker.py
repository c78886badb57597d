"""One side of a comparison: trains a model, the number of steps that each line of standard input asks for.

    python -m tests.benchmarks.worker SIDE MODEL THREADS

Answers each line with one line of JSON: the seconds of each step, and the peak memory so far.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

BATCH = 64
SHAPES = {"mlp": (784,), "lenet5": (1, 32, 32)}
LR, MOMENTUM = 0.01, 0.9

CONVOLUTIONS = [(96, 3, 11, 11), (256, 96, 5, 5), (384, 256, 3, 3), (384, 384, 3, 3), (256, 384, 3, 3)]
LINEAR = [(4096, 9216), (4096, 4096), (1000, 4096)]
ALEXNET = [shape for weight in CONVOLUTIONS + LINEAR for shape in (weight, weight[:1])]  # with biases: 62,378,344


def batch(model: str) -> tuple[Any, Any]:
    """The same data for every side."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(BATCH, *SHAPES[model])).astype(np.float32)
    return images, rng.integers(0, 10, BATCH)


def minigrad_step(model: str, threads: int) -> Callable[[], None]:
    import minigrad as mg
    from minigrad import nn
    from minigrad.config import set_threads
    from models.lenet import LeNet5

    set_threads(threads)
    mg.seed(0)
    mlp = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    network: Any = mlp if model == "mlp" else LeNet5()
    optimizer = mg.optim.SGD(network.parameters(), lr=LR, momentum=MOMENTUM)
    images, labels = map(mg.Tensor, batch(model))

    def step() -> None:
        optimizer.zero_grad()
        mg.functional.cross_entropy(network(images), labels).backward()
        optimizer.step()

    return step


def torch_step(model: str, threads: int, *, channels_last: bool) -> Callable[[], None]:
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    if model == "mlp":
        network = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    else:
        network = nn.Sequential(
            nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
            nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
        )  # fmt: skip
    images, labels = (torch.from_numpy(array) for array in batch(model))
    if channels_last:
        network, images = network.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), lr=LR, momentum=MOMENTUM)

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(images), labels).backward()
        optimizer.step()

    return step


def parameters() -> list[tuple[Any, Any]]:
    """AlexNet's parameters, each with a gradient: the same for every side."""
    rng = np.random.default_rng(0)
    return [tuple(rng.normal(0, 0.01, (2, *shape)).astype(np.float32)) for shape in ALEXNET]


def minigrad_update(model: str, threads: int) -> Callable[[], object]:
    import minigrad as mg
    from minigrad.config import set_threads

    set_threads(threads)
    params = []
    for value, g in parameters():
        params.append(mg.Tensor(value, requires_grad=True))
        params[-1].grad = mg.Tensor(g)
    if model == "update-sgd":
        return mg.optim.SGD(params, lr=LR, momentum=MOMENTUM).step
    return mg.optim.Adam(params).step


def torch_update(model: str, threads: int, way: str) -> Callable[[], object]:
    import torch

    torch.set_num_threads(threads)
    params = []
    for value, g in parameters():
        params.append(torch.tensor(value, requires_grad=True))
        params[-1].grad = torch.tensor(g)
    ways: dict[str, Any] = {"forloop": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True}}
    if model == "update-sgd":
        return torch.optim.SGD(params, lr=LR, momentum=MOMENTUM, **ways[way]).step
    return torch.optim.Adam(params, **ways[way]).step


def main(side: str, model: str, threads: str) -> None:
    step: Callable[[], object]
    if model.startswith("update"):
        way = side.removeprefix("torch ")
        step = minigrad_update(model, int(threads)) if way == side else torch_update(model, int(threads), way)
    elif side == "minigrad":
        step = minigrad_step(model, int(threads))
    else:
        step = torch_step(model, int(threads), channels_last=side.endswith("channels_last"))
    for line in sys.stdin:
        seconds = []
        for _ in range(int(line)):
            start = time.perf_counter()
            step()
            seconds.append(time.perf_counter() - start)
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": seconds, "peak_mb": peak_mb}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

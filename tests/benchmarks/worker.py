"""One side of a comparison: trains a model, the number of steps that each line of standard input asks for.

    python -m tests.benchmarks.worker SIDE MODEL THREADS

Answers each line with one line of JSON: the seconds of each step, the peak memory so far, and that of the steps behind
the first line's, in which libraries are loaded and kernels compiled, and a step is captured.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from tests.benchmarks.peak import forget_peak, peak_mb

NETWORKS = {  # batch, and the shape of a sample
    "mlp": (64, (784,)),
    "lenet5": (64, (1, 32, 32)),
    "resnet20": (128, (3, 32, 32)),
    "alexnet": (16, (3, 227, 227)),
    "alexnet-2014": (16, (3, 224, 224)),
    "vgg16": (4, (3, 224, 224)),
    "googlenet": (16, (3, 224, 224)),
    "resnet18": (16, (3, 224, 224)),
    "gpt-small": (16, (128,)),
}
GPT_SMALL = {"vocabulary": 352, "context": 128, "width": 96, "depth": 4, "heads": 4}
LR, MOMENTUM = 0.01, 0.9

CONVOLUTIONS = [(96, 3, 11, 11), (256, 96, 5, 5), (384, 256, 3, 3), (384, 384, 3, 3), (256, 384, 3, 3)]
LINEAR = [(4096, 9216), (4096, 4096), (1000, 4096)]
ALEXNET = [shape for weight in CONVOLUTIONS + LINEAR for shape in (weight, weight[:1])]  # with biases: 62,378,344


def batch(model: str) -> tuple[Any, Any]:
    """The same data for every side."""
    size, shape = NETWORKS[model]
    rng = np.random.default_rng(0)
    if model == "gpt-small":
        ids, targets = rng.integers(0, GPT_SMALL["vocabulary"], (2, size, *shape))
        return ids, targets.reshape(-1)
    return rng.normal(size=(size, *shape)).astype(np.float32), rng.integers(0, 10, size)


def total_loss(cross_entropy: Callable[..., Any], output: Any, target: Any) -> Any:
    """Cross entropy; with auxiliary classifiers, 0.3 of theirs, too."""
    if not isinstance(output, tuple):
        return cross_entropy(output if output.ndim == 2 else output.reshape(len(target), -1), target)
    main, *auxiliary = (cross_entropy(each, target) for each in output)
    return main + 0.3 * sum(auxiliary)


def minigrad_network(model: str) -> Any:
    """The network of the table, without dropout."""
    import minigrad_models

    from minigrad import nn

    if model == "mlp":
        return nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    network = minigrad_models.create(model)
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return network


def torch_network(model: str) -> Any:
    """The same in PyTorch."""
    from torch import nn

    if model == "mlp":
        return nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    if model == "lenet5":
        return nn.Sequential(
            nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
            nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
        )  # fmt: skip
    if model in ("alexnet", "alexnet-2014"):
        from tests.models.torch_alexnet import alexnet, alexnet_2014

        return alexnet(4096, groups=1) if model == "alexnet" else alexnet_2014(4096)
    if model == "vgg16":
        from tests.models.torch_vgg import PeerVGG

        stages = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
        return PeerVGG([item for width, count in stages for item in (*[width] * count, "M")], batch_norm=False)
    if model == "googlenet":
        from tests.models.torch_googlenet import GoogLeNet

        return GoogLeNet()
    if model == "gpt-small":
        from tests.models.torch_gpt import PeerGPT

        return PeerGPT(**GPT_SMALL)
    from tests.models.torch_resnet import PeerResNet

    if model == "resnet18":
        return PeerResNet((2, 2, 2, 2), 64, 3, 1000)
    return PeerResNet((3, 3, 3), 16, 3, 10, cifar=True)


def minigrad_step(model: str, threads: int, *, compiled: bool = False) -> Callable[[], None]:
    import minigrad as mg
    from minigrad.config import set_threads

    set_threads(threads)
    mg.seed(0)
    network = minigrad_network(model)
    optimizer = mg.optim.SGD(network.parameters(), lr=LR, momentum=MOMENTUM)
    images, labels = map(mg.Tensor, batch(model))

    def step() -> None:
        total_loss(mg.functional.cross_entropy, network(images), labels).backward()
        optimizer.step()
        optimizer.zero_grad()

    return mg.compile(step) if compiled else step


def torch_step(model: str, threads: int, ways: Collection[str]) -> Callable[[], None]:
    """A step in PyTorch; the ways are some of "fused", "channels_last", "compile"."""
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    network = torch_network(model)
    images, labels = (torch.from_numpy(array) for array in batch(model))
    if "channels_last" in ways:
        network, images = network.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
    if "compile" in ways:
        network = torch.compile(network)
    optimizer = torch.optim.SGD(network.parameters(), lr=LR, momentum=MOMENTUM, fused="fused" in ways)

    def step() -> None:
        total_loss(torch.nn.functional.cross_entropy, network(images), labels).backward()
        optimizer.step()
        optimizer.zero_grad()

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
    elif side.startswith("minigrad"):
        step = minigrad_step(model, int(threads), compiled=side.endswith("compiled"))
    else:
        step = torch_step(model, int(threads), side.split()[1:])
    first = 0.0
    for line in sys.stdin:
        seconds = []
        for _ in range(int(line)):
            start = time.perf_counter()
            step()
            seconds.append(time.perf_counter() - start)
        steady = peak_mb()
        print(json.dumps({"seconds": seconds, "peak_mb": max(first, steady), "steady_mb": steady}), flush=True)
        if not first:
            first = steady
            forget_peak()


if __name__ == "__main__":
    main(*sys.argv[1:])

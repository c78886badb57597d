"""AlexNet, torchvision's variant of 2014, and ZFNet in plain PyTorch for the comparison."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from torch import nn


def pool(ceil_mode: bool = False) -> Any:
    return nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=ceil_mode)


def norm() -> Any:
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)


def network(features: list[Any], hidden: int, classes: int = 1000) -> Any:
    """The network with these features, 6 x 6 pixels of 256 channels, without dropout."""
    classifier = nn.Sequential(
        nn.Dropout(p=0.0), nn.Linear(256 * 6 * 6, hidden), nn.ReLU(inplace=True),
        nn.Dropout(p=0.0), nn.Linear(hidden, hidden), nn.ReLU(inplace=True),
        nn.Linear(hidden, classes),
    )  # fmt: skip
    parts = {
        "features": nn.Sequential(*features), "avgpool": nn.AdaptiveAvgPool2d((6, 6)), "flatten": nn.Flatten(),
        "classifier": classifier,
    }  # fmt: skip
    return nn.Sequential(OrderedDict(parts))


def alexnet(hidden: int, groups: int) -> Any:
    """The network of 2012."""
    features = [
        nn.Conv2d(3, 96, kernel_size=11, stride=4), nn.ReLU(), norm(), pool(),
        nn.Conv2d(96, 256, kernel_size=5, padding=2, groups=groups), nn.ReLU(), norm(), pool(),
        nn.Conv2d(256, 384, kernel_size=3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 384, kernel_size=3, padding=1, groups=groups), nn.ReLU(),
        nn.Conv2d(384, 256, kernel_size=3, padding=1, groups=groups), nn.ReLU(), pool(),
    ]  # fmt: skip
    return network(features, hidden)


def alexnet_2014(hidden: int) -> Any:
    """torchvision's."""
    features = [
        nn.Conv2d(3, 64, kernel_size=11, stride=4, padding=2), nn.ReLU(inplace=True), pool(),
        nn.Conv2d(64, 192, kernel_size=5, padding=2), nn.ReLU(inplace=True), pool(),
        nn.Conv2d(192, 384, kernel_size=3, padding=1), nn.ReLU(inplace=True),
        nn.Conv2d(384, 256, kernel_size=3, padding=1), nn.ReLU(inplace=True),
        nn.Conv2d(256, 256, kernel_size=3, padding=1), nn.ReLU(inplace=True), pool(),
    ]  # fmt: skip
    return network(features, hidden)


def zfnet(hidden: int) -> Any:
    """The network of 2013."""
    features = [
        nn.Conv2d(3, 96, kernel_size=7, stride=2, padding=1), nn.ReLU(), pool(True), norm(),
        nn.Conv2d(96, 256, kernel_size=5, stride=2), nn.ReLU(), pool(True), norm(),
        nn.Conv2d(256, 384, kernel_size=3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 384, kernel_size=3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, kernel_size=3, padding=1), nn.ReLU(), pool(True),
    ]  # fmt: skip
    return network(features, hidden)

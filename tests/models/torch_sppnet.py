"""SPP-net in PyTorch: its adaptive poolings have the cells of the paper's appendix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812


class Pyramid(nn.Module):
    def __init__(self, levels: Sequence[int]) -> None:
        super().__init__()
        self.levels = levels

    def forward(self, x: Any) -> Any:
        return torch.cat([torch.flatten(F.adaptive_max_pool2d(x, n), 1) for n in self.levels], 1)


def head(features: int, hidden: int, classes: int) -> nn.Sequential:
    layers = [nn.Linear(features, hidden), nn.ReLU(), nn.Dropout(0.0)]
    layers += [nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(0.0), nn.Linear(hidden, classes)]
    return nn.Sequential(*layers)


class SPPNet(nn.Module):
    def __init__(self, features: nn.Sequential, levels: Sequence[int], depth: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.features = features
        self.pyramid = Pyramid(levels)
        self.classifier = head(depth * sum(n * n for n in levels), hidden, classes)

    def forward(self, x: Any) -> Any:
        return self.classifier(self.pyramid(self.features(x)))


def zf5() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 96, 7, 2, 1), nn.ReLU(),
        nn.LocalResponseNorm(5, 5e-4, 0.75, 2.0), nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.Conv2d(96, 256, 5, 2, 1), nn.ReLU(),
        nn.LocalResponseNorm(5, 5e-4, 0.75, 2.0), nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(384, 384, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU(),
    )  # fmt: skip


def small_trunk(w: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, w, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(w, 2 * w, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(2 * w, 4 * w, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(4 * w, 4 * w, 3, 1, 1), nn.ReLU(),
    )  # fmt: skip

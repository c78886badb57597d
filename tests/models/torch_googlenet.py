"""GoogLeNet in PyTorch, with the structure and the names that torchvision has for it, and in the paper's form."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812


class ConvUnit(nn.Module):
    def __init__(self, c: int, o: int, k: int, batch_norm: bool, **settings: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c, o, k, bias=not batch_norm, **settings)
        if batch_norm:
            self.bn = nn.BatchNorm2d(o, eps=0.001)

    def forward(self, x: Any) -> Any:
        x = self.conv(x)
        return torch.relu(self.bn(x) if hasattr(self, "bn") else x)


class Module(nn.Module):
    def __init__(self, c: int, o1: int, r3: int, o3: int, r5: int, o5: int, pool: int, batch_norm: bool) -> None:
        super().__init__()
        bn, k = batch_norm, 3 if batch_norm else 5
        self.branch1 = ConvUnit(c, o1, 1, bn)
        self.branch2 = nn.Sequential(ConvUnit(c, r3, 1, bn), ConvUnit(r3, o3, 3, bn, padding=1))
        self.branch3 = nn.Sequential(ConvUnit(c, r5, 1, bn), ConvUnit(r5, o5, k, bn, padding=k // 2))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), ConvUnit(c, pool, 1, bn))

    def forward(self, x: Any) -> Any:
        return torch.cat([branch(x) for branch in (self.branch1, self.branch2, self.branch3, self.branch4)], 1)


class Auxiliary(nn.Module):
    def __init__(self, c: int, classes: int, divisor: int, batch_norm: bool) -> None:
        super().__init__()
        self.batch_norm = batch_norm
        self.conv = ConvUnit(c, 128 // divisor, 1, batch_norm)
        self.fc1 = nn.Linear(2048 // divisor, 1024 // divisor)
        self.fc2 = nn.Linear(1024 // divisor, classes)

    def forward(self, x: Any) -> Any:
        x = F.adaptive_avg_pool2d(x, (4, 4)) if self.batch_norm else F.avg_pool2d(x, 5, 3)
        return self.fc2(torch.relu(self.fc1(torch.flatten(self.conv(x), 1))))


MODULES = {
    "3a": (192, 64, 96, 128, 16, 32, 32),
    "3b": (256, 128, 128, 192, 32, 96, 64),
    "4a": (480, 192, 96, 208, 16, 48, 64),
    "4b": (512, 160, 112, 224, 24, 64, 64),
    "4c": (512, 128, 128, 256, 24, 64, 64),
    "4d": (512, 112, 144, 288, 32, 64, 64),
    "4e": (528, 256, 160, 320, 32, 128, 128),
    "5a": (832, 256, 160, 320, 32, 128, 128),
    "5b": (832, 384, 192, 384, 48, 128, 128),
}


class GoogLeNet(nn.Module):
    """Without dropout. The paper's form has no batch norm."""

    def __init__(self, classes: int = 1000, aux: bool = True, divisor: int = 1, batch_norm: bool = True) -> None:
        super().__init__()
        self.batch_norm, self.aux = batch_norm, aux
        d = divisor
        self.conv1 = ConvUnit(3, 64 // d, 7, batch_norm, stride=2, padding=3)
        self.conv2 = ConvUnit(64 // d, 64 // d, 1, batch_norm)
        self.conv3 = ConvUnit(64 // d, 192 // d, 3, batch_norm, padding=1)
        for name, widths in MODULES.items():
            setattr(self, f"inception{name}", Module(*[n // d for n in widths], batch_norm))
        if aux:
            self.aux1 = Auxiliary(512 // d, classes, d, batch_norm)
            self.aux2 = Auxiliary(528 // d, classes, d, batch_norm)
        self.fc = nn.Linear(1024 // d, classes)

    def norm(self, x: Any) -> Any:
        return x if self.batch_norm else F.local_response_norm(x, 5, alpha=1e-4, beta=0.75, k=1.0)

    def forward(self, x: Any) -> Any:
        x = self.norm(F.max_pool2d(self.conv1(x), 3, 2, ceil_mode=True))
        x = F.max_pool2d(self.norm(self.conv3(self.conv2(x))), 3, 2, ceil_mode=True)
        x = F.max_pool2d(self.inception3b(self.inception3a(x)), 3, 2, ceil_mode=True)
        x = self.inception4a(x)
        aux1 = self.aux1(x) if self.training and self.aux else None
        x = self.inception4d(self.inception4c(self.inception4b(x)))
        aux2 = self.aux2(x) if self.training and self.aux else None
        x = F.max_pool2d(self.inception4e(x), 2 if self.batch_norm else 3, 2, ceil_mode=True)
        x = self.inception5b(self.inception5a(x))
        x = self.fc(torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1))
        return x if aux1 is None else (x, aux2, aux1)

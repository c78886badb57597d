"""Inception-v4 in PyTorch, with the structure and the names of its usual implementation."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Unit(nn.Module):
    def __init__(self, c: int, o: int, kernel: Any, stride: int = 1, padding: Any = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c, o, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(o, eps=0.001)

    def forward(self, x: Any) -> Any:
        return torch.relu(self.bn(self.conv(x)))


def row(c: int, *steps: tuple[int, str]) -> Any:
    """Convolutions in a row: (channels, kernel), a kernel such as "1x7", unpadded with "/2" (a stride) or "v"."""
    units = []
    for o, text in steps:
        size, _, stride = text.partition("/")
        p, q = (int(n) for n in size.rstrip("v").split("x"))
        padding = (0, 0) if stride or size.endswith("v") else (p // 2, q // 2)
        units.append(Unit(c, o, (p, q), int(stride or 1), padding))
        c = o
    return units[0] if len(units) == 1 else nn.Sequential(*units)


def mean(c: int, o: int) -> Any:
    return nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), Unit(c, o, 1))


class Joined(nn.Module):
    def __init__(self, **parts: Any) -> None:
        super().__init__()
        self.names = list(parts)
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x: Any) -> Any:
        return torch.cat([getattr(self, name)(x) for name in self.names], 1)


class ModuleC(nn.Module):
    def __init__(self, w: int) -> None:
        super().__init__()
        c = 1536 // w
        self.branch0 = row(c, (256 // w, "1x1"))
        self.branch1_0 = row(c, (384 // w, "1x1"))
        self.branch1_1a = row(384 // w, (256 // w, "1x3"))
        self.branch1_1b = row(384 // w, (256 // w, "3x1"))
        self.branch2_0 = row(c, (384 // w, "1x1"))
        self.branch2_1 = row(384 // w, (448 // w, "3x1"))
        self.branch2_2 = row(448 // w, (512 // w, "1x3"))
        self.branch2_3a = row(512 // w, (256 // w, "1x3"))
        self.branch2_3b = row(512 // w, (256 // w, "3x1"))
        self.branch3 = mean(c, 256 // w)

    def forward(self, x: Any) -> Any:
        a, b = self.branch1_0(x), self.branch2_2(self.branch2_1(self.branch2_0(x)))
        ends = [self.branch1_1a(a), self.branch1_1b(a), self.branch2_3a(b), self.branch2_3b(b)]
        return torch.cat([self.branch0(x), *ends, self.branch3(x)], 1)


class InceptionV4(nn.Module):
    """Without dropout. The paper's widths are divided by `w`."""

    def __init__(self, classes: int = 1000, w: int = 1, counts: tuple[int, int, int] = (4, 7, 3)) -> None:
        super().__init__()

        def branch(c: int, *steps: tuple[int, str]) -> Any:
            return row(c // w, *[(o // w, kernel) for o, kernel in steps])

        def pool() -> Any:
            return nn.MaxPool2d(3, 2)

        def a() -> Any:
            return Joined(
                branch0=branch(384, (96, "1x1")),
                branch1=branch(384, (64, "1x1"), (96, "3x3")),
                branch2=branch(384, (64, "1x1"), (96, "3x3"), (96, "3x3")),
                branch3=mean(384 // w, 96 // w),
            )

        def b() -> Any:
            return Joined(
                branch0=branch(1024, (384, "1x1")),
                branch1=branch(1024, (192, "1x1"), (224, "1x7"), (256, "7x1")),
                branch2=branch(1024, (192, "1x1"), (192, "7x1"), (224, "1x7"), (224, "7x1"), (256, "1x7")),
                branch3=mean(1024 // w, 128 // w),
            )

        self.features = nn.Sequential(
            Unit(3, 32 // w, 3, 2),
            branch(32, (32, "3x3v")),
            branch(32, (64, "3x3")),
            Joined(maxpool=pool(), conv=branch(64, (96, "3x3/2"))),
            Joined(
                branch0=branch(160, (64, "1x1"), (96, "3x3v")),
                branch1=branch(160, (64, "1x1"), (64, "1x7"), (64, "7x1"), (96, "3x3v")),
            ),
            Joined(conv=branch(192, (192, "3x3/2")), maxpool=pool()),
            *[a() for _ in range(counts[0])],
            Joined(
                branch0=branch(384, (384, "3x3/2")),
                branch1=branch(384, (192, "1x1"), (224, "3x3"), (256, "3x3/2")),
                branch2=pool(),
            ),
            *[b() for _ in range(counts[1])],
            Joined(
                branch0=branch(1024, (192, "1x1"), (192, "3x3/2")),
                branch1=branch(1024, (256, "1x1"), (256, "1x7"), (320, "7x1"), (320, "3x3/2")),
                branch2=pool(),
            ),
            *[ModuleC(w) for _ in range(counts[2])],
        )
        self.last_linear = nn.Linear(1536 // w, classes)

    def forward(self, x: Any) -> Any:
        return self.last_linear(self.features(x).mean((2, 3)))

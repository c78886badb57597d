"""torchvision's ResNet, and the ResNets that it has not, written in plain PyTorch for the comparison."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional


def conv(c: int, o: int, size: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(c, o, size, stride, padding=size // 2, bias=False)


class Block(nn.Module):
    """A basic block or a bottleneck, in the order of 2015."""

    def __init__(self, c: int, width: int, stride: int, bottleneck: bool, downsample: Any, residual: bool) -> None:
        super().__init__()
        shapes = [(c, width, 3, stride), (width, width, 3, 1)]
        if bottleneck:
            shapes = [(c, width, 1, 1), (width, width, 3, stride), (width, 4 * width, 1, 1)]
        self.count = len(shapes)
        for k, shape in enumerate(shapes, start=1):
            setattr(self, f"conv{k}", conv(*shape))
            setattr(self, f"bn{k}", nn.BatchNorm2d(shape[1]))
        self.downsample, self.residual = downsample, residual

    def forward(self, x: Any) -> Any:
        identity = x if self.downsample is None else self.downsample(x)
        for k in range(1, self.count + 1):
            x = getattr(self, f"bn{k}")(getattr(self, f"conv{k}")(x))
            if k < self.count:
                x = torch.relu(x)
        return torch.relu(x + identity if self.residual else x)


class PreActBlock(nn.Module):
    """A basic block or a bottleneck, in the order of 2016."""

    def __init__(self, c: int, width: int, stride: int, bottleneck: bool, downsample: Any, first: bool) -> None:
        super().__init__()
        shapes = [(c, width, 3, stride), (width, width, 3, 1)]
        if bottleneck:
            shapes = [(c, width, 1, 1), (width, width, 3, stride), (width, 4 * width, 1, 1)]
        self.count = len(shapes)
        for k, shape in enumerate(shapes, start=1):
            if k > 1 or not first:
                setattr(self, f"bn{k}", nn.BatchNorm2d(shape[0]))
            setattr(self, f"conv{k}", conv(*shape))
        self.downsample, self.first = downsample, first

    def forward(self, x: Any) -> Any:
        a = x if self.first else torch.relu(self.bn1(x))
        identity = x if self.downsample is None else self.downsample(a)
        for k in range(1, self.count + 1):
            if k > 1:
                a = torch.relu(getattr(self, f"bn{k}")(a))
            a = getattr(self, f"conv{k}")(a)
        return a + identity


class Subsampled(nn.Module):
    """The shortcut of option A."""

    def __init__(self, c: int, o: int) -> None:
        super().__init__()
        self.new = o - c

    def forward(self, x: Any) -> Any:
        x = functional.avg_pool2d(x, 1, stride=2)
        return torch.cat([x, x.new_zeros(x.shape[0], self.new, *x.shape[2:])], dim=1)


class PeerResNet(nn.Module):
    """All forms.

    Args:
        counts: blocks a stage.
        width: of the first stage.
        channels: of the input.
        classes: how many.
        bottleneck: which kind of block.
        preactivation: the order of 2016.
        cifar: the 3x3 stem without pooling, and shortcuts of option A.
        residual: whether blocks of 2015 have shortcuts.
    """

    def __init__(
        self,
        counts: tuple[int, ...],
        width: int,
        channels: int,
        classes: int,
        bottleneck: bool = False,
        preactivation: bool = False,
        cifar: bool = False,
        residual: bool = True,
    ) -> None:
        super().__init__()
        self.conv1 = conv(channels, width, 3) if cifar else conv(channels, width, 7, 2)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.Identity() if cifar else nn.MaxPool2d(3, 2, 1)
        c, self.names = width, []
        for i, count in enumerate(counts):
            blocks: list[nn.Module] = []
            for k in range(count):
                stride, o = 1 + (i > 0 and k == 0), width * 2**i * (4 if bottleneck else 1)
                downsample: nn.Module | None = None
                if stride == 2 or c != o:
                    plain = conv(c, o, 1, stride) if preactivation else None
                    downsample = Subsampled(c, o) if cifar else plain
                    downsample = downsample or nn.Sequential(conv(c, o, 1, stride), nn.BatchNorm2d(o))
                sizes = (c, width * 2**i, stride, bottleneck, downsample)
                blocks.append(PreActBlock(*sizes, i == k == 0) if preactivation else Block(*sizes, residual))
                c = o
            self.names.append(f"layer{i + 1}")
            setattr(self, self.names[-1], nn.Sequential(*blocks))
        self.bn2 = nn.BatchNorm2d(c) if preactivation else None
        self.fc = nn.Linear(c, classes)

    def forward(self, x: Any) -> Any:
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        for name in self.names:
            x = getattr(self, name)(x)
        if self.bn2 is not None:
            x = torch.relu(self.bn2(x))
        return self.fc(x.mean(dim=(2, 3)))

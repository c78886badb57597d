"""The ResNets for CIFAR: as deep as one likes and narrow, to compare depths, with and without shortcuts.

Sources: He, Zhang, Ren and Sun 2015, "Deep residual learning for image recognition", arXiv:1512.03385, section 4.2;
the pre-activation form, by the same authors 2016, "Identity mappings in deep residual networks", arXiv:1603.05027.

    stage    what is in it, at depth 6n + 2                          shape (N, ...)
    input                                                            3 x 32 x 32
    conv1    16 kernels 3x3, batch norm, ReLU                        16 x 32 x 32
    layer1   n blocks of two convolutions 3x3, of width 16           16 x 32 x 32
    layer2   n blocks of width 32, the first with stride 2           32 x 16 x 16
    layer3   n blocks of width 64, the first with stride 2           64 x 8 x 8
    avgpool  the mean of each map                                    64
    fc       linear                                                  10

    depth        20       32       44       56        110
    parameters   269,722  464,154  658,586  853,018   1,727,962

What was new: plain networks, the same without shortcuts, have a larger training error at depth 56 than at depth 20,
though a deeper one could copy the shallower one; residual networks have a smaller one. Shortcuts have no parameters
(the paper's option A), so both kinds have the same number of them.

Deviations: the last layer keeps its usual initial weights. For depth 110 the paper begins with a tenth of the learning
rate until the training error is below 80 %; the recipe does not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import init, nn
from minigrad.errors import UsageError
from minigrad.optim.schedule import Cosine, MultiStep
from minigrad.typing import ArrayLike
from minigrad_models.registry import AUGMENTATION, Entry, Recipe, Rng
from minigrad_models.resnet import BasicBlock, conv3x3, draw_convolutions, stage
from minigrad_models.resnet_v2 import PreActBlock


class ZeroPadded(nn.Module):
    """A shortcut without parameters: every stride-th pixel, and zeros in the channels that are new (option A).

    Shapes: x (N, C, H, W) -> (N, out_channels, H/stride, W/stride).
    """

    def __init__(self, channels: int, out_channels: int, stride: int) -> None:
        self.new, self.stride = out_channels - channels, stride

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        """Shapes: x (N, C, H, W) -> (N, out_channels, H/stride, W/stride)."""
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new))


class PlainBlock(BasicBlock):
    """Two convolutions and no shortcut: out = relu(F(x)).

    Shapes: x (N, C, H, W) -> (N, width, H/stride, W/stride).
    """

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, H, W) -> (N, width, H/stride, W/stride)."""
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x)))


class CifarResNet(nn.Module):
    """The network of 6n + 2 layers for small images.

    Args:
        depth: 6n + 2.
        num_classes: K (default 10).
        in_channels: C (default 3).
        width: the channels of conv1 and layer1; layer2 and layer3 have twice and four times as many (default 16).
        residual: whether there are shortcuts; without them it is the plain network of the same depth (default True).
        rng: draws the initial weights; the default generator unless given.

    Shapes: x (N, C, H, W) -> scores (N, K).

    Raises:
        UsageError: the depth is not 6n + 2.
    """

    def __init__(
        self,
        depth: int,
        num_classes: int = 10,
        in_channels: int = 3,
        width: int = 16,
        residual: bool = True,
        rng: Rng = None,
    ) -> None:
        n = _blocks_a_stage(depth)
        block = BasicBlock if residual else PlainBlock
        with init.skip():
            self.conv1 = conv3x3(in_channels, width)
            self.bn1 = nn.BatchNorm2d(width)
            self.layer1 = stage(block, width, width, n, 1, ZeroPadded)
            self.layer2 = stage(block, width, 2 * width, n, 2, ZeroPadded)
            self.layer3 = stage(block, 2 * width, 4 * width, n, 2, ZeroPadded)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(4 * width, num_classes, rng=rng)
        draw_convolutions(self, rng)

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, H, W) -> scores (N, K)."""
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(self.avgpool(x).flatten(1))  # type: ignore[no-any-return]


class PreActCifarResNet(nn.Module):
    """The pre-activation form of `CifarResNet`, always residual; arguments as there.

    Shapes: x (N, C, H, W) -> scores (N, K).
    """

    def __init__(
        self, depth: int, num_classes: int = 10, in_channels: int = 3, width: int = 16, rng: Rng = None
    ) -> None:
        n = _blocks_a_stage(depth)
        with init.skip():
            self.conv1 = conv3x3(in_channels, width)
            self.bn1 = nn.BatchNorm2d(width)
            self.layer1 = stage(PreActBlock, width, width, n, 1, ZeroPadded, partial(PreActBlock, activated=True))
            self.layer2 = stage(PreActBlock, width, 2 * width, n, 2, ZeroPadded)
            self.layer3 = stage(PreActBlock, 2 * width, 4 * width, n, 2, ZeroPadded)
            self.bn2 = nn.BatchNorm2d(4 * width)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(4 * width, num_classes, rng=rng)
        draw_convolutions(self, rng)

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, H, W) -> scores (N, K)."""
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.layer3(self.layer2(self.layer1(x)))))
        return self.fc(self.avgpool(x).flatten(1))  # type: ignore[no-any-return]


def _blocks_a_stage(depth: int) -> int:
    n, rest = divmod(depth - 2, 6)
    if n < 1 or rest:
        raise UsageError(f"a ResNet for CIFAR has depth 6n + 2 (8, 14, 20, 26, 32 ...), not {depth}")
    return n


PARAMETERS = {20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018, 110: 1_727_962}

# 64,000 steps, as in the paper.
RECIPE = Recipe(
    epochs=164, batch_size=128, optimizer={"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4},
    schedule=MultiStep((0.5, 0.75)), translate=0.125,
)  # fmt: skip

SMALL = Recipe(
    epochs=25, batch_size=64, optimizer={"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4},
    schedule=Cosine(warmup=0.1), **AUGMENTATION,
)  # fmt: skip


def _entry(name: str, make: Callable[[], nn.Module], summary: str, parameters: int) -> Entry:
    """Of a paper-size network."""
    return Entry(
        name=name,
        make=make,
        input_shape=(3, 32, 32),
        classes=10,
        summary=summary,
        parameters=parameters,
        source="He et al. 2015",
        recipe=RECIPE,
    )


ENTRIES = (
    *[
        _entry(f"resnet{depth}", partial(CifarResNet, depth), f"ResNet for CIFAR, of {depth} layers", count)
        for depth, count in PARAMETERS.items()
    ],
    *[
        _entry(f"plain{depth}", partial(CifarResNet, depth, residual=False), f"resnet{depth} without shortcuts", count)
        for depth, count in PARAMETERS.items()
    ],
    Entry(
        name="resnet20-small",
        make=partial(CifarResNet, 20, in_channels=1, width=8),
        input_shape=(1, 32, 32),
        classes=10,
        summary="resnet20 of half the width, for gray images",
        parameters=67_906,
        source="He et al. 2015",
        small=True,
        recipe=SMALL,
    ),
    Entry(
        name="resnet20-v2-small",
        make=partial(PreActCifarResNet, 20, in_channels=1, width=8),
        input_shape=(1, 32, 32),
        classes=10,
        summary="resnet20-small in the pre-activation form",
        parameters=67_906,
        source="He et al. 2016",
        small=True,
        recipe=SMALL,
    ),
)

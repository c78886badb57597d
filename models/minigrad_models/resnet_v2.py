"""ResNet v2: batch norm and ReLU come first in a block, so that nothing stands between one sum and the next.

Source: He, Zhang, Ren and Sun 2016, "Identity mappings in deep residual networks", arXiv:1603.05027.

The stages and their shapes are those of `minigrad_models.resnet`.

    depth  block       blocks a stage   parameters
       18  basic       2, 2, 2, 2       11,687,720
       34  basic       3, 4, 6, 3       21,795,880
       50  bottleneck  3, 4, 6, 3       25,549,352
      101  bottleneck  3, 4, 23, 3      44,541,480
      152  bottleneck  3, 8, 36, 3      60,185,128
      200  bottleneck  3, 24, 36, 3     64,666,152

What was new: in v1 each sum passes through a ReLU, out = relu(F(x) + x). Here out = F(relu(bn(x))) + x: the output of
any block is the input of any earlier one plus what the blocks between them add, and on the way back the gradient of
the last sum reaches each block as it is. Networks of 1,001 layers train.

Deviations: the stride of a bottleneck is in its 3x3 convolution, as in `minigrad_models.resnet`. Depths below 101 are
not the paper's.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import init, nn
from minigrad.optim.schedule import Step
from minigrad.typing import ArrayLike
from minigrad_models import resnet
from minigrad_models.registry import Entry, Recipe, Rng
from minigrad_models.resnet import conv1x1, conv3x3, draw_convolutions, stage


class PreActBlock(nn.Module):
    """The basic block of v2: a = relu(bn(x)), out = F(a) + x.

    Where the shape changes, the shortcut starts from a: out = F(a) + shortcut(a).

    Args:
        in_channels: C.
        width: the number of kernels of each convolution.
        stride: of the first one (default 1).
        downsample: the shortcut; None (default) for x itself.
        activated: x comes from a ReLU already, so a = x (default False).

    Shapes: x (N, C, H, W) -> (N, width, H/stride, W/stride).
    """

    expansion: ClassVar[int] = 1

    def __init__(
        self,
        in_channels: int,
        width: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        activated: bool = False,
    ) -> None:
        self.bn1 = None if activated else nn.BatchNorm2d(in_channels)
        self.conv1 = conv3x3(in_channels, width, stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width)
        self.downsample = downsample

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, H, W) -> (N, width, H/stride, W/stride)."""
        a = x if self.bn1 is None else F.relu(self.bn1(x))
        shortcut = x if self.downsample is None else self.downsample(a)
        a = F.relu(self.bn2(self.conv1(a)))
        return self.conv2(a) + shortcut  # type: ignore[no-any-return]


class PreActBottleneck(nn.Module):
    """The bottleneck of v2; arguments as of `PreActBlock`.

    Shapes: x (N, C, H, W) -> (N, 4*width, H/stride, W/stride).
    """

    expansion: ClassVar[int] = 4

    def __init__(
        self,
        in_channels: int,
        width: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        activated: bool = False,
    ) -> None:
        self.bn1 = None if activated else nn.BatchNorm2d(in_channels)
        self.conv1 = conv1x1(in_channels, width)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width, stride)
        self.bn3 = nn.BatchNorm2d(width)
        self.conv3 = conv1x1(width, 4 * width)
        self.downsample = downsample

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, H, W) -> (N, 4*width, H/stride, W/stride)."""
        a = x if self.bn1 is None else F.relu(self.bn1(x))
        shortcut = x if self.downsample is None else self.downsample(a)
        a = F.relu(self.bn2(self.conv1(a)))
        a = F.relu(self.bn3(self.conv2(a)))
        return self.conv3(a) + shortcut  # type: ignore[no-any-return]


BLOCKS = resnet.BLOCKS | {200: (3, 24, 36, 3)}
"""Blocks a stage by depth; from 50 on they are bottlenecks."""


class PreActResNet(nn.Module):
    """The network of 2016 (v2): batch norm and ReLU in front of each convolution, and once more behind the last block.

    The first block begins behind the ReLU of the stem, and needs none of its own. Arguments as of
    `minigrad_models.resnet.ResNet`.

    Shapes: x (N, C, H, W) -> scores (N, K).
    """

    def __init__(
        self, depth: int, num_classes: int = 1000, in_channels: int = 3, width: int = 64, rng: Rng = None
    ) -> None:
        block, counts = PreActBottleneck if depth >= 50 else PreActBlock, BLOCKS[depth]
        e = block.expansion
        with init.skip():
            self.conv1 = nn.Conv2d(in_channels, width, 7, stride=2, padding=3, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
            self.layer1 = stage(block, width, width, counts[0], 1, conv1x1, partial(block, activated=True))
            self.layer2 = stage(block, width * e, 2 * width, counts[1], 2, conv1x1)
            self.layer3 = stage(block, 2 * width * e, 4 * width, counts[2], 2, conv1x1)
            self.layer4 = stage(block, 4 * width * e, 8 * width, counts[3], 2, conv1x1)
            self.bn2 = nn.BatchNorm2d(8 * width * e)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8 * width * e, num_classes, rng=rng)
        draw_convolutions(self, rng)

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, H, W) -> scores (N, K)."""
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(F.relu(self.bn2(x))).flatten(1))  # type: ignore[no-any-return]


# What the paper trains with.
RECIPE = Recipe(
    epochs=90, batch_size=256, optimizer={"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4},
    schedule=Step(1 / 3),
)  # fmt: skip

PARAMETERS = {
    18: 11_687_720, 34: 21_795_880, 50: 25_549_352, 101: 44_541_480, 152: 60_185_128, 200: 64_666_152,
}  # fmt: skip

ENTRIES = tuple(
    Entry(
        name=f"resnet{depth}-v2",
        make=partial(PreActResNet, depth),
        input_shape=(3, 224, 224),
        classes=1000,
        summary=f"ResNet v2 for ImageNet (pre-activation), of {depth} layers",
        parameters=parameters,
        source="He et al. 2016",
        recipe=RECIPE,
    )
    for depth, parameters in PARAMETERS.items()
)

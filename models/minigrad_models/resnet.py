"""ResNet: blocks learn what to add to their input, and networks of 152 layers train.

Source: He, Zhang, Ren and Sun 2015, "Deep residual learning for image recognition", arXiv:1512.03385.

    stage    what is in it                                             shape (N, ...)
    input                                                              3 x 224 x 224
    conv1    64 kernels 7x7, stride 2, batch norm, ReLU                64 x 112 x 112
    maxpool  3x3, stride 2                                             64 x 56 x 56
    layer1   blocks of width 64                                        64 x 56 x 56, with bottlenecks 256 x 56 x 56
    layer2   blocks of width 128, the first with stride 2              128 x 28 x 28, 512 x 28 x 28
    layer3   blocks of width 256, the first with stride 2              256 x 14 x 14, 1024 x 14 x 14
    layer4   blocks of width 512, the first with stride 2              512 x 7 x 7, 2048 x 7 x 7
    avgpool  the mean of each map                                      512, 2048
    fc       linear                                                    1000

    depth  block       blocks a stage   parameters
       18  basic       2, 2, 2, 2       11,689,512
       34  basic       3, 4, 6, 3       21,797,672
       50  bottleneck  3, 4, 6, 3       25,557,032
      101  bottleneck  3, 4, 23, 3      44,549,160
      152  bottleneck  3, 8, 36, 3      60,192,808

What was new: H(x) = F(x) + x. A block that has nothing to add learns F = 0, so that more layers do no harm, and
gradients reach the first layers past all others.

Deviations: the stride of a bottleneck is in its 3x3 convolution ("v1.5"; the paper has it in the first 1x1). Names and
initial weights are torchvision's. The networks for CIFAR are in `minigrad_models.resnet_cifar`, those of 2016 in
`minigrad_models.resnet_v2`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar, Protocol

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import init, nn
from minigrad.optim.schedule import Step
from minigrad.typing import ArrayLike
from minigrad_models.registry import Entry, Recipe, Rng


def conv3x3(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    """3x3, padded: with stride 1 it keeps the size. No bias, because a batch norm follows."""
    return nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)


def conv1x1(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    """1x1: mixes the channels of each pixel."""
    return nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions: out = relu(F(x) + shortcut(x)).

    Args:
        in_channels: C.
        width: the number of kernels of each convolution.
        stride: of the first one (default 1).
        downsample: the shortcut; None (default) for x itself.

    Shapes: x (N, C, H, W) -> (N, width, H/stride, W/stride).
    """

    expansion: ClassVar[int] = 1  # output channels per width

    def __init__(self, in_channels: int, width: int, stride: int = 1, downsample: nn.Module | None = None) -> None:
        self.conv1 = conv3x3(in_channels, width, stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = downsample

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, H, W) -> (N, width, H/stride, W/stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x)) + shortcut)


class Bottleneck(nn.Module):
    """A 3x3 convolution between two 1x1 ones, which reduce and restore the channels; arguments as of `BasicBlock`.

    Shapes: x (N, C, H, W) -> (N, 4*width, H/stride, W/stride).
    """

    expansion: ClassVar[int] = 4

    def __init__(self, in_channels: int, width: int, stride: int = 1, downsample: nn.Module | None = None) -> None:
        self.conv1 = conv1x1(in_channels, width)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width, stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = conv1x1(width, 4 * width)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = downsample

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, H, W) -> (N, 4*width, H/stride, W/stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return F.relu(self.bn3(self.conv3(x)) + shortcut)


def projection(channels: int, out_channels: int, stride: int) -> nn.Module:
    """The shortcut of v1 where the shape changes: a 1x1 convolution and a batch norm."""
    return nn.Sequential(conv1x1(channels, out_channels, stride), nn.BatchNorm2d(out_channels))


class Block(Protocol):
    """A class of blocks, such as `BasicBlock`.

    Attributes:
        expansion: output channels per width.
    """

    expansion: int

    def __call__(self, in_channels: int, width: int, stride: int = 1, downsample: nn.Module | None = None) -> nn.Module:
        """Make a block; arguments as of `BasicBlock`."""
        ...


def stage(
    block: Block,
    channels: int,
    width: int,
    count: int,
    stride: int,
    shortcut: Callable[[int, int, int], nn.Module],
    first: Callable[[int, int, int, nn.Module | None], nn.Module] | None = None,
) -> nn.Sequential:
    """Blocks in a row, of which the first may change the shape.

    Args:
        block: their class.
        channels: C.
        width, stride: of the blocks; only the first has the stride.
        count: how many.
        shortcut: makes the first one's shortcut, from C, its output channels and the stride, where the shape changes.
        first: makes the first block; None (default) for one as the others are.

    Shapes: x (N, C, H, W) -> (N, width * expansion, H/stride, W/stride).
    """
    out_channels = width * block.expansion
    changes = stride > 1 or channels != out_channels
    downsample = shortcut(channels, out_channels, stride) if changes else None
    others = [block(out_channels, width) for _ in range(count - 1)]
    return nn.Sequential((first or block)(channels, width, stride, downsample), *others)


def draw_convolutions(model: nn.Module, rng: Rng) -> None:
    """He's initial weights, by fan-out: gradients keep their size on the way back."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data = init.he_normal(module.weight.shape, rng=rng, mode="fan_out")


BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
"""Blocks a stage by depth; from 50 on they are bottlenecks."""


class ResNet(nn.Module):
    """The network of 2015 for ImageNet.

    Args:
        depth: a key of `BLOCKS`.
        num_classes: K (default 1000).
        in_channels: C (default 3).
        width: the channels of conv1, and the width of layer1; it doubles from stage to stage (default 64).
        zero_init_residual: whether all blocks begin with F(x) = 0, by a scale of 0 in their last batch norm
            (default False).
        rng: draws the initial weights; the default generator unless given.

    Shapes: x (N, C, H, W) -> scores (N, K).

    Source: for zero_init_residual, Goyal et al. 2017, arXiv:1706.02677.
    """

    def __init__(
        self,
        depth: int,
        num_classes: int = 1000,
        in_channels: int = 3,
        width: int = 64,
        zero_init_residual: bool = False,
        rng: Rng = None,
    ) -> None:
        block: Block = Bottleneck if depth >= 50 else BasicBlock
        counts = BLOCKS[depth]
        e = block.expansion
        with init.skip():
            self.conv1 = nn.Conv2d(in_channels, width, 7, stride=2, padding=3, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
            self.layer1 = stage(block, width, width, counts[0], 1, projection)
            self.layer2 = stage(block, width * e, 2 * width, counts[1], 2, projection)
            self.layer3 = stage(block, 2 * width * e, 4 * width, counts[2], 2, projection)
            self.layer4 = stage(block, 4 * width * e, 8 * width, counts[3], 2, projection)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8 * width * e, num_classes, rng=rng)
        draw_convolutions(self, rng)
        if zero_init_residual:
            for module in self.modules():
                if isinstance(module, BasicBlock | Bottleneck):
                    last = module.bn3 if isinstance(module, Bottleneck) else module.bn2
                    last.weight = nn.Parameter(init.zeros((last.num_features,)))

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, H, W) -> scores (N, K)."""
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))  # type: ignore[no-any-return]


# What the paper trains with; it lowers the rate whenever the error stalls.
RECIPE = Recipe(
    epochs=120, batch_size=256, optimizer={"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4},
    schedule=Step(0.25),
)  # fmt: skip

PARAMETERS = {18: 11_689_512, 34: 21_797_672, 50: 25_557_032, 101: 44_549_160, 152: 60_192_808}

ENTRIES = tuple(
    Entry(
        name=f"resnet{depth}",
        make=partial(ResNet, depth),
        input_shape=(3, 224, 224),
        classes=1000,
        summary=f"ResNet for ImageNet, of {depth} layers",
        parameters=parameters,
        source="He et al. 2015",
        recipe=RECIPE,
    )
    for depth, parameters in PARAMETERS.items()
)

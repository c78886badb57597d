"""Inception-v4: GoogLeNet's idea grown to modules of three kinds, with batch norm and factored kernels.

Source: Szegedy, Ioffe, Vanhoucke and Alemi 2016, "Inception-v4, Inception-ResNet and the impact of residual connections
on learning", arXiv:1602.07261.

    stage         what is in it                                                     shape (N, ...)
    input                                                                           3 x 299 x 299
    stem          kernels 3x3 /2, 3x3, 3x3                                          32 x 149, 32 x 147, 64 x 147
                  3x3 /2 beside pooling 3x3 /2                                      160 x 73 x 73
                  1x1, 3x3 beside 1x1, 1x7, 7x1, 3x3                                192 x 71 x 71
                  3x3 /2 beside pooling 3x3 /2                                      384 x 35 x 35
    4 x A         1x1; 1x1, 3x3; 1x1, 3x3, 3x3; average pooling, 1x1                384 x 35 x 35
    reduction A   3x3 /2; 1x1, 3x3, 3x3 /2; pooling 3x3 /2                          1024 x 17 x 17
    7 x B         1x1; 1x1, 1x7, 7x1; 1x1, 7x1, 1x7, 7x1, 1x7; average pooling,     1024 x 17 x 17
                  1x1
    reduction B   1x1, 3x3 /2; 1x1, 1x7, 7x1, 3x3 /2; pooling 3x3 /2                1536 x 8 x 8
    3 x C         1x1; 1x1, then 1x3 and 3x1; 1x1, 3x1, 1x3, then 1x3 and 3x1;      1536 x 8 x 8
                  average pooling, 1x1
    avgpool       the mean of each map; dropout 0.2                                 1536
    last_linear   linear                                                            1000

Branches that stand side by side, their channels joined, are parted by semicolons; /2 is a stride of 2. A batch norm and
a ReLU follow each convolution. 42,679,816 parameters.

What was new: one plain design for all modules of a kind, as the network no longer had to be cut into parts for several
machines. Kernels 7x7 are a 1x7 and a 7x1, which see as much with 14 weights in place of 49. (The paper's other networks
add shortcuts; they learn sooner, and end up about as good.)

Deviations: where the paper's figures have 1x7 before 7x1 or 1x3 before 3x1, the authors' program, which this follows,
sometimes has the other order; the initial weights (He's) are also the program's. Names are those of the usual PyTorch
implementation (timm's `inception_v4`), so that its weights fit.
"""

from __future__ import annotations

from functools import partial

import minigrad as mg
from minigrad import init, nn
from minigrad.optim.schedule import Cosine, Step
from minigrad.typing import ArrayLike
from minigrad_models.googlenet import BasicConv2d
from minigrad_models.registry import AUGMENTATION, Entry, Recipe, Rng


class Concat(nn.Module):
    """Branches side by side, whose channels are joined, in the order and by the names in which they are given.

    Shapes: x (N, C, H, W) -> (N, sum of the branches' channels, I, J).
    """

    def __init__(self, **branches: nn.Module) -> None:
        for name, branch in branches.items():
            self.add_module(name, branch)

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, H, W) -> (N, sum of the branches' channels, I, J)."""
        return mg.concat([branch(x) for branch in self.children()], axis=1)


def same(in_channels: int, out_channels: int, *kernel: int) -> BasicConv2d:
    """A convolution padded so that it keeps the size."""
    p, q = kernel
    return BasicConv2d(in_channels, out_channels, kernel, padding=(p // 2, q // 2))


def point(in_channels: int, out_channels: int) -> BasicConv2d:
    """1x1: mixes the channels of each pixel."""
    return BasicConv2d(in_channels, out_channels, 1)


def valid(in_channels: int, out_channels: int, stride: int = 1) -> BasicConv2d:
    """3x3, not padded."""
    return BasicConv2d(in_channels, out_channels, 3, stride=stride)


def averaged(in_channels: int, out_channels: int) -> nn.Sequential:
    """The mean of the 3x3 pixels around each, and a 1x1 convolution."""
    return nn.Sequential(
        nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False), point(in_channels, out_channels)
    )


def stem(c: int, u: int, strides: tuple[int, int, int]) -> list[nn.Module]:
    """What makes maps of images (figure 3). Shapes: x (N, c, H, W) -> (N, 12 u, I, J)."""
    first, second, third = strides
    return [
        valid(c, u, first), valid(u, u), same(u, 2 * u, 3, 3),
        Concat(maxpool=nn.MaxPool2d(3, second), conv=valid(2 * u, 3 * u, second)),
        Concat(
            branch0=nn.Sequential(point(5 * u, 2 * u), valid(2 * u, 3 * u)),
            branch1=nn.Sequential(
                point(5 * u, 2 * u), same(2 * u, 2 * u, 1, 7), same(2 * u, 2 * u, 7, 1), valid(2 * u, 3 * u)
            ),
        ),
        Concat(conv=valid(6 * u, 6 * u, third), maxpool=nn.MaxPool2d(3, third)),
    ]  # fmt: skip


def inception_a(u: int) -> Concat:
    """Figure 4. Shapes: x (N, 12 u, H, W), kept."""
    return Concat(
        branch0=point(12 * u, 3 * u),
        branch1=nn.Sequential(point(12 * u, 2 * u), same(2 * u, 3 * u, 3, 3)),
        branch2=nn.Sequential(point(12 * u, 2 * u), same(2 * u, 3 * u, 3, 3), same(3 * u, 3 * u, 3, 3)),
        branch3=averaged(12 * u, 3 * u),
    )


def reduction_a(u: int) -> Concat:
    """Figure 7, with the widths of table 1. Shapes: x (N, 12 u, H, W) -> (N, 32 u, (H-1)/2, (W-1)/2)."""
    return Concat(
        branch0=valid(12 * u, 12 * u, 2),
        branch1=nn.Sequential(point(12 * u, 6 * u), same(6 * u, 7 * u, 3, 3), valid(7 * u, 8 * u, 2)),
        branch2=nn.MaxPool2d(3, 2),
    )


def inception_b(u: int) -> Concat:
    """Figure 5. Shapes: x (N, 32 u, H, W), kept."""
    return Concat(
        branch0=point(32 * u, 12 * u),
        branch1=nn.Sequential(point(32 * u, 6 * u), same(6 * u, 7 * u, 1, 7), same(7 * u, 8 * u, 7, 1)),
        branch2=nn.Sequential(
            point(32 * u, 6 * u), same(6 * u, 6 * u, 7, 1), same(6 * u, 7 * u, 1, 7),
            same(7 * u, 7 * u, 7, 1), same(7 * u, 8 * u, 1, 7),
        ),
        branch3=averaged(32 * u, 4 * u),
    )  # fmt: skip


def reduction_b(u: int) -> Concat:
    """Figure 8. Shapes: x (N, 32 u, H, W) -> (N, 48 u, (H-1)/2, (W-1)/2)."""
    return Concat(
        branch0=nn.Sequential(point(32 * u, 6 * u), valid(6 * u, 6 * u, 2)),
        branch1=nn.Sequential(
            point(32 * u, 8 * u), same(8 * u, 8 * u, 1, 7), same(8 * u, 10 * u, 7, 1), valid(10 * u, 10 * u, 2)
        ),
        branch2=nn.MaxPool2d(3, 2),
    )


class InceptionC(nn.Module):
    """Figure 6: two of its branches fork at their ends into a 1x3 and a 3x1 kernel. Shapes: x (N, 48 u, H, W), kept."""

    def __init__(self, u: int) -> None:
        self.branch0 = point(48 * u, 8 * u)
        self.branch1_0 = point(48 * u, 12 * u)
        self.branch1_1a = same(12 * u, 8 * u, 1, 3)
        self.branch1_1b = same(12 * u, 8 * u, 3, 1)
        self.branch2_0 = point(48 * u, 12 * u)
        self.branch2_1 = same(12 * u, 14 * u, 3, 1)
        self.branch2_2 = same(14 * u, 16 * u, 1, 3)
        self.branch2_3a = same(16 * u, 8 * u, 1, 3)
        self.branch2_3b = same(16 * u, 8 * u, 3, 1)
        self.branch3 = averaged(48 * u, 8 * u)

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, 48 u, H, W), kept."""
        one = self.branch1_0(x)
        two = self.branch2_2(self.branch2_1(self.branch2_0(x)))
        forks = [self.branch1_1a(one), self.branch1_1b(one), self.branch2_3a(two), self.branch2_3b(two)]
        return mg.concat([self.branch0(x), *forks, self.branch3(x)], axis=1)


class InceptionV4(nn.Module):
    """The network.

    Args:
        num_classes: K (default 1000).
        in_channels: C (default 3).
        unit: u, the channels of the first convolution, of which all widths are multiples (default 32).
        counts: how many modules A, B and C there are (default (4, 7, 3)).
        strides: of the stem's parts; (1, 1, 2) makes it one for images of 32 x 32, whose modules see 11 x 11, 5 x 5 and
            2 x 2 pixels (default (2, 2, 2)).
        dropout: the probability that a feature is dropped before the last layer (default 0.2).
        rng: draws the initial weights; the default generator unless given.

    Shapes: x (N, C, H, W) -> scores (N, K).
    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        unit: int = 32,
        counts: tuple[int, int, int] = (4, 7, 3),
        strides: tuple[int, int, int] = (2, 2, 2),
        dropout: float = 0.2,
        rng: Rng = None,
    ) -> None:
        a, b, c = counts
        with init.skip():
            self.features = nn.Sequential(
                *stem(in_channels, unit, strides),
                *[inception_a(unit) for _ in range(a)],
                reduction_a(unit),
                *[inception_b(unit) for _ in range(b)],
                reduction_b(unit),
                *[InceptionC(unit) for _ in range(c)],
            )
        self.avgpool = nn.GlobalAvgPool2d()
        self.dropout = nn.Dropout(dropout)
        self.last_linear = nn.Linear(48 * unit, num_classes, rng=rng)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                layer.weight.data = init.he_normal(layer.weight.shape, rng=rng)

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, H, W) -> scores (N, K)."""
        return self.last_linear(self.dropout(self.avgpool(self.features(x))))  # type: ignore[no-any-return]


ENTRIES = (
    Entry(
        name="inception-v4",
        make=InceptionV4,
        input_shape=(3, 299, 299),
        classes=1000,
        summary="Inception-v4: 17 modules of three kinds",
        parameters=42_679_816,
        source="Szegedy et al. 2016",
        black=(-1.0,) * 3,
        white=(1.0,) * 3,
        # The paper's rate falls by 6 % every two epochs. It does not tell how many there are.
        recipe=Recipe(
            epochs=160, batch_size=32, optimizer={"name": "rmsprop", "lr": 0.045, "alpha": 0.9, "eps": 1.0},
            schedule=Step(2 / 160, gamma=0.94),
        ),
    ),
    Entry(
        name="inception-v4-small",
        make=partial(InceptionV4, 10, in_channels=1, unit=4, counts=(1, 2, 1), strides=(1, 1, 2)),
        input_shape=(1, 32, 32),
        classes=10,
        summary="Inception-v4 an eighth as wide and with four modules, for 32 x 32 pixels",
        parameters=260_838,
        source="Szegedy et al. 2016",
        small=True,
        recipe=Recipe(
            epochs=15, batch_size=64, optimizer={"name": "adamw", "lr": 0.003, "weight_decay": 0.05},
            schedule=Cosine(warmup=0.1), **AUGMENTATION,
        ),
    ),
)  # fmt: skip

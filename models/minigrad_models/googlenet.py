"""GoogLeNet: modules that look at each place with kernels of several sizes at once, and two more outputs on the way.

Source: Szegedy et al. 2014, "Going deeper with convolutions", arXiv:1409.4842. With batch norm: as torchvision has it,
after Ioffe and Szegedy 2015, arXiv:1502.03167.

    stage      what is in it                                       shape (N, ...)     weights of GoogLeNetOriginal
    input                                                          3 x 224 x 224
    conv1      64 kernels 7x7, stride 2                            64 x 112 x 112     9 K (2.7 K in the paper's table)
    maxpool1   3x3, stride 2                                       64 x 56 x 56
    conv2      64 kernels 1x1                                      64 x 56 x 56
    conv3      192 kernels 3x3                                     192 x 56 x 56      115 K (112 K), with those of conv2
    maxpool2   3x3, stride 2                                       192 x 28 x 28
    3a, 3b     inception modules                                   480 x 28 x 28      163 K, 388 K (159 K, 380 K)
    maxpool3   3x3, stride 2                                       480 x 14 x 14
    4a ... 4e  inception modules; after 4a aux1, after 4d aux2     832 x 14 x 14      376 K ... 868 K (364 K ... 840 K)
    maxpool4   3x3 (with batch norm 2x2), stride 2                 832 x 7 x 7
    5a, 5b     inception modules                                   1024 x 7 x 7       1,043 K, 1,444 K (1,072, 1,388)
    avgpool    the mean of each map; dropout                       1024
    fc         linear                                              1000               1,024 K (1,000 K)

                                          auxiliary classifiers    parameters
    GoogLeNet          (batch norm)       yes                      13,004,888
    GoogLeNet          (batch norm)       no                        6,624,904
    GoogLeNetOriginal  (the paper's)      yes                      13,378,280
    GoogLeNetOriginal  (the paper's)      no                        6,998,552

What was new: an inception module joins kernels 1x1, 3x3 and 5x5 and a pooling, each behind a 1x1 convolution that
reduces the channels, so that 22 layers with weights have a ninth of AlexNet's parameters. Two auxiliary classifiers
bring gradients to the layers in the middle; after the training they are not used.

Deviations: names and numbers of `GoogLeNet` are torchvision's; so is that the 5x5 kernels of its modules are 3x3 (those
of the published weights are). `GoogLeNetOriginal` has what the paper does not tell, the settings of the local response
normalization and the initial weights, from Caffe's network of that name (bvlc_googlenet), and as many parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import init, nn
from minigrad.optim.schedule import Cosine, Step
from minigrad.typing import ArrayLike, PairLike
from minigrad_models.registry import AUGMENTATION, Entry, Recipe, Rng

Conv = Callable[..., nn.Module]


class BasicConv2d(nn.Module):
    """Convolution without bias, batch norm, ReLU; arguments as of `nn.Conv2d`."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: PairLike, stride: PairLike = 1, padding: PairLike = 0
    ) -> None:
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, H, W) -> (N, O, I, J)."""
        return F.relu(self.bn(self.conv(x)))


class PlainConv2d(nn.Module):
    """Convolution with bias, ReLU: what the paper is made of; arguments as of `BasicConv2d`."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: PairLike, stride: PairLike = 1, padding: PairLike = 0
    ) -> None:
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding)

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, H, W) -> (N, O, I, J)."""
        return F.relu(self.conv(x))


class Inception(nn.Module):
    """Four branches side by side, whose channels are joined: 1x1, 1x1 and 3x3, 1x1 and 5x5, pooling and 1x1.

    Args:
        in_channels: C.
        widths: the channels of the convolutions, in this order: 1x1; 1x1, 3x3; 1x1, 5x5; the one behind the pooling.
        conv: `BasicConv2d` or `PlainConv2d` (default BasicConv2d).
        size: that of the kernels that should be 5x5 (default 3).

    Shapes: x (N, C, H, W) -> (N, O, H, W), O being the sum of the widths of the branches' ends.
    """

    def __init__(self, in_channels: int, widths: Sequence[int], conv: Conv = BasicConv2d, size: int = 3) -> None:
        one, reduce3, three, reduce5, five, pool = widths
        self.branch1 = conv(in_channels, one, 1)
        self.branch2 = nn.Sequential(conv(in_channels, reduce3, 1), conv(reduce3, three, 3, padding=1))
        self.branch3 = nn.Sequential(conv(in_channels, reduce5, 1), conv(reduce5, five, size, padding=size // 2))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), conv(in_channels, pool, 1))

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, H, W) -> (N, O, H, W)."""
        return mg.concat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], axis=1)


class InceptionAux(nn.Module):
    """An auxiliary classifier: averages on a grid of 4x4, convolution 1x1, two linear layers.

    Args:
        in_channels: C.
        num_classes: K.
        divisor: the paper's widths, 128 channels and 1024 hidden units, are divided by it (default 1).
        dropout: the probability that a hidden unit is dropped (default 0.7).
        conv: `BasicConv2d` or `PlainConv2d` (default BasicConv2d).

    Shapes: x (N, C, H, W) -> scores (N, K).
    """

    def __init__(
        self, in_channels: int, num_classes: int, divisor: int = 1, dropout: float = 0.7, conv: Conv = BasicConv2d
    ) -> None:
        width, hidden = 128 // divisor, 1024 // divisor
        self.pool: nn.Module = nn.AdaptiveAvgPool2d(4)
        self.conv = conv(in_channels, width, 1)
        self.fc1 = nn.Linear(width * 4 * 4, hidden)
        self.dropout = nn.Dropout(dropout)
        self.fc2 = nn.Linear(hidden, num_classes)

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, H, W) -> scores (N, K)."""
        x = F.relu(self.fc1(self.conv(self.pool(x)).flatten(1)))
        return self.fc2(self.dropout(x))  # type: ignore[no-any-return]


class GoogLeNetOutputs(NamedTuple):
    """What a network with auxiliary classifiers answers in training; each (N, K)."""

    logits: mg.Tensor
    aux_logits2: mg.Tensor
    aux_logits1: mg.Tensor


class GoogLeNet(nn.Module):
    """The network with batch norm.

    Args:
        num_classes: K (default 1000).
        aux_logits: whether it has auxiliary classifiers (default True).
        in_channels: C (default 3).
        divisor: every width of the paper is divided by it: 2, 4, 8 or 16 (default 1).
        small_images: whether it is for images of 32 x 32, not 224 x 224: conv1 is 3x3, and there is no maxpool1, so
            that the modules 3, 4 and 5 see maps of 8 x 8, 4 x 4 and 2 x 2 (default False).
        dropout: the probability that a feature is dropped before the last layer (default 0.2).
        dropout_aux: the same, in the auxiliary classifiers (default 0.7).
        rng: draws the initial weights; the default generator unless given.

    Shapes: x (N, C, H, W) -> scores (N, K); in training with auxiliary classifiers `GoogLeNetOutputs`.
    """

    conv: Conv = BasicConv2d
    wide_kernel = 3

    def __init__(
        self,
        num_classes: int = 1000,
        aux_logits: bool = True,
        in_channels: int = 3,
        divisor: int = 1,
        small_images: bool = False,
        dropout: float = 0.2,
        dropout_aux: float = 0.7,
        rng: Rng = None,
    ) -> None:
        def conv(channels: int, width: int, size: int, stride: int = 1, padding: int = 0) -> nn.Module:
            return self.conv(channels, width // divisor, size, stride, padding)

        def inception(channels: int, *widths: int) -> Inception:
            return Inception(channels // divisor, [n // divisor for n in widths], self.conv, self.wide_kernel)

        def auxiliary(channels: int) -> InceptionAux:
            return InceptionAux(channels // divisor, num_classes, divisor, dropout_aux, self.conv)

        first = {"size": 3, "stride": 2, "padding": 1} if small_images else {"size": 7, "stride": 2, "padding": 3}
        with init.skip():
            self.conv1 = conv(in_channels, 64, **first)
            self.maxpool1: nn.Module = nn.Identity() if small_images else nn.MaxPool2d(3, stride=2, ceil_mode=True)
            self.conv2 = conv(64 // divisor, 64, 1)
            self.conv3 = conv(64 // divisor, 192, 3, padding=1)
            self.maxpool2: nn.Module = nn.MaxPool2d(3, stride=2, ceil_mode=True)
            self.inception3a = inception(192, 64, 96, 128, 16, 32, 32)
            self.inception3b = inception(256, 128, 128, 192, 32, 96, 64)
            self.maxpool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
            self.inception4a = inception(480, 192, 96, 208, 16, 48, 64)
            self.inception4b = inception(512, 160, 112, 224, 24, 64, 64)
            self.inception4c = inception(512, 128, 128, 256, 24, 64, 64)
            self.inception4d = inception(512, 112, 144, 288, 32, 64, 64)
            self.inception4e = inception(528, 256, 160, 320, 32, 128, 128)
            self.maxpool4 = nn.MaxPool2d(2, stride=2, ceil_mode=True)
            self.inception5a = inception(832, 256, 160, 320, 32, 128, 128)
            self.inception5b = inception(832, 384, 192, 384, 48, 128, 128)
            self.aux1 = auxiliary(512) if aux_logits else None
            self.aux2 = auxiliary(528) if aux_logits else None
            self.avgpool = nn.AdaptiveAvgPool2d(1)
            self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(1024 // divisor, num_classes, rng=rng)
        self.draw_weights(rng)

    def draw_weights(self, rng: Rng) -> None:
        """Normal weights of standard deviation 0.01; the biases of linear layers stay uniform."""
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                layer.weight.data = init.normal(layer.weight.shape, std=0.01, rng=rng)
                if layer.bias is not None:
                    layer.bias.data = init.torch_default_uniform(layer.bias.shape, layer.weight.shape[1], rng)

    def forward(self, x: ArrayLike) -> mg.Tensor | GoogLeNetOutputs:
        """Shapes: x (N, C, H, W) -> scores (N, K), in training with auxiliary classifiers three times."""
        x = self.maxpool1(self.conv1(x))
        x = self.maxpool2(self.conv3(self.conv2(x)))
        x = self.maxpool3(self.inception3b(self.inception3a(x)))
        early = x = self.inception4a(x)
        late = x = self.inception4d(self.inception4c(self.inception4b(x)))
        x = self.maxpool4(self.inception4e(x))
        features = self.avgpool(self.inception5b(self.inception5a(x)))
        scores = self.fc(self.dropout(features.flatten(1)))
        if not self.training or self.aux1 is None or self.aux2 is None:
            return scores  # type: ignore[no-any-return]
        return GoogLeNetOutputs(scores, self.aux2(late), self.aux1(early))

    def loss(self, output: mg.Tensor | GoogLeNetOutputs, target: mg.Tensor) -> mg.Tensor:
        """Cross entropy, and 0.3 of that of each auxiliary classifier.

        Shapes: output (N, K), or such a tuple; target (N) class numbers -> ().
        """
        if isinstance(output, mg.Tensor):
            return F.cross_entropy(output, target)
        main, late, early = [F.cross_entropy(scores, target) for scores in output]
        return main + 0.3 * (late + early)


class GoogLeNetOriginal(GoogLeNet):
    """The network of the paper: no batch norm, kernels 5x5, and local response normalization around conv2 and conv3.

    The arguments are those of `GoogLeNet`, but there is no form for small images: the auxiliary classifiers average
    windows of 5x5, three pixels apart, which gives 4x4 of them at 224 x 224 only.
    """

    conv = PlainConv2d
    wide_kernel = 5

    def __init__(self, num_classes: int = 1000, *, dropout: float = 0.4, **settings: Any) -> None:
        super().__init__(num_classes, dropout=dropout, **settings)
        self.maxpool1 = nn.Sequential(self.maxpool1, nn.LocalResponseNorm(5))
        self.maxpool2 = nn.Sequential(nn.LocalResponseNorm(5), self.maxpool2)
        self.maxpool4 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        for auxiliary in (self.aux1, self.aux2):
            if auxiliary is not None:
                auxiliary.pool = nn.AvgPool2d(5, stride=3)

    def draw_weights(self, rng: Rng) -> None:
        """Uniform weights of variance 1/fan_in; biases of 0.2 before a ReLU, of 0 in the output."""
        for name, layer in self.named_modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                layer.weight.data = init.he_uniform(layer.weight.shape, gain=1, rng=rng)
                value = 0.0 if name.endswith(("fc", "fc2")) else 0.2
                layer.bias = nn.Parameter(init.constant((len(layer.weight),), value))


# The paper's rate falls by 4 % every 8 epochs; the other numbers are those of bvlc_googlenet.
RECIPE = Recipe(
    epochs=250, batch_size=32, optimizer={"name": "sgd", "lr": 0.01, "momentum": 0.9, "weight_decay": 2e-4},
    schedule=Step(8 / 250, gamma=0.96),
)  # fmt: skip

SMALL = Recipe(
    epochs=30, batch_size=64, optimizer={"name": "adamw", "lr": 0.005, "weight_decay": 0.05},
    schedule=Cosine(warmup=0.1), **AUGMENTATION,
)  # fmt: skip


def _entry(name: str, make: Callable[[], nn.Module], summary: str, parameters: int, small: bool = False) -> Entry:
    shape, classes, recipe = ((1, 32, 32), 10, SMALL) if small else ((3, 224, 224), 1000, RECIPE)
    return Entry(name, make, shape, classes, summary, recipe, parameters, "Szegedy et al. 2014", small=small)


published = partial(replace, black=(-1.0,) * 3, white=(1.0,) * 3)  # whose weights want pixels from -1 to 1
small = partial(GoogLeNet, 10, in_channels=1, divisor=8, small_images=True)

ENTRIES = (
    published(_entry("googlenet", GoogLeNet, "GoogLeNet with batch norm and auxiliary classifiers", 13_004_888)),
    published(_entry("googlenet-no-aux", partial(GoogLeNet, aux_logits=False), "googlenet without those", 6_624_904)),
    _entry("googlenet-original", GoogLeNetOriginal, "GoogLeNet as its paper has it: no batch norm", 13_378_280),
    _entry("googlenet-small", small, "GoogLeNet an eighth as wide, for 32 x 32 pixels", 160_822, small=True),
    _entry(
        "googlenet-no-aux-small", partial(small, aux_logits=False), "googlenet-small without auxiliary classifiers",
        90_306, small=True,
    ),
)  # fmt: skip

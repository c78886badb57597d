"""AlexNet: five convolutions and three full connections, learned from a million photographs.

Source: Krizhevsky, Sutskever and Hinton 2012, "ImageNet classification with deep convolutional neural networks".

    stage   AlexNet                               shape (N, ...)   parameters   two groups   multiply-adds
    input                                         3 x 227 x 227
    conv1   96 kernels 11x11, stride 4, ReLU      96 x 55 x 55         34,944                  105,415,200
            response norm, max pooling 3x3/2      96 x 27 x 27
    conv2   256 kernels 5x5, ReLU                 256 x 27 x 27       614,656      307,456     447,897,600
            response norm, max pooling 3x3/2      256 x 13 x 13
    conv3   384 kernels 3x3, ReLU                 384 x 13 x 13       885,120                  149,520,384
    conv4   384 kernels 3x3, ReLU                 384 x 13 x 13     1,327,488      663,936     224,280,576
    conv5   256 kernels 3x3, ReLU                 256 x 13 x 13       884,992      442,624     149,520,384
            max pooling 3x3/2                     256 x 6 x 6
    fc6     dropout, linear, ReLU                 4096             37,752,832                   37,748,736
    fc7     dropout, linear, ReLU                 4096             16,781,312                   16,777,216
    fc8     linear                                1000              4,097,000                    4,096,000

What was new: a network of this size at all, on two GPUs; ReLU, with which it learned several times faster than with
tanh; pooling windows that overlap; dropout. 62,378,344 parameters in one tower, 60,965,224 in two groups of channels,
which conv2, conv4 and conv5 keep apart. The convolutions are 95 % of the work, and 6 % (in two groups 4 %) of the
parameters.

`AlexNet2014` is the variant of Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks",
arXiv:1404.5997: one tower of fewer kernels, padded in conv1, 61,100,840 parameters. Its layers, names, lack of response
normalization and initial weights are torchvision's, whose weights it can load.

Deviations: images have 227 pixels a side (the paper writes 224, which do not give 55 x 55). In two groups the response
norm looks across the border between them. Nothing is said of the paper's ten crops a test image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import minigrad as mg
from minigrad import init, nn
from minigrad.optim.schedule import Cosine, Step
from minigrad.typing import ArrayLike, Settings
from minigrad_models.registry import AUGMENTATION, IMAGENET, Entry, Recipe, Rng


def response_norm() -> nn.LocalResponseNorm:
    """The paper's: x / (2 + 1e-4 * sum of x^2 over 5 maps)^0.75; our alpha is 5 times its own."""
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)


class AlexNet(nn.Module):
    """The network of 2012.

    Args:
        num_classes: K (default 1000).
        in_channels: C (default 3).
        groups: 2 for the paper's halves, which exchange channels in conv3 only; 1 for one tower (default 1).
        hidden: the units of fc6 and fc7 (default 4096).
        dropout: the probability of a zero (default 0.5).
        rng: draws the initial weights, the paper's: normal with deviation 0.01; biases are 1 in conv2, conv4, conv5,
            fc6 and fc7, so that their ReLUs are active at the beginning, and 0 elsewhere; the default generator unless
            given.

    Shapes: x (N, C, 227, 227) -> scores (N, K).
    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_channels: int = 3,
        groups: int = 1,
        hidden: int = 4096,
        dropout: float = 0.5,
        rng: Rng = None,
    ) -> None:
        with init.skip():
            self.features = nn.Sequential(
                nn.Conv2d(in_channels, 96, 11, stride=4), nn.ReLU(), response_norm(), nn.MaxPool2d(3, stride=2),
                nn.Conv2d(96, 256, 5, padding=2, groups=groups), nn.ReLU(), response_norm(), nn.MaxPool2d(3, stride=2),
                nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(),
                nn.Conv2d(384, 384, 3, padding=1, groups=groups), nn.ReLU(),
                nn.Conv2d(384, 256, 3, padding=1, groups=groups), nn.ReLU(), nn.MaxPool2d(3, stride=2),
            )  # fmt: skip
            self.classifier = full_connections(256 * 6 * 6, hidden, num_classes, dropout, nn.ReLU)
        for number, layer in enumerate(weighted(self), start=1):
            assert layer.bias is not None
            layer.weight.data = init.normal(layer.weight.shape, std=0.01, rng=rng)
            layer.bias.data = init.constant(layer.bias.shape, 1.0 if number in (2, 4, 5, 6, 7) else 0.0)

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, 227, 227) -> scores (N, K)."""
        return self.classifier(self.features(x).flatten(1))  # type: ignore[no-any-return]


def full_connections(
    features: int, hidden: int, num_classes: int, dropout: float, activation: Callable[[], nn.Module], rng: Rng = None
) -> nn.Sequential:
    """fc6, fc7 and fc8: two hidden layers, with dropout in front of each.

    Shapes: x (N, features) -> (N, num_classes).
    """
    return nn.Sequential(
        nn.Dropout(dropout), nn.Linear(features, hidden, rng=rng), activation(),
        nn.Dropout(dropout), nn.Linear(hidden, hidden, rng=rng), activation(),
        nn.Linear(hidden, num_classes, rng=rng),
    )  # fmt: skip


def weighted(model: nn.Module) -> list[nn.Conv2d | nn.Linear]:
    """The convolutions and full connections, from the input on: conv1 is the first."""
    return [layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]


class AlexNet2014(nn.Module):
    """The variant of 2014, as torchvision has it.

    Args:
        num_classes: K (default 1000).
        in_channels: C (default 3).
        hidden: the units of fc6 and fc7 (default 4096).
        dropout: the probability of a zero (default 0.5).
        rng: draws the initial weights, by fan-in; the default generator unless given.

    Shapes: x (N, C, H, W) -> scores (N, K). Images of 224 pixels a side give 256 x 6 x 6 features; others, of at least
    63, are brought to 6 x 6 by means.
    """

    def __init__(
        self, num_classes: int = 1000, in_channels: int = 3, hidden: int = 4096, dropout: float = 0.5, rng: Rng = None
    ) -> None:
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 64, 11, stride=4, padding=2, rng=rng), nn.ReLU(), nn.MaxPool2d(3, stride=2),
            nn.Conv2d(64, 192, 5, padding=2, rng=rng), nn.ReLU(), nn.MaxPool2d(3, stride=2),
            nn.Conv2d(192, 384, 3, padding=1, rng=rng), nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1, rng=rng), nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1, rng=rng), nn.ReLU(), nn.MaxPool2d(3, stride=2),
        )  # fmt: skip
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = full_connections(256 * 6 * 6, hidden, num_classes, dropout, nn.ReLU, rng)

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, H, W) -> scores (N, K)."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))  # type: ignore[no-any-return]


class AlexNetSmall(nn.Module):
    """The stages of AlexNet for images of 32 pixels a side, with kernels that suit them.

        conv1 5x5, norm, pooling    16 x 15 x 15
        conv2 5x5, norm, pooling    32 x 7 x 7
        conv3, conv4, conv5 3x3     48, 48, 32 x 7 x 7
        pooling                     32 x 3 x 3
        fc6, fc7, fc8               128, 128, K

    Args:
        num_classes: K (default 10).
        in_channels: C (default 1).
        widths: the kernels of the five convolutions (default (16, 32, 48, 48, 32)).
        hidden: the units of fc6 and fc7 (default 128).
        activation: makes what stands behind each layer, such as `nn.Tanh`, to compare it with ReLU (default ReLU).
        dropout: the probability of a zero (default 0.5).
        rng: draws the initial weights, He's for ReLU and Xavier's for others; biases are 0; the default generator
            unless given.

    Shapes: x (N, C, 32, 32) -> scores (N, K).
    """

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 1,
        widths: Sequence[int] = (16, 32, 48, 48, 32),
        hidden: int = 128,
        activation: Callable[[], nn.Module] = nn.ReLU,
        dropout: float = 0.5,
        rng: Rng = None,
    ) -> None:
        a, b, c, d, e = widths
        with init.skip():
            self.features = nn.Sequential(
                nn.Conv2d(in_channels, a, 5, padding=2), activation(), response_norm(), nn.MaxPool2d(3, stride=2),
                nn.Conv2d(a, b, 5, padding=2), activation(), response_norm(), nn.MaxPool2d(3, stride=2),
                nn.Conv2d(b, c, 3, padding=1), activation(),
                nn.Conv2d(c, d, 3, padding=1), activation(),
                nn.Conv2d(d, e, 3, padding=1), activation(), nn.MaxPool2d(3, stride=2),
            )  # fmt: skip
            self.classifier = full_connections(e * 3 * 3, hidden, num_classes, dropout, activation)
        draw = init.he_normal if activation is nn.ReLU else init.xavier_normal
        for layer in weighted(self):
            assert layer.bias is not None
            layer.weight.data = draw(layer.weight.shape, rng=rng)
            layer.bias.data = init.zeros(layer.bias.shape)

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, 32, 32) -> scores (N, K)."""
        return self.classifier(self.features(x).flatten(1))  # type: ignore[no-any-return]


SGD: Settings = {"name": "sgd", "lr": 0.01, "momentum": 0.9, "weight_decay": 5e-4}

# The paper divides the rate by 10 three times, whenever the error stalls.
RECIPE = Recipe(epochs=90, batch_size=128, optimizer=SGD, schedule=Step(0.25))

ENTRIES = (
    Entry(
        name="alexnet",
        make=AlexNet,
        input_shape=(3, 227, 227),
        classes=1000,
        summary="AlexNet for ImageNet, in one tower",
        parameters=62_378_344,
        source="Krizhevsky et al. 2012",
        recipe=RECIPE,
    ),
    Entry(
        name="alexnet-groups",
        make=partial(AlexNet, groups=2),
        input_shape=(3, 227, 227),
        classes=1000,
        summary="AlexNet for ImageNet, in the two groups of its paper",
        parameters=60_965_224,
        source="Krizhevsky et al. 2012",
        recipe=RECIPE,
    ),
    Entry(
        name="alexnet-2014",
        make=AlexNet2014,
        input_shape=(3, 224, 224),
        classes=1000,
        summary="AlexNet for ImageNet, of fewer kernels, with torchvision's names",
        parameters=61_100_840,
        source="Krizhevsky 2014",
        recipe=Recipe(epochs=90, batch_size=128, optimizer=SGD, schedule=Step(0.25, gamma=250 ** (-1 / 3))),
        **IMAGENET,
    ),
    Entry(
        name="alexnet-small",
        make=AlexNetSmall,
        input_shape=(1, 32, 32),
        classes=10,
        summary="AlexNet for images of 32 x 32",
        parameters=116_554,
        source="Krizhevsky et al. 2012",
        small=True,
        recipe=Recipe(
            epochs=25, batch_size=32, optimizer={"name": "adam", "lr": 0.002},
            schedule=Cosine(warmup=0.05), **AUGMENTATION,
        ),
    ),
)  # fmt: skip

"""LeNet-5: convolution, subsampling and full connection, trained end to end to read handwritten digits.

Source: LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document recognition".

    stage    LeNet5 (as it is built today)         LeNet5Original (as the paper has it)           shape (N, ...)
    input                                                                                          1 x 32 x 32
    C1       6 kernels 5x5, tanh                   6 kernels 5x5                                   6 x 28 x 28
    S2       average pooling 2x2                   trainable subsampling 2x2, squashed             6 x 14 x 14
    C3       16 kernels 5x5 over all 6 maps, tanh  16 kernels 5x5, each over some of the maps     16 x 10 x 10
    S4       average pooling 2x2                   trainable subsampling 2x2, squashed            16 x 5 x 5
    C5       linear, tanh                          120 kernels 5x5, squashed                      120
    F6       linear, tanh                          linear, squashed                               84
    output   linear                                distances to ten fixed pictures (RBF)          10

What was new: shared weights and subsampling make the features tolerant to shifts, and all stages learn together by
back-propagation. 61,706 parameters today; 60,000 trainable ones in the paper.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import init, nn
from minigrad.optim.schedule import Cosine, Linear
from minigrad.typing import Array, ArrayLike
from minigrad_models.registry import AUGMENTATION, Entry, Recipe, Rng

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)


class LeNet5(nn.Module):
    """The network as it is built today: tanh, average pooling, full connection between maps, linear output.

    Args:
        rng: draws the initial weights; the default generator unless given.

    Shapes: x (N, 1, 32, 32) -> scores (N, 10).
    """

    def __init__(self, rng: Rng = None) -> None:
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5, rng=rng), nn.Tanh(), nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 5, rng=rng), nn.Tanh(), nn.AvgPool2d(2),
        )  # fmt: skip
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(400, 120, rng=rng), nn.Tanh(),
            nn.Linear(120, 84, rng=rng), nn.Tanh(),
            nn.Linear(84, 10, rng=rng),
        )  # fmt: skip

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, 1, 32, 32) -> scores (N, 10)."""
        return self.classifier(self.features(x))  # type: ignore[no-any-return]


def scaled_tanh(x: mg.Tensor) -> mg.Tensor:
    """1.7159 * tanh(2x/3): f(1) = 1 and f(-1) = -1, with the largest curvature there (appendix A of the paper)."""
    return 1.7159 * mg.tanh(x * (2 / 3))


class ScaledTanh(nn.Module):
    """The squashing function of the paper."""

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        """Shapes: any, kept."""
        return scaled_tanh(x)


class Subsampling(nn.Module):
    """A trainable pooling: out = coefficient * (sum of each 2x2 window) + bias, with one of each a channel.

    Shapes: x (N, C, H, W) -> (N, C, H/2, W/2); coefficient and bias (C).
    """

    def __init__(self, channels: int, rng: Rng = None) -> None:
        self.coefficient = nn.Parameter(init.uniform((channels,), -2.4 / 4, 2.4 / 4, rng))
        self.bias = nn.Parameter(init.constant((channels,)))

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, H, W) -> (N, C, H/2, W/2)."""
        total = F.avg_pool2d(x, 2) * 4
        return total * self.coefficient.reshape(-1, 1, 1) + self.bias.reshape(-1, 1, 1)


# Table I of the paper: which of the 6 maps of S2 each of the 16 maps of C3 looks at.
C3_CONNECTIONS = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)  # fmt: skip


class PartialConv2d(nn.Module):
    """A convolution in which each kernel sees only some of the input's channels.

    The weights of the connections that exist are kept in a row, and are laid out in a full kernel, zero elsewhere, when
    the layer runs.

    Args:
        connections: for each output channel, the input channels that it sees.
        kernel_size: P = Q.
        rng: draws the initial weights; the default generator unless given.

    Shapes: x (N, C, H, W) -> (N, O, I, J); weight (number of connections, P, Q), bias (O).
    """

    def __init__(self, connections: tuple[tuple[int, ...], ...], kernel_size: int, rng: Rng = None) -> None:
        pairs = [(o, c) for o, seen in enumerate(connections) for c in seen]
        self.place = (np.array([o for o, _ in pairs]), np.array([c for _, c in pairs]))
        self.shape = (len(connections), max(self.place[1]) + 1, kernel_size, kernel_size)
        bounds = [2.4 / (len(connections[o]) * kernel_size**2) for o, _ in pairs]
        unit = init.uniform((len(pairs), kernel_size, kernel_size), -1, 1, rng)
        self.weight = nn.Parameter(unit * np.array(bounds, unit.dtype)[:, None, None])
        self.bias = nn.Parameter(init.constant((len(connections),)))

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, H, W) -> (N, O, I, J)."""
        return F.conv2d(x, mg.scatter_add(self.weight, index=self.place, shape=self.shape), self.bias)


# The RBF targets: each digit as a picture of 12 rows and 7 columns, drawn like the characters of a terminal.
DIGIT_PICTURES = """
 .###...  ...#...  .####..  .#####.  ....##.  ######.  ..###..  #######  .####..  .####..
 ##.##..  ..##...  ##..##.  ....##.  ...###.  ##.....  .##....  .....##  ##..##.  ##..##.
 #...##.  .###...  #....##  ....##.  ...###.  ##.....  ##.....  .....##  #....#.  #....##
 #...##.  ...#...  .....##  ...##..  ..####.  ##.....  ##.....  ....##.  ##..##.  #....##
 #...##.  ...#...  .....##  ..###..  ..#.##.  #####..  #####..  ....##.  .####..  ##..###
 #...##.  ...#...  ....##.  ....##.  .##.##.  ....##.  ##..##.  ...##..  .####..  .######
 #...##.  ...#...  ...##..  .....##  .#..##.  .....##  #....##  ...##..  ##..##.  ..#####
 #...##.  ...#...  ..##...  .....##  ##..##.  .....##  #....##  ...##..  #....##  .....##
 #...##.  ...#...  .##....  .....##  #######  .....##  #....##  ..##...  #....##  .....##
 #...##.  ...#...  ##.....  .....##  ....##.  .....##  #....##  ..##...  #....##  ....##.
 ##.##..  ...#...  ##.....  ##..##.  ....##.  ##..##.  ##..##.  ..##...  ##..##.  ...###.
 .###...  .#####.  #######  .####..  ....##.  .####..  .####..  ..##...  .####..  .###...
"""


def digit_codes() -> Array:
    """The pictures as +1 (ink) and -1. Shape: (10, 84)."""
    rows = [line.split() for line in DIGIT_PICTURES.strip().splitlines()]
    pictures = ["".join(row[digit] for row in rows) for digit in range(10)]
    return np.array([[1 if pixel == "#" else -1 for pixel in picture] for picture in pictures], np.float32)


class LeNet5Original(nn.Module):
    """The network of the paper: trainable subsampling, the partial connection of C3, scaled tanh, RBF output.

    C1, S2, C3, S4, C5 and F6 have 156, 12, 1,516, 32, 48,120 and 10,164 trainable parameters. The output is the
    negative squared distance of F6 to each digit's picture, so that the largest one names the digit.

    Deviation: it trains by plain stochastic gradient descent, not by the paper's diagonal second-order method.

    Args:
        rng: draws the initial weights, uniform in +-2.4/fan_in as in the paper; the default generator unless given.

    Shapes: x (N, 1, 32, 32) -> -distance (N, 10).
    """

    def __init__(self, rng: Rng = None) -> None:
        self.c1 = _small(nn.Conv2d(1, 6, 5, rng=rng), rng)
        self.s2 = Subsampling(6, rng)
        self.c3 = PartialConv2d(C3_CONNECTIONS, 5, rng)
        self.s4 = Subsampling(16, rng)
        self.c5 = _small(nn.Conv2d(16, 120, 5, rng=rng), rng)
        self.f6 = _small(nn.Linear(120, 84, rng=rng), rng)
        self.register_buffer("codes", mg.Tensor(digit_codes()))
        self.codes: mg.Tensor

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, 1, 32, 32) -> -distance (N, 10)."""
        x = scaled_tanh(self.s2(self.c1(x)))
        x = scaled_tanh(self.s4(self.c3(x)))
        x = scaled_tanh(self.c5(x)).flatten(1)
        x = scaled_tanh(self.f6(x))
        return -mg.square(x.expand_dims(1) - self.codes).sum(axis=2)

    def loss(self, output: mg.Tensor, target: mg.Tensor, j: float = 0.1) -> mg.Tensor:
        """The paper's criterion (its equation 9), a mean over the batch.

        loss = y[target] + log(exp(-j) + sum_i exp(-y[i])), with the distances y = -output: the right picture is drawn
        near, all wrong ones are pushed away, and the constant j keeps those from being pushed for ever.
        """
        others = np.full((output.shape[0], 1), -j, output.dtype)
        scores = mg.concat([output, mg.Tensor(others)], axis=1)
        return F.cross_entropy(scores, target)


def _small(layer: Layer, rng: Rng) -> Layer:
    """Give a layer the paper's initial weights: uniform in +-2.4/fan_in, and zero biases."""
    assert layer.bias is not None
    bound = 2.4 / init.fans(layer.weight.shape)[0]
    layer.weight.data = init.uniform(layer.weight.shape, -bound, bound, rng)
    layer.bias.data = init.constant(layer.bias.shape)
    return layer


ENTRIES = (
    Entry(
        name="lenet5",
        make=LeNet5,
        input_shape=(1, 32, 32),
        classes=10,
        summary="LeNet-5 as it is built today: tanh, average pooling, a linear output",
        parameters=61_706,
        source="LeCun et al. 1998",
        small=True,
        recipe=Recipe(
            epochs=30, batch_size=64, optimizer={"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4},
            schedule=Linear(), **AUGMENTATION,
        ),
    ),
    Entry(
        name="lenet5-original",
        make=LeNet5Original,
        input_shape=(1, 32, 32),
        classes=10,
        summary="LeNet-5 as its paper has it: trainable subsampling, partial connection, an output of distances",
        parameters=60_000,
        source="LeCun et al. 1998",
        small=True,
        recipe=Recipe(
            epochs=20, batch_size=32, optimizer={"name": "sgd", "lr": 0.002, "momentum": 0.9},
            schedule=Cosine(warmup=0.05), degrees=10, translate=0.05, scale=(0.9, 1.1),
        ),
    ),
)  # fmt: skip

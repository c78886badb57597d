"""ConvNet: INPUT > [[CONV > RELU]*N > POOL]*M > [FC > RELU]*K > FC, from one convolution to six.

Source: LeCun et al. 1998 for the pattern; Simonyan and Zisserman 2014, arXiv:1409.1556, for several 3x3 convolutions
before each pooling; Srivastava et al. 2014 for dropout.

    ConvNet              simple                 double                  deep                     shape (N, ...)
    stage 1              16 kernels 5x5, ReLU   16 kernels 5x5, ReLU    2 x (16 of 3x3, ReLU)
                         max pooling 2x2        max pooling 2x2         max pooling 2x2          16 x 16 x 16
    stage 2                                     32 kernels 5x5, ReLU    2 x (32 of 3x3, ReLU)
                                                max pooling 2x2         max pooling 2x2          32 x 8 x 8
    stage 3                                                             2 x (64 of 3x3, ReLU)
                                                                        max pooling 2x2          64 x 4 x 4
    full connection      100 units, ReLU        100 units, ReLU         100 units, ReLU          100
                                                                        dropout, 1/2
    output               linear                 linear                  linear                   10
    parameters           411,126                219,158                 175,302

What it shows: each stage halves the image, so that what follows sees twice as far with the same kernels, and the first
full connection, which has most of the parameters, becomes smaller. The deepest of the three has the fewest.
"""

from __future__ import annotations

import minigrad as mg
from minigrad import init, nn
from minigrad.optim.schedule import Cosine
from minigrad.typing import ArrayLike
from minigrad_models.registry import AUGMENTATION, Entry, Recipe, Rng


class ConvNet(nn.Module):
    """A network of the pattern, for images of 32 x 32.

    Args:
        pattern: see `minigrad.nn.conv_net`.
        kernel_size: of all convolutions (default 3).
        dropout: the probability with which a unit of the layers of full connection is left out (default 0.0).
        in_channels: C (default 1).
        num_classes: the size of the output (default 10).
        channels: of the first stage; each following one has twice as many (default 16).
        hidden: units of each layer of full connection (default 100).
        rng: draws the initial weights, He's; biases begin as 0; the default generator unless given.

    Shapes: x (N, C, 32, 32) -> scores (N, num_classes).
    """

    def __init__(
        self,
        pattern: str,
        kernel_size: int = 3,
        dropout: float = 0.0,
        *,
        in_channels: int = 1,
        num_classes: int = 10,
        channels: int = 16,
        hidden: int = 100,
        rng: Rng = None,
    ) -> None:
        plain = nn.conv_net(
            pattern, (in_channels, 32, 32), num_classes,
            channels=channels, hidden=hidden, kernel_size=kernel_size, rng=rng,
        )  # fmt: skip
        for parameter in plain.parameters():
            weight = parameter.ndim > 1
            parameter.data = init.he_normal(parameter.shape, rng=rng) if weight else init.constant(parameter.shape)
        self.layers = with_dropout(plain, dropout) if dropout else plain

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, 32, 32) -> scores (N, num_classes)."""
        return self.layers(x)  # type: ignore[no-any-return]


def with_dropout(plain: nn.Sequential, p: float) -> nn.Sequential:
    """The same layers, with dropout behind the activation of each layer of full connection."""
    layers: list[nn.Module] = []
    full = False
    for layer in plain:
        layers.append(layer)
        if full and isinstance(layer, nn.ReLU):
            layers.append(nn.Dropout(p))
        full = isinstance(layer, nn.Linear)
    return nn.Sequential(*layers)


def simple(rng: Rng = None, **sizes: int) -> ConvNet:
    """One convolution."""
    return ConvNet("INPUT > [[CONV > RELU] > POOL] > [FC > RELU] > FC", 5, rng=rng, **sizes)


def double(rng: Rng = None, **sizes: int) -> ConvNet:
    """Two convolutions, each with a pooling."""
    return ConvNet("INPUT > [[CONV > RELU] > POOL]*2 > [FC > RELU] > FC", 5, rng=rng, **sizes)


def deep(rng: Rng = None, dropout: float = 0.5, **sizes: int) -> ConvNet:
    """Six convolutions, two before each pooling."""
    return ConvNet("INPUT > [[CONV > RELU]*2 > POOL]*3 > [FC > RELU] > FC", 3, dropout, rng=rng, **sizes)


ENTRIES = (
    Entry(
        name="convnet-simple",
        make=simple,
        input_shape=(1, 32, 32),
        classes=10,
        summary="one convolution, pooling, full connection",
        parameters=411_126,
        small=True,
        recipe=Recipe(
            epochs=40, batch_size=32, optimizer={"name": "sgd", "lr": 0.02, "momentum": 0.9, "weight_decay": 5e-4},
            schedule=Cosine(), **AUGMENTATION,
        ),
    ),
    Entry(
        name="convnet-double",
        make=double,
        input_shape=(1, 32, 32),
        classes=10,
        summary="two convolutions, each with a pooling, and full connection",
        parameters=219_158,
        small=True,
        recipe=Recipe(
            epochs=20, batch_size=32, optimizer={"name": "sgd", "lr": 0.02, "momentum": 0.9, "weight_decay": 5e-4},
            schedule=Cosine(), **AUGMENTATION,
        ),
    ),
    Entry(
        name="convnet-deep",
        make=deep,
        input_shape=(1, 32, 32),
        classes=10,
        summary="six convolutions, two before each pooling, full connection and dropout",
        parameters=175_302,
        small=True,
        recipe=Recipe(
            epochs=20, batch_size=32, optimizer={"name": "sgd", "lr": 0.02, "momentum": 0.9, "weight_decay": 5e-4},
            schedule=Cosine(), **AUGMENTATION,
        ),
    ),
)  # fmt: skip

"""The locally connected net: one network with shared kernels, and with kernels of its own at each place.

Source: LeCun 1989, "Generalization and network design strategies" (Net-3 to Net-5); Taigman et al. 2014, "DeepFace".

    stage                                            shape (N, ...)    parameters, shared    unshared
    input                                            1 x 32 x 32
    conv1   8 kernels 5x5, stride 2, ReLU            8 x 16 x 16                      208      53,248
    conv2   16 kernels 5x5, stride 2, ReLU           16 x 8 x 8                     3,216     205,824
    output  linear                                   10                            10,250      10,250
                                                                                   13,674     269,322

Both do the same number of multiplications and see the same windows. A shared kernel (`nn.Conv2d`) is the same at all
I*J places of its map; without sharing (`nn.LocallyConnected2d`) there are I*J kernels, and I*J times the parameters.
What was new in 1989: sharing makes a network with fewer parameters better on digits it has not seen, because what is
learned at one place counts everywhere. Where every place has a meaning of its own, as in the aligned faces of DeepFace,
not sharing is right.

Deviations: DeepFace puts locally connected layers behind ordinary ones; here they are all there is, for the comparison.
"""

from __future__ import annotations

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import init, nn
from minigrad.optim.schedule import Cosine
from minigrad.typing import ArrayLike
from minigrad_models.registry import AUGMENTATION, Entry, Recipe, Rng


class LocalNet(nn.Module):
    """Two layers of 5x5 windows, and a linear output.

    Args:
        sharing: whether all places of a map have one kernel.
        in_channels: C (default 1).
        num_classes: the size of the output (default 10).
        channels: of the first layer; the second has twice as many (default 8).
        size: height and width of the images, a multiple of 4 (default 32).
        rng: draws the initial weights: He's by the size of a window, which sharing does not change; zero biases; the
            default generator unless given.

    Shapes: x (N, C, size, size) -> scores (N, num_classes).
    """

    def __init__(
        self,
        sharing: bool,
        *,
        in_channels: int = 1,
        num_classes: int = 10,
        channels: int = 8,
        size: int = 32,
        rng: Rng = None,
    ) -> None:
        self.conv1 = windows(sharing, in_channels, channels, size, rng)
        self.conv2 = windows(sharing, channels, 2 * channels, size // 2, rng)
        self.output = nn.Linear(2 * channels * (size // 4) ** 2, num_classes, rng=rng)

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, size, size) -> scores (N, num_classes)."""
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        return self.output(x.flatten(1))  # type: ignore[no-any-return]


def windows(sharing: bool, in_channels: int, channels: int, size: int, rng: Rng) -> nn.Module:
    """A layer of 5x5 windows, 2 pixels apart. Shapes: x (N, C, size, size) -> (N, channels, size/2, size/2)."""
    layer: nn.Conv2d | nn.LocallyConnected2d
    if sharing:
        layer = nn.Conv2d(in_channels, channels, 5, stride=2, padding=2, rng=rng)
    else:
        layer = nn.LocallyConnected2d(in_channels, channels, size, 5, stride=2, padding=2, rng=rng)
    assert layer.bias is not None
    spread = (2 / (in_channels * 5 * 5)) ** 0.5
    layer.weight.data = init.normal(layer.weight.shape, std=spread, rng=rng)
    layer.bias.data = init.constant(layer.bias.shape)
    return layer


def shared(rng: Rng = None, **sizes: int) -> LocalNet:
    """With one kernel for all places."""
    return LocalNet(sharing=True, rng=rng, **sizes)


def unshared(rng: Rng = None, **sizes: int) -> LocalNet:
    """With a kernel for each place."""
    return LocalNet(sharing=False, rng=rng, **sizes)


ENTRIES = (
    Entry(
        name="local-shared",
        make=shared,
        input_shape=(1, 32, 32),
        classes=10,
        summary="two convolutions: one kernel for all places",
        parameters=13_674,
        source="LeCun 1989",
        small=True,
        recipe=Recipe(
            epochs=40, batch_size=32, optimizer={"name": "adam", "lr": 0.003},
            schedule=Cosine(), **AUGMENTATION,
        ),
    ),
    Entry(
        name="local-unshared",
        make=unshared,
        input_shape=(1, 32, 32),
        classes=10,
        summary="the same network without parameter sharing: a kernel for each place",
        parameters=269_322,
        source="LeCun 1989",
        small=True,
        recipe=Recipe(
            epochs=40, batch_size=32, optimizer={"name": "adam", "lr": 0.003},
            schedule=Cosine(), **AUGMENTATION,
        ),
    ),
)  # fmt: skip

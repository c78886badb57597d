"""VGG: nothing but 3x3 convolutions, two to four in a row before each pooling, up to 19 layers deep.

Source: Simonyan and Zisserman 2014, "Very deep convolutional networks for large-scale image recognition",
arXiv:1409.1556. With batch norm: as torchvision has it, after Ioffe and Szegedy 2015, arXiv:1502.03167.

    stage       VGG-11 (A)    VGG-13 (B)    VGG-16 (D)    VGG-19 (E)    shape (N, ...)
    input                                                               3 x 224 x 224
    1           1 x 64        2 x 64        2 x 64        2 x 64        64 x 112 x 112
    2           1 x 128       2 x 128       2 x 128       2 x 128       128 x 56 x 56
    3           2 x 256       2 x 256       3 x 256       4 x 256       256 x 28 x 28
    4           2 x 512       2 x 512       3 x 512       4 x 512       512 x 14 x 14
    5           2 x 512       2 x 512       3 x 512       4 x 512       512 x 7 x 7
    classifier  linear, ReLU and dropout twice, linear                  4096, 4096, 1000
    parameters  132,863,336   133,047,848   138,357,544   143,667,240
    with norm   132,868,840   133,053,736   138,365,992   143,678,248

Each stage: so many times as many kernels 3x3, padded, each with ReLU; then max pooling 2x2.

What was new: two 3x3 convolutions see 5x5 pixels and three see 7x7, with fewer weights than one large kernel and with
more ReLUs between. Depth alone, in the plainest form, made the error smaller.

Deviations: names and initial weights are torchvision's (the paper begins deep networks with the trained weights of
shallow ones). Before the classifier the maps are averaged to 7x7, so that images of any size will do; at 224 x 224
this changes nothing.
"""

from __future__ import annotations

from functools import partial

import minigrad as mg
from minigrad import init, nn
from minigrad.optim.schedule import Cosine, Plateau
from minigrad.typing import ArrayLike
from minigrad_models.registry import AUGMENTATION, Entry, Recipe, Rng

Plan = tuple[tuple[int, ...], ...]

PLANS: dict[int, Plan] = {
    11: ((64,), (128,), (256,) * 2, (512,) * 2, (512,) * 2),
    13: ((64,) * 2, (128,) * 2, (256,) * 2, (512,) * 2, (512,) * 2),
    16: ((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3),
    19: ((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,) * 4),
}
"""By the number of layers with weights: for each stage, the output channels of its convolutions."""


class VGG(nn.Module):
    """The network for a plan.

    Args:
        plan: one of `PLANS`, or another: for each stage, the output channels of its convolutions.
        batch_norm: whether there is one between each convolution and its ReLU (default False).
        num_classes: K (default 1000).
        in_channels: C (default 3).
        grid: the side of the maps that the classifier looks at (default 7).
        hidden: the width of the two hidden linear layers (default 4096).
        dropout: the probability that an output of theirs is dropped (default 0.5).
        rng: draws the initial weights; the default generator unless given.

    Shapes: x (N, C, H, W), H and W at least 2^stages -> scores (N, K).
    """

    def __init__(
        self,
        plan: Plan,
        batch_norm: bool = False,
        num_classes: int = 1000,
        in_channels: int = 3,
        grid: int = 7,
        hidden: int = 4096,
        dropout: float = 0.5,
        rng: Rng = None,
    ) -> None:
        with init.skip():
            self.features = convolutions(plan, batch_norm, in_channels)
            self.avgpool = nn.AdaptiveAvgPool2d(grid)
            self.classifier = nn.Sequential(
                nn.Linear(plan[-1][-1] * grid**2, hidden), nn.ReLU(), nn.Dropout(dropout),
                nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout),
                nn.Linear(hidden, num_classes),
            )  # fmt: skip
        draw_weights(self, rng)

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, H, W) -> scores (N, K)."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))  # type: ignore[no-any-return]


def convolutions(plan: Plan, batch_norm: bool, in_channels: int) -> nn.Sequential:
    """The stages of a plan, each with its pooling. Shapes: x (N, C, H, W) -> (N, O, H/2^stages, W/2^stages)."""
    layers = nn.Sequential()
    for stage in plan:
        for out_channels in stage:
            layers.append(nn.Conv2d(in_channels, out_channels, 3, padding=1))
            if batch_norm:
                layers.append(nn.BatchNorm2d(out_channels))
            layers.append(nn.ReLU())
            in_channels = out_channels
        layers.append(nn.MaxPool2d(2))
    return layers


def draw_weights(model: nn.Module, rng: Rng) -> None:
    """He's initial weights by fan-out for convolutions, normal ones of standard deviation 0.01 for linear layers."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            layer.weight.data = init.he_normal(layer.weight.shape, rng=rng, mode="fan_out")
        elif isinstance(layer, nn.Linear):
            layer.weight.data = init.normal(layer.weight.shape, std=0.01, rng=rng)
        else:
            continue
        if layer.bias is not None:
            layer.bias.data = init.zeros(layer.bias.shape)


SMALL_PLAN: Plan = ((16, 16), (32, 32), (64, 64))

# The paper divides the rate by 10 when the error on held-out images stalls.
RECIPE = Recipe(
    epochs=74, batch_size=256, optimizer={"name": "sgd", "lr": 0.01, "momentum": 0.9, "weight_decay": 5e-4},
    schedule=Plateau(patience=3), scale=(0.875, 1.125),
)  # fmt: skip

PARAMETERS = {11: 132_863_336, 13: 133_047_848, 16: 138_357_544, 19: 143_667_240}
PARAMETERS_BN = {11: 132_868_840, 13: 133_053_736, 16: 138_365_992, 19: 143_678_248}


def _entry(depth: int, batch_norm: bool, parameters: int) -> Entry:
    return Entry(
        name=f"vgg{depth}-bn" if batch_norm else f"vgg{depth}",
        make=partial(VGG, PLANS[depth], batch_norm),
        input_shape=(3, 224, 224),
        classes=1000,
        summary=f"VGG of {depth} layers" + (" with batch norm" if batch_norm else ""),
        parameters=parameters,
        source="Simonyan and Zisserman 2014",
        recipe=RECIPE,
    )


ENTRIES = (
    *[_entry(depth, False, count) for depth, count in PARAMETERS.items()],
    *[_entry(depth, True, count) for depth, count in PARAMETERS_BN.items()],
    Entry(
        name="vgg-small",
        make=partial(VGG, SMALL_PLAN, True, num_classes=10, in_channels=1, grid=4, hidden=256),
        input_shape=(1, 32, 32),
        classes=10,
        summary="VGG's pattern with batch norm, for 32 x 32 pixels",
        parameters=403_002,
        source="Simonyan and Zisserman 2014",
        small=True,
        recipe=Recipe(
            epochs=25, batch_size=64, optimizer={"name": "sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 5e-4},
            schedule=Cosine(warmup=0.1), **AUGMENTATION,
        ),
    ),
)  # fmt: skip

"""C3D: convolutions in space and time at once, which see motion.

Source: Tran et al. 2015, "Learning spatiotemporal features with 3D convolutional networks", arXiv:1412.0767.

    stage                                                    shape (N, ...)           parameters
    input                                                    3 x 16 x 112 x 112
    1           64 kernels, pooling 1 x 2 x 2                64 x 16 x 56 x 56             5,248
    2           128 kernels, pooling 2 x 2 x 2               128 x 8 x 28 x 28           221,312
    3           2 x 256 kernels, pooling 2 x 2 x 2           256 x 4 x 14 x 14         2,654,720
    4           2 x 512 kernels, pooling 2 x 2 x 2           512 x 2 x 7 x 7          10,617,856
    5           2 x 512 kernels, pooling 2 x 2 x 2           512 x 1 x 4 x 4          14,156,800
    classifier  linear, ReLU and dropout twice, linear       4096, 4096, 487          52,335,079

Each kernel is 3 x 3 x 3, padded, with ReLU behind it. The last pooling rounds up: 7 rows become 4.

What was new: one kind of kernel for space and time, as VGG has one for space. The first pooling leaves time alone, so
that motion is not averaged before it is seen. Networks for images look at frames one by one and find out about time
late, or never.

Deviations: initial weights are minigrad's defaults. The small form, for 8 frames of 24 x 24 pixels, has batch norm
between convolution and ReLU, one hidden layer in place of two, and 8 to 32 kernels.
"""

from __future__ import annotations

import math
from functools import partial

import minigrad as mg
from minigrad import nn
from minigrad.optim.schedule import Cosine, Step
from minigrad.typing import ArrayLike, Shape
from minigrad_models.registry import Entry, Recipe, Rng

Plan = tuple[tuple[int, ...], ...]

PAPER: Plan = ((64,), (128,), (256, 256), (512, 512), (512, 512))
"""For each stage, the output channels of its convolutions."""

SMALL: Plan = ((8,), (16,), (32, 32))


class C3D(nn.Module):
    """The network for a plan.

    Args:
        plan: for each stage, the output channels of its convolutions (default that of the paper).
        in_channels: C (default 3).
        num_classes: K (default 487, those of Sports-1M).
        clip: D, H and W of the videos (default (16, 112, 112)).
        hidden: the widths of the hidden linear layers (default (4096, 4096)).
        batch_norm: whether there is one between each convolution and its ReLU (default False).
        dropout: the probability that an output of a hidden layer is dropped (default 0.5).
        rng: draws the initial weights; the default generator unless given.

    Shapes: x (N, C, D, H, W) -> scores (N, K).
    """

    def __init__(
        self,
        plan: Plan = PAPER,
        in_channels: int = 3,
        num_classes: int = 487,
        clip: Shape = (16, 112, 112),
        hidden: tuple[int, ...] = (4096, 4096),
        batch_norm: bool = False,
        dropout: float = 0.5,
        rng: Rng = None,
    ) -> None:
        self.features = nn.Sequential()
        channels, sides = in_channels, clip
        for stage, widths in enumerate(plan):
            for width in widths:
                self.features.append(nn.Conv3d(channels, width, 3, padding=1, rng=rng))
                if batch_norm:
                    self.features.append(nn.BatchNorm3d(width))
                self.features.append(nn.ReLU())
                channels = width
            pool = nn.MaxPool3d((1, 2, 2) if stage == 0 else 2, ceil_mode=True)
            self.features.append(pool)
            sides = nn.pool_output_size(sides, pool.kernel_size, ceil_mode=True)
        self.classifier = nn.Sequential(nn.Flatten())
        width = channels * math.prod(sides)
        for neurons in hidden:
            self.classifier.extend([nn.Linear(width, neurons, rng=rng), nn.ReLU(), nn.Dropout(dropout)])
            width = neurons
        self.classifier.append(nn.Linear(width, num_classes, rng=rng))

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, D, H, W) -> scores (N, K)."""
        return self.classifier(self.features(x))  # type: ignore[no-any-return]


ENTRIES = (
    Entry(
        name="c3d",
        make=C3D,
        input_shape=(3, 16, 112, 112),
        classes=487,
        summary="C3D as in the paper: 3 x 3 x 3 convolutions of videos",
        parameters=79_991_015,
        source="Tran et al. 2015",
        data="moving-digits",
        # The paper divides the rate by 2 each 150,000 batches, and stops after 13 epochs.
        recipe=Recipe(
            epochs=13, batch_size=30, optimizer={"name": "sgd", "lr": 0.003, "momentum": 0.9},
            schedule=Step(150_000, gamma=0.5),
        ),
    ),
    Entry(
        name="c3d-small",
        make=partial(C3D, SMALL, 1, 8, (8, 24, 24), (64,), batch_norm=True, dropout=0.3),
        input_shape=(1, 8, 24, 24),
        classes=8,
        summary="a small C3D with batch norm, which tells in which of 8 directions a digit moves",
        parameters=82_856,
        source="Tran et al. 2015",
        data="moving-digits",
        small=True,
        recipe=Recipe(
            epochs=10, batch_size=32, optimizer={"name": "adamw", "lr": 0.003, "weight_decay": 0.01},
            schedule=Cosine(warmup=0.1),
        ),
    ),
)  # fmt: skip

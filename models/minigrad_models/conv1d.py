"""M5: a convolutional network that hears a sound as it is, without a spectrogram.

Source: Dai et al. 2016, "Very deep convolutional neural networks for raw waveforms", arXiv:1610.00087.

    stage                                                              shape (N, ...)    parameters
    input                                                              1 x 2048
    features   16 kernels of 32, stride 4, batch norm, ReLU, pool 4    16 x 128                 544
               16 kernels of 3, batch norm, ReLU, pool 4               16 x 32                  800
               32 kernels of 3, batch norm, ReLU, pool 4               32 x 8                 1,600
               64 kernels of 3, batch norm, ReLU                       64 x 8                 6,272
               the mean over time                                      64
    classifier linear                                                  10                       650

What was new: the first layer learns its own filters of frequencies, from the sound itself, and no layer but the last
has full connections, so that sounds may last as long as they like. Wide kernels stand at the beginning only.

Deviations: the paper's M5 has 128, 128, 256 and 512 kernels, the first of length 80 for 8000 samples a second, and as
many poolings as convolutions; here are fewer and shorter ones, for sounds of half a second with 4000.
"""

from __future__ import annotations

import minigrad as mg
from minigrad import nn
from minigrad.optim.schedule import Cosine
from minigrad.typing import ArrayLike
from minigrad_models.registry import Entry, Recipe, Rng


class M5(nn.Module):
    """Convolutions in time, and the mean of what they find.

    Args:
        in_channels: C, of the sound (default 1).
        num_classes: K (default 10).
        width: kernels of the first stage (default 16).
        kernel: their length (default 32).
        rng: draws the initial weights; the default generator unless given.

    Shapes: x (N, C, T) -> scores (N, K); T of at least 256.
    """

    def __init__(
        self, in_channels: int = 1, num_classes: int = 10, width: int = 16, kernel: int = 32, rng: Rng = None
    ) -> None:
        w = width
        self.features = nn.Sequential(
            nn.Conv1d(in_channels, w, kernel, stride=4, padding=kernel // 2 - 2, bias=False, rng=rng),
            nn.BatchNorm1d(w), nn.ReLU(), nn.MaxPool1d(4),
            *stage(w, w, rng), nn.MaxPool1d(4),
            *stage(w, 2 * w, rng), nn.MaxPool1d(4),
            *stage(2 * w, 4 * w, rng),
            nn.AdaptiveAvgPool1d(1), nn.Flatten(),
        )  # fmt: skip
        self.classifier = nn.Linear(4 * w, num_classes, rng=rng)

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, T) -> scores (N, K)."""
        return self.classifier(self.features(x))  # type: ignore[no-any-return]


def stage(in_channels: int, channels: int, rng: Rng) -> tuple[nn.Module, ...]:
    """A convolution of length 3, batch norm, ReLU. Shapes: x (N, C, T) -> (N, channels, T)."""
    convolution = nn.Conv1d(in_channels, channels, 3, padding=1, bias=False, rng=rng)
    return convolution, nn.BatchNorm1d(channels), nn.ReLU()


ENTRIES = (
    Entry(
        name="conv1d-tones",
        make=M5,
        input_shape=(1, 2048),
        classes=10,
        summary="a small M5: 1-D convolutions tell ten kinds of sounds apart, from the samples themselves",
        parameters=9_866,
        source="Dai et al. 2016",
        data="tones",
        small=True,
        recipe=Recipe(
            epochs=20, batch_size=32, optimizer={"name": "adamw", "lr": 0.01, "weight_decay": 0.01},
            schedule=Cosine(warmup=0.1),
        ),
    ),
)  # fmt: skip

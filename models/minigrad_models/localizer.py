"""The localizer: which digit is in the picture, and where it is.

Source: Sermanet et al. 2013, "OverFeat: integrated recognition, localization and detection using convolutional
networks", arXiv:1312.6229: a regression from the last features to a box, beside the classifier; Yu et al. 2016,
"UnitBox: an advanced object detection network", arXiv:1608.01471: the box as a whole is trained, by its overlap.

    stage                                                             shape (N, ...)    parameters
    input                                                             3 x 64 x 64
    features   16 kernels 3x3, batch norm, ReLU, max pooling 2x2      16 x 32 x 32             464
               32 kernels 3x3, batch norm, ReLU, max pooling 2x2      32 x 16 x 16           4,672
               64 kernels 3x3, batch norm, ReLU, max pooling 2x2      64 x 8 x 8            18,560
    reader     128 kernels 3x3, batch norm, ReLU                      128 x 8 x 8           73,984
               maximum of each map                                    128
               linear                                                 10 scores              1,290
    finder     linear, batch norm, ReLU                               128                  524,672
               linear                                                 4 numbers of a box       516

What it shows: one trunk of features answers two questions. What a digit is does not depend on where it is: the reader
takes the maximum of each map, wherever that stands. Where it is, only full connection with all places can tell.

Deviations: OverFeat has a box for each class, slides over images of any size, and is trained on the squared error of
the corners, after the classifier; here is one box for one object, and all learns together. UnitBox has -log of the
overlap alone; here it is 1 minus the overlap, and the distance of the corners, which draws boxes that do not meet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import nn
from minigrad.optim.schedule import Cosine
from minigrad.typing import Array, ArrayLike
from minigrad_models.registry import Entry, Recipe, Rng


def iou(box: mg.Tensor, other: mg.Tensor) -> mg.Tensor:
    """Intersection over union: the area that two boxes share, as a share of the area that they cover together.

    Shapes: two times (N, 4), left, top, right and bottom -> (N), from 0 (apart) to 1 (equal).

    >>> iou(mg.asarray([[0.0, 0.0, 2.0, 1.0]]), mg.asarray([[1.0, 0.0, 4.0, 1.0]])).item()
    0.25
    """
    first, last = mg.maximum(box[:, :2], other[:, :2]), mg.minimum(box[:, 2:], other[:, 2:])
    shared = area(first, last)
    return shared / (area(box[:, :2], box[:, 2:]) + area(other[:, :2], other[:, 2:]) - shared)


def area(first: mg.Tensor, last: mg.Tensor) -> mg.Tensor:
    """Of boxes from a first corner (N, 2) to a last one (N, 2); 0 where that does not lie behind it. Shape: (N)."""
    sides = F.relu(last - first)
    return sides[:, 0] * sides[:, 1]


def mean_iou(output: Array, target: Array) -> float:
    """How well the boxes fit. Shapes: output (N, D + 4), target (N, 5)."""
    return float(iou(mg.asarray(output[:, -4:]), mg.asarray(target[:, 1:])).mean().item())


def class_accuracy(output: Array, target: Array) -> float:
    """The share of the classes that are right. Shapes: output (N, D + 4), target (N, 5)."""
    return float((output[:, :-4].argmax(axis=1) == target[:, 0]).mean())


class Localizer(nn.Module):
    """A network with two answers: scores of the classes, and a box.

    The box is made from its middle and its size, each a sigmoid, so that its sides are never negative.

    Args:
        in_channels: C (default 3).
        num_classes: D (default 10).
        width: channels of the first stage; each following one has twice as many (default 16).
        size: height and width of the images, a multiple of 8 (default 64).
        rng: draws the initial weights; the default generator unless given.

    Shapes: x (N, C, size, size) -> (N, D + 4): the scores, then left, top, right and bottom as fractions of the size.
    """

    metrics: ClassVar[Mapping[str, Callable[[Array, Array], float]]] = {
        "class_accuracy": class_accuracy,
        "mean_iou": mean_iou,
    }

    def __init__(
        self, *, in_channels: int = 3, num_classes: int = 10, width: int = 16, size: int = 64, rng: Rng = None
    ) -> None:
        w = width
        self.features = nn.Sequential(
            *convolution(in_channels, w, rng), nn.MaxPool2d(2),
            *convolution(w, 2 * w, rng), nn.MaxPool2d(2),
            *convolution(2 * w, 4 * w, rng), nn.MaxPool2d(2),
        )  # fmt: skip
        self.reader = nn.Sequential(
            *convolution(4 * w, 8 * w, rng), nn.GlobalMaxPool2d(), nn.Linear(8 * w, num_classes, rng=rng)
        )
        self.finder = nn.Sequential(
            nn.Flatten(), nn.Linear(4 * w * (size // 8) ** 2, 8 * w, rng=rng), nn.BatchNorm1d(8 * w), nn.ReLU(),
            nn.Linear(8 * w, 4, rng=rng),
        )  # fmt: skip

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, C, size, size) -> (N, D + 4)."""
        x = self.features(x)
        place = F.sigmoid(self.finder(x))
        middle, reach = place[:, :2], place[:, 2:] / 2
        return mg.concat([self.reader(x), middle - reach, middle + reach], axis=1)

    def loss(self, output: mg.Tensor, target: mg.Tensor) -> mg.Tensor:
        """Cross entropy of the class, and of the box the part that misses (1 - IoU) and the distance of its corners.

        Shapes: output (N, D + 4), target (N, 5), class number and box -> (), a mean over the batch.
        """
        label, (box, wanted) = target[:, 0].astype(np.int64), (output[:, -4:], target[:, 1:])
        missed, distance = 1 - iou(box, wanted).mean(), F.smooth_l1_loss(box, wanted, beta=0.1)
        return F.cross_entropy(output[:, :-4], label) + 2 * missed + 5 * distance


def convolution(in_channels: int, channels: int, rng: Rng) -> tuple[nn.Module, ...]:
    """3x3, batch norm, ReLU. Shapes: x (N, C, H, W) -> (N, channels, H, W)."""
    layer = nn.Conv2d(in_channels, channels, 3, padding=1, bias=False, rng=rng)
    return layer, nn.BatchNorm2d(channels), nn.ReLU()


ENTRIES = (
    Entry(
        name="localizer",
        make=Localizer,
        input_shape=(3, 64, 64),
        classes=0,
        summary="class and box of a digit on a photograph",
        parameters=624_158,
        source="Sermanet et al. 2013",
        data="scenes-boxes",
        small=True,
        metric="mean_iou",
        recipe=Recipe(
            epochs=25, batch_size=32, optimizer={"name": "adamw", "lr": 0.003, "weight_decay": 0.05},
            schedule=Cosine(),
        ),
    ),
)  # fmt: skip

"""Neocognitron: simple and complex cells in turn, which learn from what no cell has answered yet, without gradients.

Sources: Fukushima 1980, "Neocognitron: a self-organizing neural network model for a mechanism of pattern recognition
unaffected by shift in position"; Fukushima 2003, "Neocognitron for handwritten digit recognition" (contrast and edge
layers, subtractive inhibition, a labeled top); Fukushima 2013, "Training multi-layered neural network neocognitron"
(Add-if-Silent, a margin for the top's winners).

    stage   cells                                               shape (N, ...)   learns
    U0      receptors: paper 0, ink positive                    1 x 32 x 32
    UG      contrast: on-center and off-center                  2 x 32 x 32      is given
    US1     edges of 16 orientations, 5x5                      16 x 32 x 32      is shown ideal edges
    UC1     blurred, every second place                        16 x 16 x 16
    US2     up to 160 features, 3x3                           160 x 16 x 16      Add-if-Silent
    UC2     blurred, every second place                       160 x 8 x 8
    US3     up to 250 features, 3x3                           250 x 8 x 8        Add-if-Silent
    UC3     blurred                                           250 x 8 x 8
    US4     up to 300 whole patterns, 4x4 of every 2nd place  300 x 6 x 6        labels: the winner is taught
    UC4     the strongest answer for each label                10
    scores  scale * UC4 + bias                                 10                gradients

What was new: cell-planes share their connections over all places, feature layers alternate with blurring layers, so
that a shift, a little at each stage, does not matter in the end: the plan of every later convolutional network. 11
numbers are trained by gradients, and these turn UC4 into log-probabilities; all else `prepare` learns beforehand.
Learned from centered `digits(margin=6)` and tested on shifted ones, against an MLP 1024-256-10, in % read right:

    shift in pixels    0     1     2     3     4     5     6      (mean of three seeds and four directions)
    Neocognitron    97.4  97.4  97.0  96.8  96.3  94.4  91.4
    MLP             97.3  93.1  67.4  36.9  20.1  11.2   8.6

Deviations: C-cells take a square root where the first paper has x / (x + a); they have no inhibition from their
surround; sizes are for images of 32 x 32; planes are given room for a fixed number, so that all states have one shape.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import init, nn
from minigrad.data import Dataset
from minigrad.optim.schedule import Cosine
from minigrad.rng import default_rng
from minigrad.typing import Array, ArrayLike
from minigrad_models.neocognitron_cells import CLayer, Contrast, SLayer
from minigrad_models.registry import Entry, Recipe, Rng


class TopLayer(SLayer):
    """US4 and UC4: S-cells for whole patterns, each plane with a label, of which the strongest answers for it.

    Args:
        args, settings: those of `SLayer`.
        classes: D, how many labels there are.
        margin: how much more similar to the right planes than to the wrong ones a training pattern has to be.

    Shapes: u (N, C, H, W) -> one answer for each label (N, D); labels (O), -1 for planes not in use.
    """

    def __init__(self, *args: Any, classes: int, margin: float, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.classes, self.margin = classes, margin
        self.register_buffer("labels", mg.Tensor(np.full(len(self.weight), -1)))
        self.labels: mg.Tensor

    def forward(self, u: ArrayLike) -> mg.Tensor:
        """Shapes: u (N, C, H, W) -> (N, D)."""
        strongest = super().forward(u).max(axis=(2, 3))
        labeled = self.labels == np.arange(self.classes)[:, None]
        return mg.where(labeled, strongest.expand_dims(1), 0).max(axis=2)

    def learn(self, images: Array, labels: Array, rounds: int = 5) -> None:
        """Show patterns with their labels, in several rounds, to the cells that see all of them.

        If the most similar plane of the right label wins by the margin, its reference moves towards the pattern: it
        becomes the sum of all that it has won. Otherwise the pattern becomes the reference of a new plane.

        Shapes: images (N, C, H, W), labels (N).
        """
        planes, used = np.full(len(self.weight), -1), 0
        sums = init.zeros(self.weight.shape)
        for _ in range(rounds):
            before = used
            for u, label in zip(images, labels, strict=True):
                s, v = (cells.data[0, :, 0, 0] for cells in self.cells(u[None], theta=0, padding=0))
                right = np.where(planes == label, s / v, 0)
                wrong = np.where(planes == label, 0, s / v)
                winner = int(right.argmax())
                if right[winner] <= wrong.max() + self.margin:
                    if used == len(planes):
                        continue
                    winner, used = used, used + 1
                    planes[winner] = label
                sums[winner] += self.window(u, 0, 0)
                self.teach(winner, sums[winner])
            if used == before:
                break
        self.labels = mg.Tensor(planes)


class Neocognitron(nn.Module):
    """The network. `prepare` has to come before a training: without it, all cells of US2 and above are silent.

    Args:
        num_classes: the number of labels D (default 10).
        planes: for how many planes there is room in US2, US3 and US4 (default (160, 250, 300)).
        rng: the order in which `prepare` shows the images; the default generator unless given.

    Shapes: x (N, 1, 32, 32) -> scores (N, D).
    """

    def __init__(self, num_classes: int = 10, planes: tuple[int, int, int] = (160, 250, 300), rng: Rng = None) -> None:
        self.rng = rng
        self.ug = Contrast()
        self.us1 = SLayer(2, 16, 5, sigma=1.5, theta=0.6, padding=2)
        self.uc1 = CLayer(sigma=1.2)
        self.us2 = SLayer(16, planes[0], 3, sigma=2, theta=0.6, learning_theta=0.7)
        self.uc2 = CLayer(sigma=1.7)
        self.us3 = SLayer(planes[0], planes[1], 3, sigma=1.2, theta=0.65, learning_theta=0.75)
        self.uc3 = CLayer(sigma=1.5, stride=1)
        self.top = TopLayer(
            planes[1], planes[2], 4, sigma=10, theta=0.5, padding=2, dilation=2, classes=num_classes, margin=0.05
        )
        self.scale = nn.Parameter(init.constant((), 30))
        self.bias = nn.Parameter(init.zeros((num_classes,)))
        self._show_edges()

    def _show_edges(self) -> None:
        """Give US1 its references: an ideal edge of each orientation, as the contrast cells see it."""
        count = len(self.us1.weight)
        y, x = np.mgrid[-10:11, -10:11]
        angles = 2 * np.pi * np.arange(count)[:, None, None] / count
        edges = 1 / (1 + np.exp(-2 * (x * np.cos(angles) + y * np.sin(angles))))
        for plane, seen in enumerate(self.ug(edges[:, None].astype(mg.default_dtype())).data):
            self.us1.teach(plane, self.us1.window(seen, 8, 8))

    def forward(self, x: ArrayLike) -> mg.Tensor:
        """Shapes: x (N, 1, 32, 32) -> scores (N, D)."""
        edges = self.uc1(self.us1(self.ug(F.relu(x))))
        features = self.uc2(self.us2(edges))
        patterns = self.uc3(self.us3(features))
        scores: mg.Tensor = self.scale * self.top(patterns) + self.bias
        return scores

    def prepare(self, dataset: Dataset, limit: int = 2000) -> None:
        """Learn all stages anew, from the lowest to the highest, each with the finished ones below it.

        Of the images (N, 1, 32, 32) with their labels (N), at most `limit` are shown, drawn at random.
        """
        rng = self.rng or default_rng()
        u, labels = dataset.batch(rng.permutation(len(dataset))[:limit], rng)
        with mg.no_grad():
            for layer in (self.us2, self.us3, self.top):
                layer.weight[...] = 0
            u = _in_parts(lambda x: self.uc1(self.us1(self.ug(F.relu(x)))), u)
            self.us2.add_if_silent(u)
            u = _in_parts(lambda x: self.uc2(self.us2(x)), u)
            self.us3.add_if_silent(u)
            u = _in_parts(lambda x: self.uc3(self.us3(x)), u)
            self.top.learn(u, labels)


def _in_parts(function: Callable[[Array], mg.Tensor], images: Array, size: int = 64) -> Array:
    """A function of many images, some at a time. Shapes: images (N, ...) -> (N, ...)."""
    return np.concatenate([function(images[i : i + size]).data for i in range(0, len(images), size)])


ENTRIES = (
    Entry(
        name="neocognitron",
        make=Neocognitron,
        input_shape=(1, 32, 32),
        classes=10,
        summary="the Neocognitron: simple and complex cells in turn, learned by Add-if-Silent",
        parameters=11,
        source="Fukushima 1980",
        small=True,
        recipe=Recipe(epochs=3, batch_size=64, optimizer={"name": "adam", "lr": 0.05}, schedule=Cosine()),
    ),
)  # fmt: skip

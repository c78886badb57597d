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
from minigrad.autograd.tensor import default_dtype
from minigrad.data import Dataset
from minigrad.optim.schedule import Cosine
from minigrad.rng import default_rng
from minigrad.typing import Array
from minigrad_models.registry import Entry, Recipe

Rng = np.random.Generator | None


def gaussian(size: int, sigma: float) -> Array:
    """A round hill with the sum 1. Shape: (size, size)."""
    place = np.arange(size) - (size - 1) / 2
    hill = np.exp(-(place[:, None] ** 2 + place**2) / (2 * sigma**2))
    return np.asarray(hill / hill.sum(), default_dtype())


class Contrast(nn.Module):
    """UG: where it is brighter, or darker, than around: what is even gives nothing.

    Shapes: x (N, 1, H, W) -> on-center and off-center cells (N, 2, H, W).
    """

    def __init__(self) -> None:
        kernel = gaussian(7, 0.8) - gaussian(7, 1.6)
        self.register_buffer("kernel", mg.Tensor(np.stack([kernel, -kernel])[:, None]))
        self.kernel: mg.Tensor

    def forward(self, x: Any) -> mg.Tensor:
        """Shapes: x (N, 1, H, W) -> (N, 2, H, W)."""
        return F.relu(F.conv2d(x, self.kernel, padding=3))


class SLayer(nn.Module):
    """S-cells: each answers how much its surroundings look like its reference X, the same for all cells of a plane.

        v = sqrt(sum over c,p,q of hill[p,q] * u[c,p,q]^2)                    the inhibitory V-cell of a place
        s = max(0, sum over c,p,q of weight[c,p,q] * u[c,p,q] - theta * v) / (1 - theta)
        weight = hill * X / sqrt(sum of hill * X^2)

    So s = v * max(0, similarity - theta) / (1 - theta), with the cosine of the angle between X and u, weighted by the
    hill, for the similarity. Only what is more similar than theta gets an answer, and a perfect match gets v.

    Args:
        inputs: C, the number of planes below.
        planes: O, for how many planes there is room. Those not in use have weights 0, and their cells are silent.
        size: P = Q, the side of what a cell sees.
        sigma: the width of the hill.
        theta: the threshold of similarity, from 0 to 1.
        learning_theta: that while it learns. If it is higher than theta, several planes answer to one pattern.
        padding, dilation: silent places around the planes below, and the distance between those that a cell sees.

    Shapes: u (N, C, H, W) -> s (N, O, I, J); weight (O, C, P, Q), hill (1, C, P, Q).
    """

    def __init__(
        self, inputs: int, planes: int, size: int, sigma: float, theta: float, learning_theta: float = 0,
        padding: int = 1, dilation: int = 1,
    ) -> None:  # fmt: skip
        self.size, self.padding, self.dilation = size, padding, dilation
        self.theta, self.learning_theta = theta, learning_theta
        hill = np.broadcast_to(gaussian(size, sigma), (1, inputs, size, size))
        self.register_buffer("hill", mg.Tensor(hill.copy()), persistent=False)
        self.register_buffer("weight", mg.Tensor(init.zeros((planes, inputs, size, size))))
        self.hill: mg.Tensor
        self.weight: mg.Tensor

    @property
    def count(self) -> int:
        """How many planes are in use."""
        return int(self.weight.data.any(axis=(1, 2, 3)).sum())

    def forward(self, u: Any) -> mg.Tensor:
        """Shapes: u (N, C, H, W) -> s (N, O, I, J)."""
        return self.cells(u, self.theta, self.padding)[0]

    def cells(self, u: Any, theta: float, padding: int) -> tuple[mg.Tensor, mg.Tensor]:
        """S-cells and V-cells. Shapes: u (N, C, H, W) -> s (N, O, I, J), v (N, 1, I, J)."""
        place = {"padding": padding, "dilation": self.dilation}
        v = mg.sqrt(F.conv2d(mg.square(u), self.hill, **place) + 1e-12)
        return F.relu(F.conv2d(u, self.weight, **place) - theta * v) / (1 - theta), v

    def window(self, u: Array, i: int, j: int) -> Array:
        """What a cell sees, from its upper left on. Shapes: u (C, H, W) -> (C, P, Q)."""
        reach = self.size * self.dilation
        return u[:, i : i + reach : self.dilation, j : j + reach : self.dilation]

    def teach(self, plane: int, reference: Array) -> None:
        """Give a plane its reference X. Shape: (C, P, Q)."""
        hill = self.hill.data[0]
        with mg.no_grad():
            self.weight[plane] = hill * reference / np.sqrt((hill * reference**2).sum() + 1e-12)

    def add_if_silent(self, images: Array, active: float = 0.3) -> None:
        """Where all S-cells are silent and the V-cell is not, a new plane arises: what is there is its reference.

        Args:
            images: the planes below for each training image (N, C, H, W), in the order in which they are shown.
            active: the share of the largest V-cell of all above which a V-cell is not silent.
        """
        largest = max(self.cells(u[None], 0, self.padding)[1].data.max() for u in images)
        used = self.count
        for u in images:
            around = np.pad(u, ((0, 0), (self.padding, self.padding), (self.padding, self.padding)))
            while used < len(self.weight):
                s, v = (cells.data[0] for cells in self.cells(u[None], self.learning_theta, self.padding))
                unanswered = np.where(s.max(axis=0) == 0, v[0], 0)
                i, j = map(int, np.unravel_index(unanswered.argmax(), unanswered.shape))
                if unanswered[i, j] <= active * largest:
                    break
                self.teach(used, self.window(around, i, j))
                used += 1


class CLayer(nn.Module):
    """C-cells: each gathers the S-cells of its plane around its place, so that a shift of the pattern changes little.

        c[i,j] = sqrt(sum over h,w of d[i,h] * d[j,w] * s[h,w]),  d a normal distribution over 5 x 5 S-cells

    Args:
        sigma, stride: the width of d, and the step from one C-cell to the next, in S-cells.

    Shapes: s (N, C, H, W) -> c (N, C, H/stride, W/stride).
    """

    def __init__(self, sigma: float, stride: int = 2) -> None:
        self.sigma, self.stride = sigma, stride

    def forward(self, s: Any) -> mg.Tensor:
        """Shapes: s (N, C, H, W) -> c (N, C, H/stride, W/stride)."""
        down, across = (self._blur(size, s.dtype) for size in s.shape[2:])
        return mg.sqrt(down @ s @ across.mT + 1e-6) - 1e-3  # that the slope at 0 is finite

    def _blur(self, size: int, dtype: Any) -> mg.Tensor:
        """d. Shape: (size / stride, size)."""
        distance = np.arange(0, size, self.stride)[:, None] - np.arange(size)
        d = np.exp(-(distance**2) / (2 * self.sigma**2)) * (abs(distance) <= 2)
        return mg.Tensor((d / d.sum(axis=1).max()).astype(dtype))


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

    def forward(self, u: Any) -> mg.Tensor:
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
        num_classes: the number of labels D.
        planes: for how many planes there is room in US2, US3 and US4.
        rng: the order in which `prepare` shows the images.

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
        for plane, seen in enumerate(self.ug(edges[:, None].astype(default_dtype())).data):
            self.us1.teach(plane, self.us1.window(seen, 8, 8))

    def forward(self, x: Any) -> mg.Tensor:
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

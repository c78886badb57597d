"""The cells of the Neocognitron: contrast cells, S-cells, which look for a pattern, and C-cells, which blur it.

Source: Fukushima 1980, 2003 and 2013; see `minigrad_models.neocognitron`.
"""

from __future__ import annotations

import numpy as np

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import init, nn
from minigrad.typing import Array, ArrayLike, DTypeLike


def gaussian(size: int, sigma: float) -> Array:
    """A round hill with the sum 1. Shape: (size, size)."""
    place = np.arange(size) - (size - 1) / 2
    hill = np.exp(-(place[:, None] ** 2 + place**2) / (2 * sigma**2))
    return np.asarray(hill / hill.sum(), mg.default_dtype())


class Contrast(nn.Module):
    """UG: where it is brighter, or darker, than around: what is even gives nothing.

    Shapes: x (N, 1, H, W) -> on-center and off-center cells (N, 2, H, W).
    """

    def __init__(self) -> None:
        kernel = gaussian(7, 0.8) - gaussian(7, 1.6)
        self.register_buffer("kernel", mg.Tensor(np.stack([kernel, -kernel])[:, None]))
        self.kernel: mg.Tensor

    def forward(self, x: ArrayLike) -> mg.Tensor:
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
        learning_theta: that while it learns (default 0). If it is higher than theta, several planes answer to one
            pattern.
        padding: how many silent places there are around the planes below (default 1).
        dilation: the distance between the places that a cell sees (default 1).

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

    def forward(self, u: ArrayLike) -> mg.Tensor:
        """Shapes: u (N, C, H, W) -> s (N, O, I, J)."""
        return self.cells(u, self.theta, self.padding)[0]

    def cells(self, u: ArrayLike, theta: float, padding: int) -> tuple[mg.Tensor, mg.Tensor]:
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
            active: the share of the largest V-cell of all above which a V-cell is not silent (default 0.3).
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
        sigma: the width of d, in S-cells.
        stride: the step from one C-cell to the next, in S-cells (default 2).

    Shapes: s (N, C, H, W) -> c (N, C, H/stride, W/stride).
    """

    def __init__(self, sigma: float, stride: int = 2) -> None:
        self.sigma, self.stride = sigma, stride

    def forward(self, s: mg.Tensor | Array) -> mg.Tensor:
        """Shapes: s (N, C, H, W) -> c (N, C, H/stride, W/stride)."""
        down, across = (self._blur(size, s.dtype) for size in s.shape[2:])
        return mg.sqrt(down @ s @ across.mT + 1e-6) - 1e-3  # that the slope at 0 is finite

    def _blur(self, size: int, dtype: DTypeLike) -> mg.Tensor:
        """d. Shape: (size / stride, size)."""
        distance = np.arange(0, size, self.stride)[:, None] - np.arange(size)
        d = np.exp(-(distance**2) / (2 * self.sigma**2)) * (abs(distance) <= 2)
        return mg.Tensor((d / d.sum(axis=1).max()).astype(dtype))

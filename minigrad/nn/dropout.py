"""Dropout: in training, parts of the input are set to 0 at random; in evaluation nothing happens."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import functional as F  # noqa: N812
from minigrad.autograd.tensor import Tensor
from minigrad.functional.dropout_family import check_probability
from minigrad.nn.setting import Configured

Rng = np.random.Generator | None


class _Dropout(Configured):
    """What they share.

    Args:
        p: the probability of being dropped.
        inplace: is ignored.
        rng: draws what is dropped; the default generator unless given.
    """

    shown = ("p",)

    def __init__(self, p: float = 0.5, inplace: bool = False, *, rng: Rng = None) -> None:
        check_probability(type(self).__name__, p)
        self.p, self.rng = p, rng


class Dropout(_Dropout):
    """In training, each element is 0 with probability p and else divided by 1 - p.

    Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".
    """

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.dropout(x, self.p, self.training, rng=self.rng)


class Dropout1d(_Dropout):
    """In training, each channel of a sequence is 0 with probability p and else divided by 1 - p."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, T) or (C, T), kept."""
        return F.dropout1d(x, self.p, self.training, rng=self.rng)


class Dropout2d(_Dropout):
    """In training, each channel of an image is 0 with probability p and else divided by 1 - p.

    Source: Tompson et al. 2015, arXiv:1411.4280.
    """

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, H, W) or (C, H, W), kept."""
        return F.dropout2d(x, self.p, self.training, rng=self.rng)


class AlphaDropout(_Dropout):
    """Dropout for networks of SELUs, which keeps mean 0 and variance 1. Source: arXiv:1706.02515."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.alpha_dropout(x, self.p, self.training, rng=self.rng)

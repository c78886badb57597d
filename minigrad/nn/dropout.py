"""Dropout: in training, elements or channels are set to 0 at random; in evaluation nothing happens."""

from __future__ import annotations

import numpy as np

from minigrad import functional as F  # noqa: N812
from minigrad.autograd.tensor import Tensor
from minigrad.functional.regularization import check_probability
from minigrad.nn.setting import Configured
from minigrad.typing import ArrayLike

Rng = np.random.Generator | None


class _Dropout(Configured):
    shown = ("p",)

    def __init__(self, p: float = 0.5, inplace: bool = False, *, rng: Rng = None) -> None:
        check_probability(type(self).__name__, p)
        self.p, self.rng = p, rng


class Dropout(_Dropout):
    """In training, each element is 0 with probability p and else divided by 1 - p, so that its mean stays.

    Args:
        p: the probability of being dropped, in [0, 1] (default 0.5).
        inplace: accepted as in PyTorch, and ignored (default False).
        rng: draws what is dropped; the default generator unless given.

    Shapes: any -> the same.

    Raises:
        UsageError: p is no probability.
        DTypeError: when called in training, x is not floating.

    Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".

    >>> layer = Dropout(0.5, rng=np.random.default_rng(0))
    >>> layer(Tensor([1.0, 1.0, 1.0, 1.0])).tolist()
    [2.0, 2.0, 2.0, 0.0]
    >>> layer.eval()(Tensor([1.0, 1.0])).tolist()
    [1.0, 1.0]
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.dropout(x, self.p, self.training, rng=self.rng)


class Dropout1d(_Dropout):
    """In training, each channel of a sequence is 0 with probability p and else divided by 1 - p.

    Args:
        p: the probability of being dropped, in [0, 1] (default 0.5).
        inplace: accepted as in PyTorch, and ignored (default False).
        rng: draws what is dropped; the default generator unless given.

    Shapes: x (N, C, T) or (C, T) -> the same.

    Raises:
        UsageError: p is no probability.
        ShapeError: when called, x has another number of dimensions.
        DTypeError: when called in training, x is not floating.

    Source: Tompson et al. 2015, "Efficient object localization using convolutional networks", arXiv:1411.4280.
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, T) or (C, T) -> the same."""
        return F.dropout1d(x, self.p, self.training, rng=self.rng)


class Dropout2d(_Dropout):
    """In training, each channel of an image is 0 with probability p and else divided by 1 - p.

    Neighboring pixels say much the same, so that dropping single ones would drop little.

    Args:
        p: the probability of being dropped, in [0, 1] (default 0.5).
        inplace: accepted as in PyTorch, and ignored (default False).
        rng: draws what is dropped; the default generator unless given.

    Shapes: x (N, C, H, W) or (C, H, W) -> the same.

    Raises:
        UsageError: p is no probability.
        ShapeError: when called, x has another number of dimensions.
        DTypeError: when called in training, x is not floating.

    Source: Tompson et al. 2015, "Efficient object localization using convolutional networks", arXiv:1411.4280.
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, H, W) or (C, H, W) -> the same."""
        return F.dropout2d(x, self.p, self.training, rng=self.rng)


class Dropout3d(_Dropout):
    """In training, each channel of a volume is 0 with probability p and else divided by 1 - p.

    Args:
        p: the probability of being dropped, in [0, 1] (default 0.5).
        inplace: accepted as in PyTorch, and ignored (default False).
        rng: draws what is dropped; the default generator unless given.

    Shapes: x (N, C, D, H, W) or (C, D, H, W) -> the same.

    Raises:
        UsageError: p is no probability.
        ShapeError: when called, x has another number of dimensions.
        DTypeError: when called in training, x is not floating.

    Source: Tompson et al. 2015, "Efficient object localization using convolutional networks", arXiv:1411.4280.
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, D, H, W) or (C, D, H, W) -> the same."""
        return F.dropout3d(x, self.p, self.training, rng=self.rng)


class AlphaDropout(_Dropout):
    """Dropout for networks of SELUs, which keeps mean 0 and variance 1.

    In training, each element is SELU's lowest value f = -1.7581 with probability p; then all are a * x + b, with
    a = ((1 - p) * (1 + p * f^2))^(-1/2) and b = -a * p * f.

    Args:
        p: the probability of being dropped, in [0, 1] (default 0.5).
        inplace: accepted as in PyTorch, and ignored (default False).
        rng: draws what is dropped; the default generator unless given.

    Shapes: any -> the same.

    Raises:
        UsageError: p is no probability.
        DTypeError: when called in training, x is not floating.

    Source: Klambauer et al. 2017, "Self-normalizing neural networks", arXiv:1706.02515.
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.alpha_dropout(x, self.p, self.training, rng=self.rng)

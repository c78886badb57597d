"""The softmax family: activations along a dimension, whose results are shares of 1 or logarithms of them."""

from __future__ import annotations

from minigrad import functional as F  # noqa: N812
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError
from minigrad.nn.setting import Configured
from minigrad.shapes import shape_of
from minigrad.typing import ArrayLike


class _Softmax(Configured):
    """The settings of the family: the dimension along which the shares sum to 1, and the temperature."""

    shown = ("dim", "temperature")

    def __init__(self, dim: int = -1, temperature: float = 1.0) -> None:
        self.dim, self.temperature = dim, temperature


class Softmax(_Softmax):
    """Scores turned into shares: y[i] = exp(x[i] / temperature) / (sum over j of exp(x[j] / temperature)).

    Args:
        dim: the dimension along which the shares sum to 1 (default -1: the last one).
        temperature: above 1 it evens the shares out, below 1 it sharpens them; positive (default 1.0).

    Shapes: any -> the same.

    Raises:
        UsageError: when called, the temperature is not positive.

    Source: Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs"; the temperature:
    Hinton, Vinyals and Dean 2015, "Distilling the knowledge in a neural network", arXiv:1503.02531.

    >>> Softmax()(Tensor([0.0, 0.0, 1000.0])).tolist()
    [0.0, 0.0, 1.0]
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.softmax(x, self.dim, temperature=self.temperature)


class Softmin(_Softmax):
    """The softmax of -x: the smallest element has the largest share.

    Args:
        dim: the dimension along which the shares sum to 1 (default -1: the last one).
        temperature: above 1 it evens the shares out, below 1 it sharpens them; positive (default 1.0).

    Shapes: any -> the same.

    Raises:
        UsageError: when called, the temperature is not positive.
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.softmin(x, self.dim, temperature=self.temperature)


class LogSoftmax(_Softmax):
    """The logarithm of `Softmax`, without overflow or loss of digits: what `NLLLoss` takes.

    Args:
        dim: the dimension along which the shares sum to 1 (default -1: the last one).
        temperature: above 1 it evens the shares out, below 1 it sharpens them; positive (default 1.0).

    Shapes: any -> the same.

    Raises:
        UsageError: when called, the temperature is not positive.
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.log_softmax(x, self.dim, temperature=self.temperature)


class Softmax2d(Configured):
    """`Softmax` over the channels of each pixel.

    Shapes: x (N, C, H, W) or (C, H, W) -> the same.

    Raises:
        ShapeError: when called, x has another number of dimensions.
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, H, W) or (C, H, W) -> the same."""
        if len(shape_of(x)) not in (3, 4):
            raise ShapeError(f"Softmax2d: expected x (N, C, H, W) or (C, H, W), got shape {shape_of(x)}")
        return F.softmax(x, -3)

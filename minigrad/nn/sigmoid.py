"""Sigmoids: activations that rise from one bound to another, and logarithms of them."""

from __future__ import annotations

from minigrad import functional as F  # noqa: N812
from minigrad.autograd.tensor import Tensor
from minigrad.nn.module import Module
from minigrad.nn.setting import Configured, IgnoresInplace
from minigrad.typing import ArrayLike


class Sigmoid(Module):
    """The logistic function: y = 1 / (1 + exp(-x)), element by element, without overflow.

    Shapes: any -> the same.

    >>> Sigmoid()(Tensor([0.0, 1000.0])).tolist()
    [0.5, 1.0]
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.sigmoid(x)


class LogSigmoid(Module):
    """y = log(sigmoid(x)), element by element, without overflow.

    Shapes: any -> the same.
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.logsigmoid(x)


class Hardsigmoid(IgnoresInplace):
    """A sigmoid made of straight pieces: y = min(max(x/6 + 1/2, 0), 1).

    Args:
        inplace: accepted as in PyTorch, and ignored (default False).

    Shapes: any -> the same.

    Source: Howard et al. 2019, "Searching for MobileNetV3", arXiv:1905.02244.
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.hardsigmoid(x)


class Tanh(Module):
    """The hyperbolic tangent: y = tanh(x), element by element.

    Shapes: any -> the same.
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.tanh(x)


class Hardtanh(Configured):
    """x within bounds: y = min(max(x, min_val), max_val). At the bounds its gradient is 0.

    Args:
        min_val: the lower bound (default -1.0).
        max_val: the upper bound (default 1.0).
        inplace: accepted as in PyTorch, and ignored (default False).

    Shapes: any -> the same.

    Raises:
        UsageError: when called, min_val is above max_val.

    Source: Collobert 2004, "Large scale machine learning".
    """

    shown = ("min_val", "max_val")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        self.min_val, self.max_val = min_val, max_val

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.hardtanh(x, self.min_val, self.max_val)


class Softsign(Module):
    """y = x / (1 + |x|), element by element.

    Shapes: any -> the same.

    Source: Turian, Bergstra and Bengio 2009, "Quadratic features and deep architectures for chunking".
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.softsign(x)

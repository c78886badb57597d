"""Gated activations: x times a gate between 0 and 1 that is itself computed from x."""

from __future__ import annotations

from minigrad import functional as F  # noqa: N812
from minigrad.autograd.tensor import Tensor
from minigrad.nn.setting import Configured, IgnoresInplace
from minigrad.typing import ArrayLike


class SiLU(IgnoresInplace):
    """The sigmoid linear unit, also known as swish: y = x * sigmoid(x).

    Args:
        inplace: accepted as in PyTorch, and ignored (default False).

    Shapes: any -> the same.

    Source: Elfwing, Uchibe and Doya 2018, "Sigmoid-weighted linear units for neural network function approximation in
    reinforcement learning", arXiv:1702.03118.
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.silu(x)


class Mish(IgnoresInplace):
    """y = x * tanh(softplus(x)), element by element.

    Args:
        inplace: accepted as in PyTorch, and ignored (default False).

    Shapes: any -> the same.

    Source: Misra 2019, "Mish: a self regularized non-monotonic activation function", arXiv:1908.08681.
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.mish(x)


class GELU(Configured):
    """The Gaussian error linear unit: y = x * Φ(x), with the standard normal distribution function Φ.

    Args:
        approximate: "none" for the exact function, "tanh" for x * (1 + tanh(√(2/π) * (x + 0.044715 x³))) / 2, which
            differs by less than 0.0005 (default "none").

    Shapes: any -> the same.

    Raises:
        UsageError: when called, `approximate` is neither "none" nor "tanh".

    Source: Hendrycks and Gimpel 2016, "Gaussian error linear units", arXiv:1606.08415.
    """

    shown = ("approximate",)

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.gelu(x, self.approximate)


class Hardswish(IgnoresInplace):
    """A SiLU made of straight pieces: y = x * hardsigmoid(x).

    Args:
        inplace: accepted as in PyTorch, and ignored (default False).

    Shapes: any -> the same.

    Source: Howard et al. 2019, "Searching for MobileNetV3", arXiv:1905.02244.
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.hardswish(x)


class GLU(Configured):
    """The gated linear unit: y = a * sigmoid(b), a and b being the halves of x along a dimension.

    Args:
        dim: the dimension, of even size (default -1: the last one).

    Shapes: x (..., 2D) -> (..., D).

    Raises:
        ShapeError: when called, the size along `dim` is odd.

    Source: Dauphin et al. 2017, "Language modeling with gated convolutional networks", arXiv:1612.08083.

    >>> GLU()(Tensor([3.0, 0.0])).tolist()
    [1.5]
    """

    shown = ("dim",)

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (..., 2D) -> (..., D)."""
        return F.glu(x, self.dim)

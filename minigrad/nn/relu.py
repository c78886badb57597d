"""ReLU and its relatives: activations that are linear, or nearly so, where x is positive."""

from __future__ import annotations

from minigrad import functional as F  # noqa: N812  (the name that the field knows)
from minigrad import init as initial
from minigrad.autograd.tensor import Tensor
from minigrad.nn.module import Parameter
from minigrad.nn.setting import Configured, IgnoresInplace, count
from minigrad.typing import ArrayLike


class ReLU(IgnoresInplace):
    """The rectified linear unit: y = max(x, 0), element by element.

    Args:
        inplace: accepted as in PyTorch, and ignored (default False).

    Shapes: any -> the same.

    Source: Nair and Hinton 2010, "Rectified linear units improve restricted Boltzmann machines".

    >>> ReLU()(Tensor([-1.0, 0.0, 2.0])).tolist()
    [0.0, 0.0, 2.0]
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.relu(x)


class ReLU6(IgnoresInplace):
    """A ReLU with an upper bound: y = min(max(x, 0), 6), element by element.

    Args:
        inplace: accepted as in PyTorch, and ignored (default False).

    Shapes: any -> the same.

    Source: Krizhevsky 2010, "Convolutional deep belief networks on CIFAR-10".
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.relu6(x)


class CReLU(Configured):
    """The concatenated ReLU: relu(x) and relu(-x) side by side, so that no sign is lost.

    Args:
        dim: the dimension along which they are joined (default 1: the channels).

    Shapes: x (N, C, ...) -> (N, 2C, ...).

    Source: Shang et al. 2016, "Understanding and improving convolutional neural networks via concatenated rectified
    linear units", arXiv:1603.05201.

    >>> CReLU()(Tensor([[-1.0, 2.0]])).tolist()
    [[0.0, 2.0, 1.0, 0.0]]
    """

    shown = ("dim",)

    def __init__(self, dim: int = 1) -> None:
        self.dim = dim

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, ...) -> (N, 2C, ...)."""
        return F.crelu(x, self.dim)


class LeakyReLU(Configured):
    """A ReLU with a small slope for negative values: y = x where x > 0, else negative_slope * x.

    Args:
        negative_slope: the slope where x is not positive (default 0.01).
        inplace: accepted as in PyTorch, and ignored (default False).

    Shapes: any -> the same.

    Source: Maas, Hannun and Ng 2013, "Rectifier nonlinearities improve neural network acoustic models".

    >>> LeakyReLU(0.5)(Tensor([-1.0, 2.0])).tolist()
    [-0.5, 2.0]
    """

    shown = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.leaky_relu(x, self.negative_slope)


class PReLU(Configured):
    """A leaky ReLU with slopes that are learned: y = x where x > 0, else weight * x.

    Args:
        num_parameters: how many slopes: 1 for all channels, or C for one each (default 1).
        init: the initial value of the slopes (default 0.25).

    Shapes: x (N, C, ...), or any with one slope -> the same; weight (num_parameters).

    Raises:
        UsageError: num_parameters is no integer of at least 1.
        ShapeError: when called, x has another number of channels than there are slopes.

    Source: He et al. 2015, "Delving deep into rectifiers", arXiv:1502.01852.
    """

    shown = ("num_parameters",)

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        self.num_parameters = num_parameters = count(self, "num_parameters", num_parameters, 1)
        self.weight = Parameter(initial.constant((num_parameters,), init))

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x (N, C, ...) -> the same."""
        return F.prelu(x, self.weight)


class ELU(Configured):
    """The exponential linear unit: y = x where x > 0, else alpha * (exp(x) - 1).

    Args:
        alpha: minus the limit for very negative x (default 1.0).
        inplace: accepted as in PyTorch, and ignored (default False).

    Shapes: any -> the same.

    Source: Clevert, Unterthiner and Hochreiter 2016, "Fast and accurate deep network learning by exponential linear
    units", arXiv:1511.07289.
    """

    shown = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        self.alpha = alpha

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.elu(x, self.alpha)


class CELU(Configured):
    """An ELU without a kink for any alpha: y = x where x > 0, else alpha * (exp(x / alpha) - 1).

    Args:
        alpha: minus the limit for very negative x (default 1.0).
        inplace: accepted as in PyTorch, and ignored (default False).

    Shapes: any -> the same.

    Raises:
        UsageError: when called, alpha is 0.

    Source: Barron 2017, "Continuously differentiable exponential linear units", arXiv:1704.07483.
    """

    shown = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        self.alpha = alpha

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.celu(x, self.alpha)


class SELU(IgnoresInplace):
    """The scaled ELU, whose constants keep mean 0 and variance 1 from layer to layer.

        y = scale * x where x > 0, else scale * alpha * (exp(x) - 1),  scale = 1.0507, alpha = 1.6733

    Args:
        inplace: accepted as in PyTorch, and ignored (default False).

    Shapes: any -> the same.

    Source: Klambauer et al. 2017, "Self-normalizing neural networks", arXiv:1706.02515.
    """

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.selu(x)


class Softplus(Configured):
    """A smooth ReLU: y = log(1 + exp(beta * x)) / beta, and x itself where beta * x > threshold.

    Args:
        beta: the larger it is, the closer to ReLU; not 0 (default 1.0).
        threshold: above it the function is linear; it is computed without overflow in any case (default 20.0).

    Shapes: any -> the same.

    Raises:
        UsageError: when called, beta is 0.

    Source: Dugas et al. 2001, "Incorporating second-order functional knowledge for better option pricing".
    """

    shown = ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta, self.threshold = beta, threshold

    def forward(self, x: ArrayLike) -> Tensor:
        """Shapes: x any -> the same."""
        return F.softplus(x, self.beta, self.threshold)

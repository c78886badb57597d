"""Activations: element by element, or along one dimension. The formulas are those of `minigrad.functional`."""

from __future__ import annotations

from typing import Any

from minigrad import functional as F  # noqa: N812  (the name that the field knows)
from minigrad import init as initial
from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.nn.module import Module, Parameter
from minigrad.nn.setting import Configured, count


class _Activation(Configured):
    """An activation without settings."""

    def __init__(self, inplace: bool = False) -> None:
        pass


class ReLU(_Activation):
    """max(x, 0), element by element."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.relu(x)


class ReLU6(_Activation):
    """min(max(x, 0), 6), element by element."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.relu6(x)


class SELU(_Activation):
    """scale * (x where x > 0, else alpha * (exp(x) - 1)), with constants that keep mean 0 and variance 1."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.selu(x)


class SiLU(_Activation):
    """x * sigmoid(x), also known as swish."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.silu(x)


class Mish(_Activation):
    """x * tanh(softplus(x))."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.mish(x)


class Hardsigmoid(_Activation):
    """min(max(x/6 + 1/2, 0), 1)."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.hardsigmoid(x)


class Hardswish(_Activation):
    """x * hardsigmoid(x)."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.hardswish(x)


class Sigmoid(Module):
    """1 / (1 + exp(-x)), element by element."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.sigmoid(x)


class LogSigmoid(Module):
    """log(sigmoid(x)), without overflow."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.logsigmoid(x)


class Tanh(Module):
    """tanh(x), element by element."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.tanh(x)


class Tanhshrink(Module):
    """x - tanh(x)."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.tanhshrink(x)


class Softsign(Module):
    """x / (1 + |x|)."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.softsign(x)


class Step(Module):
    """1 where x > 0, else 0: a perceptron's output. Its gradient is 0 everywhere."""

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return ops.step(x)


# ---- with settings -------------------------------------------------------------------------------------------------


class LeakyReLU(Configured):
    """x where x > 0, else negative_slope * x."""

    shown = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.leaky_relu(x, self.negative_slope)


class PReLU(Configured):
    """x where x > 0, else weight * x, with slopes that are learned: one, or one a channel.

    Args:
        num_parameters: how many slopes: 1, or C.
        init: where they begin.

    Shapes: x (N, C, ...) kept; weight (num_parameters).
    """

    shown = ("num_parameters",)

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        self.num_parameters = num_parameters = count(self, "num_parameters", num_parameters, 1)
        self.weight = Parameter(initial.constant((num_parameters,), init))

    def forward(self, x: Any) -> Tensor:
        """Shapes: x (N, C, ...), kept."""
        return F.prelu(x, self.weight)


class ELU(Configured):
    """x where x > 0, else alpha * (exp(x) - 1)."""

    shown = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.elu(x, self.alpha)


class CELU(Configured):
    """x where x > 0, else alpha * (exp(x / alpha) - 1)."""

    shown = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.celu(x, self.alpha)


class GELU(Configured):
    """x times the normal distribution function at x; `approximate` is "none" or "tanh"."""

    shown = ("approximate",)

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.gelu(x, self.approximate)


class Softplus(Configured):
    """log(1 + exp(beta x)) / beta, and x itself where beta x > threshold."""

    shown = ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta, self.threshold = beta, threshold

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.softplus(x, self.beta, self.threshold)


class Hardtanh(Configured):
    """min(max(x, min_val), max_val)."""

    shown = ("min_val", "max_val")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        self.min_val, self.max_val = min_val, max_val

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.hardtanh(x, self.min_val, self.max_val)


class Threshold(Configured):
    """x where x > threshold, else value."""

    shown = ("threshold", "value")

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        self.threshold, self.value = threshold, value

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.threshold(x, self.threshold, self.value)


class Hardshrink(Configured):
    """x, but 0 where |x| <= lambd."""

    shown = ("lambd",)

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = lambd

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.hardshrink(x, self.lambd)


class Softshrink(Configured):
    """x moved toward 0 by lambd, and 0 where |x| <= lambd."""

    shown = ("lambd",)

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = lambd

    def forward(self, x: Any) -> Tensor:
        """Shapes: any, kept."""
        return F.softshrink(x, self.lambd)

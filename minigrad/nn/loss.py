"""What losses share, and the losses of numbers: regression. The formulas are those of `minigrad.functional`.

`reduction` is "mean", "sum" or "none". (PyTorch's deprecated `size_average` and `reduce` do not exist, and what stands
behind them there is keyword-only here.)
"""

from __future__ import annotations

from typing import Any, ClassVar

from minigrad import functional as F  # noqa: N812
from minigrad.autograd.tensor import Tensor, as_array
from minigrad.errors import UsageError
from minigrad.functional.reduction import check_reduction
from minigrad.nn.setting import Configured


class Loss(Configured):
    """A loss that joins the losses of its elements by `reduction`."""

    shown: ClassVar[tuple[str, ...]] = ("reduction",)
    more_reductions: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, reduction: str = "mean") -> None:
        try:
            check_reduction(reduction, *self.more_reductions)
        except UsageError as error:
            raise UsageError(f"{type(self).__name__}: {error}") from None
        self.reduction = reduction


class WeightedLoss(Loss):
    """A loss with a weight that belongs to its state, if it is given."""

    weight: Tensor | None

    def __init__(self, weight: Any = None, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.register_buffer("weight", constant(weight))


def constant(values: Any) -> Tensor | None:
    """Values as a Tensor without gradients; None stays None."""
    return None if values is None else Tensor(as_array(values))


class MSELoss(Loss):
    """(x - target)^2. Shapes: x, target equal -> ()."""

    def forward(self, x: Any, target: Any) -> Tensor:
        """Shapes: x, target equal -> (), or x's with reduction "none"."""
        return F.mse_loss(x, target, reduction=self.reduction)


class L1Loss(Loss):
    """|x - target|. Shapes: x, target equal -> ()."""

    def forward(self, x: Any, target: Any) -> Tensor:
        """Shapes: x, target equal -> (), or x's with reduction "none"."""
        return F.l1_loss(x, target, reduction=self.reduction)


class SmoothL1Loss(Loss):
    """|x - target|, but a parabola where it is below beta. Shapes: x, target equal -> ()."""

    shown = ("reduction", "beta")

    def __init__(self, *, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.beta = beta

    def forward(self, x: Any, target: Any) -> Tensor:
        """Shapes: x, target equal -> (), or x's with reduction "none"."""
        return F.smooth_l1_loss(x, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(Loss):
    """A parabola near 0, and straight beyond delta. Shapes: x, target equal -> ()."""

    shown = ("reduction", "delta")

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, x: Any, target: Any) -> Tensor:
        """Shapes: x, target equal -> (), or x's with reduction "none"."""
        return F.huber_loss(x, target, self.reduction, self.delta)


class SumSquaredError(Configured):
    """1/2 * sum of (x - target)^2: the loss of the perceptron. Shapes: x, target equal -> ()."""

    def forward(self, x: Any, target: Any) -> Tensor:
        """Shapes: x, target equal -> ()."""
        return F.sum_squared_error(x, target)


class GaussianNLLLoss(Loss):
    """(log var + (x - target)^2 / var) / 2: how unlikely the target is under a normal distribution."""

    shown = ("full", "eps", "reduction")

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full, self.eps = full, eps

    def forward(self, x: Any, target: Any, var: Any) -> Tensor:
        """Shapes: x, target equal; var as x, or with size 1 in one dimension, or without the last one, or () -> ()."""
        return F.gaussian_nll_loss(x, target, var, self.full, self.eps, self.reduction)


class PoissonNLLLoss(Loss):
    """exp(x) - target * x: the loss of counts, x being their log-rate (or, with log_input=False, their rate)."""

    shown = ("log_input", "full", "eps", "reduction")

    def __init__(
        self, log_input: bool = True, full: bool = False, *, eps: float = 1e-8, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction=reduction)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, x: Any, target: Any) -> Tensor:
        """Shapes: x, target equal -> (), or x's with reduction "none"."""
        settings = (self.log_input, self.full)
        return F.poisson_nll_loss(x, target, *settings, eps=self.eps, reduction=self.reduction)

"""Losses of regression: how far predicted numbers are from the true ones. The base classes of all losses are here.

(PyTorch's deprecated `size_average` and `reduce` do not exist, and what stands behind them there is keyword-only here.)
"""

from __future__ import annotations

from typing import ClassVar

from minigrad import functional as F  # noqa: N812
from minigrad.autograd.tensor import Tensor, as_array
from minigrad.errors import UsageError
from minigrad.functional.reduction import check_reduction
from minigrad.nn.setting import Configured
from minigrad.typing import ArrayLike


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

    def __init__(self, weight: ArrayLike | None = None, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.register_buffer("weight", constant(weight))


def constant(values: ArrayLike | None) -> Tensor | None:
    """Values as a Tensor without gradients; None stays None."""
    return None if values is None else Tensor(as_array(values))


class MSELoss(Loss):
    """The squared error: (x - target)^2.

    Args:
        reduction: "mean" over the elements, "sum", or "none" (default "mean").

    Shapes: x, target equal -> (), or x's with reduction "none".

    Raises:
        UsageError: reduction is none of these.
        ShapeError: when called, the shapes differ.

    >>> MSELoss()(Tensor([1.0, 3.0]), Tensor([0.0, 0.0])).item()
    5.0
    """

    def forward(self, x: ArrayLike, target: ArrayLike) -> Tensor:
        """Shapes: x, target equal -> (), or x's with reduction "none"."""
        return F.mse_loss(x, target, reduction=self.reduction)


class L1Loss(Loss):
    """The absolute error: |x - target|. Where both are equal the gradient is 0.

    Args:
        reduction: "mean" over the elements, "sum", or "none" (default "mean").

    Shapes: x, target equal -> (), or x's with reduction "none".

    Raises:
        UsageError: reduction is none of these.
        ShapeError: when called, the shapes differ.
    """

    def forward(self, x: ArrayLike, target: ArrayLike) -> Tensor:
        """Shapes: x, target equal -> (), or x's with reduction "none"."""
        return F.l1_loss(x, target, reduction=self.reduction)


class SmoothL1Loss(Loss):
    """The absolute error with a parabola around 0: d^2 / (2 beta) where |d| < beta, else |d| - beta/2, d = x - target.

    Args:
        reduction: "mean" over the elements, "sum", or "none" (default "mean").
        beta: where the parabola ends, of at least 0, in the unit of x (default 1.0).

    Shapes: x, target equal -> (), or x's with reduction "none".

    Raises:
        UsageError: reduction is none of these; when called, beta is negative.
        ShapeError: when called, the shapes differ.

    Source: Girshick 2015, "Fast R-CNN", arXiv:1504.08083.
    """

    shown = ("reduction", "beta")

    def __init__(self, *, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.beta = beta

    def forward(self, x: ArrayLike, target: ArrayLike) -> Tensor:
        """Shapes: x, target equal -> (), or x's with reduction "none"."""
        return F.smooth_l1_loss(x, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(Loss):
    """A parabola near 0, a line beyond: d^2 / 2 where |d| <= delta, else delta * (|d| - delta/2), d = x - target.

    Args:
        reduction: "mean" over the elements, "sum", or "none" (default "mean").
        delta: where the parabola ends, above 0, in the unit of x (default 1.0).

    Shapes: x, target equal -> (), or x's with reduction "none".

    Raises:
        UsageError: reduction is none of these; when called, delta is not positive.
        ShapeError: when called, the shapes differ.

    Source: Huber 1964, "Robust estimation of a location parameter".

    >>> HuberLoss()(Tensor([0.5, 3.0]), Tensor([0.0, 0.0])).item() == (0.125 + 2.5) / 2
    True
    """

    shown = ("reduction", "delta")

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, x: ArrayLike, target: ArrayLike) -> Tensor:
        """Shapes: x, target equal -> (), or x's with reduction "none"."""
        return F.huber_loss(x, target, self.reduction, self.delta)


class SumSquaredError(Configured):
    """Half the sum of squared errors: 1/2 * sum of (x - target)^2, the loss of the perceptron and of LeNet-5.

    Shapes: x, target equal -> ().

    Raises:
        ShapeError: when called, the shapes differ.
    """

    def forward(self, x: ArrayLike, target: ArrayLike) -> Tensor:
        """Shapes: x, target equal -> ()."""
        return F.sum_squared_error(x, target)


class GaussianNLLLoss(Loss):
    """How unlikely the target is under a normal distribution of mean x: (log var + (x - target)^2 / var) / 2.

    Args:
        full: whether the constant log(2π) / 2 is added (default False).
        eps: the least variance; smaller ones count as it (default 1e-6).
        reduction: "mean" over the elements, "sum", or "none" (default "mean").

    Shapes: x, target equal; var as x, or with size 1 in one dimension, or without the last one, or () -> (), or x's
    with reduction "none". Unit: nats.

    Raises:
        UsageError: reduction is none of these.
        ShapeError: when called, the shapes do not fit.
        DataError: when called, a variance is negative.

    Source: Nix and Weigend 1994, "Estimating the mean and variance of the target probability distribution".
    """

    shown = ("full", "eps", "reduction")

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full, self.eps = full, eps

    def forward(self, x: ArrayLike, target: ArrayLike, var: ArrayLike) -> Tensor:
        """Shapes: x, target equal; var as x, or with size 1 in one dimension, or without the last one, or () -> ()."""
        return F.gaussian_nll_loss(x, target, var, self.full, self.eps, self.reduction)


class PoissonNLLLoss(Loss):
    """How unlikely a count is under a Poisson distribution of rate exp(x): exp(x) - target * x.

    Args:
        log_input: whether x is the logarithm of the rate; else it is the rate (default True).
        full: whether log(target!) is added, by Stirling's formula, where target > 1 (default False).
        eps: is added to a rate before its logarithm is taken (default 1e-8).
        reduction: "mean" over the elements, "sum", or "none" (default "mean").

    Shapes: x, target equal -> (), or x's with reduction "none". Unit: nats.

    Raises:
        UsageError: reduction is none of these.
        ShapeError: when called, the shapes differ.
    """

    shown = ("log_input", "full", "eps", "reduction")

    def __init__(
        self, log_input: bool = True, full: bool = False, *, eps: float = 1e-8, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction=reduction)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, x: ArrayLike, target: ArrayLike) -> Tensor:
        """Shapes: x, target equal -> (), or x's with reduction "none"."""
        settings = (self.log_input, self.full)
        return F.poisson_nll_loss(x, target, *settings, eps=self.eps, reduction=self.reduction)

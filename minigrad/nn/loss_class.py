"""Losses of classifiers: of scores for classes, and of answers of yes or no."""

from __future__ import annotations

from typing import Any

from minigrad import functional as F  # noqa: N812
from minigrad.autograd.tensor import Tensor
from minigrad.nn.loss import Loss, WeightedLoss, constant


class CrossEntropyLoss(WeightedLoss):
    """-log softmax(x)[target]; see `minigrad.functional.cross_entropy`. Unit: nats.

    Args:
        weight: how much each class counts, (C).
        ignore_index: targets that are left out.
        reduction: "mean", "sum" or "none".
        label_smoothing: how much of the target is spread over all classes.

    Shapes: x (N, C, ...) or (C), target class numbers (N, ...) or (), or probabilities as x -> ().
    """

    shown = ("ignore_index", "reduction", "label_smoothing")

    def __init__(
        self,
        weight: Any = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, reduction=reduction)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, x: Any, target: Any) -> Tensor:
        """Shapes: x (N, C, ...), target (N, ...) or as x -> ()."""
        return F.cross_entropy(
            x,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(WeightedLoss):
    """-x[target], for log-probabilities x. Shapes: x (N, C, ...) or (C), target (N, ...) or () -> ()."""

    shown = ("ignore_index", "reduction")

    def __init__(self, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(weight, reduction=reduction)
        self.ignore_index = ignore_index

    def forward(self, x: Any, target: Any) -> Tensor:
        """Shapes: x (N, C, ...), target (N, ...) -> ()."""
        return F.nll_loss(x, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class KLDivLoss(Loss):
    """target * (log target - x), for log-probabilities x; reduction may be "batchmean" too."""

    shown = ("reduction", "log_target")
    more_reductions = ("batchmean",)

    def __init__(self, *, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.log_target = log_target

    def forward(self, x: Any, target: Any) -> Tensor:
        """Shapes: x, target equal -> (), or x's with reduction "none"."""
        return F.kl_div(x, target, reduction=self.reduction, log_target=self.log_target)


class BCELoss(WeightedLoss):
    """-(target log x + (1 - target) log(1 - x)), for probabilities x. Unit: nats. Shapes: x, target equal -> ()."""

    def forward(self, x: Any, target: Any) -> Tensor:
        """Shapes: x, target equal -> (), or x's with reduction "none"."""
        return F.binary_cross_entropy(x, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(WeightedLoss):
    """`BCELoss` of sigmoid(x), computed without overflow; pos_weight says how much a yes counts."""

    pos_weight: Tensor | None

    def __init__(self, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None) -> None:
        super().__init__(weight, reduction=reduction)
        self.register_buffer("pos_weight", constant(pos_weight))

    def forward(self, x: Any, target: Any) -> Tensor:
        """Shapes: x, target equal -> (), or x's with reduction "none"."""
        settings: Any = {"reduction": self.reduction, "pos_weight": self.pos_weight}
        return F.binary_cross_entropy_with_logits(x, target, self.weight, **settings)


class MultiLabelSoftMarginLoss(WeightedLoss):
    """The mean over classes of `BCEWithLogitsLoss`: each class a question of its own."""

    def forward(self, x: Any, target: Any) -> Tensor:
        """Shapes: x, target (N, C) or (C) -> (), or (N) with reduction "none"."""
        return F.multilabel_soft_margin_loss(x, target, self.weight, reduction=self.reduction)


class SoftMarginLoss(Loss):
    """log(1 + exp(-target * x)), for targets of 1 and -1."""

    def forward(self, x: Any, target: Any) -> Tensor:
        """Shapes: x, target equal -> (), or x's with reduction "none"."""
        return F.soft_margin_loss(x, target, reduction=self.reduction)

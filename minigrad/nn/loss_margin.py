"""Losses that ask for a margin: between classes, and between things that are alike and things that are not."""

from __future__ import annotations

from typing import Any, ClassVar

from minigrad import functional as F  # noqa: N812
from minigrad.autograd.tensor import Tensor
from minigrad.nn.loss import Loss, WeightedLoss


class MultiMarginLoss(WeightedLoss):
    """The mean over classes j other than the target t of max(0, margin - x[t] + x[j])^p, p being 1 or 2."""

    shown = ("p", "margin", "reduction")

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Any = None, *, reduction: str = "mean") -> None:
        super().__init__(weight, reduction=reduction)
        self.p, self.margin = p, margin

    def forward(self, x: Any, target: Any) -> Tensor:
        """Shapes: x (N, C) or (C), target class numbers (N) or () -> ()."""
        return F.multi_margin_loss(x, target, self.p, self.margin, self.weight, reduction=self.reduction)


class _Margin(Loss):
    shown: ClassVar[tuple[str, ...]] = ("margin", "reduction")
    default: ClassVar[float] = 0.0

    def __init__(self, margin: float | None = None, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = self.default if margin is None else margin


class MultiClassSVMLoss(_Margin):
    """The sum over classes j other than the target t of max(0, x[j] - x[t] + margin), the margin 1 unless given."""

    default = 1.0

    def forward(self, x: Any, target: Any) -> Tensor:
        """Shapes: x (N, C) or (C), target class numbers (N) or () -> ()."""
        return F.multi_class_svm_loss(x, target, self.margin, reduction=self.reduction)


class HingeEmbeddingLoss(_Margin):
    """The distance x where the target is 1, max(0, margin - x) where it is -1; the margin is 1 unless given."""

    default = 1.0

    def forward(self, x: Any, target: Any) -> Tensor:
        """Shapes: x, target equal -> (), or x's with reduction "none"."""
        return F.hinge_embedding_loss(x, target, self.margin, reduction=self.reduction)


class MarginRankingLoss(_Margin):
    """max(0, margin - target * (x1 - x2)): which of two should be the greater; the margin is 0 unless given."""

    def forward(self, x1: Any, x2: Any, target: Any) -> Tensor:
        """Shapes: x1, x2, target equal -> (), or their shape with reduction "none"."""
        return F.margin_ranking_loss(x1, x2, target, self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(_Margin):
    """1 - cos(x1, x2) where the target is 1, max(0, cos(x1, x2) - margin) where it is -1; 0 unless given."""

    def forward(self, x1: Any, x2: Any, target: Any) -> Tensor:
        """Shapes: x1, x2 (N, D) or (D), target (N) or () -> ()."""
        return F.cosine_embedding_loss(x1, x2, target, self.margin, reduction=self.reduction)


class TripletMarginLoss(Loss):
    """max(0, distance to the positive - distance to the negative + margin); see `functional.triplet_margin_loss`."""

    shown = ("margin", "p", "eps", "swap", "reduction")

    def __init__(
        self, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False, *, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction=reduction)
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Tensor:
        """Shapes: anchor, positive, negative (N, D) or (D) -> ()."""
        settings = (self.margin, self.p, self.eps, self.swap)
        return F.triplet_margin_loss(anchor, positive, negative, *settings, reduction=self.reduction)

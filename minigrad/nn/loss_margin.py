"""Losses with a margin: what is right by more than the margin costs nothing."""

from __future__ import annotations

from minigrad import functional as F  # noqa: N812
from minigrad.autograd.tensor import Tensor
from minigrad.nn.loss import Loss, WeightedLoss
from minigrad.typing import ArrayLike


class MultiMarginLoss(WeightedLoss):
    """The multi-class hinge loss: mean over classes j != target of max(0, margin - x[target] + x[j])^p.

    Args:
        p: the exponent, 1 or 2 (default 1).
        margin: by how much the target's score should exceed the others (default 1.0).
        weight: how much each class counts, (C) (default None: all alike).
        reduction: "mean" over the samples, "sum", or "none" (default "mean").

    Shapes: x (N, C) or (C), target class numbers (N) or () -> (), or with reduction "none" as target.

    Raises:
        UsageError: reduction is none of these; when called, p is neither 1 nor 2.
        ShapeError: when called, the shapes do not fit.
        DataError: when called, a target is no class, or a weight is negative.

    Source: Crammer and Singer 2001, "On the algorithmic implementation of multiclass kernel-based vector machines".
    """

    shown = ("p", "margin", "reduction")

    def __init__(
        self, p: int = 1, margin: float = 1.0, weight: ArrayLike | None = None, *, reduction: str = "mean"
    ) -> None:
        super().__init__(weight, reduction=reduction)
        self.p, self.margin = p, margin

    def forward(self, x: ArrayLike, target: ArrayLike) -> Tensor:
        """Shapes: x (N, C) or (C), target class numbers (N) or () -> (), or with reduction "none" as target."""
        return F.multi_margin_loss(x, target, self.p, self.margin, self.weight, reduction=self.reduction)


class MultiClassSVMLoss(Loss):
    """The hinge loss of a multi-class SVM: sum over classes j != target of max(0, x[j] - x[target] + margin).

    Args:
        margin: by how much the target's score should exceed the others (default 1.0).
        reduction: "mean" over the samples, "sum", or "none" (default "mean").

    Shapes: x (N, C) or (C), target class numbers (N) or () -> (), or with reduction "none" as target.

    Raises:
        UsageError: reduction is none of these.
        ShapeError: when called, the shapes do not fit.
        DataError: when called, a target is no class.

    Source: Weston and Watkins 1999, "Support vector machines for multi-class pattern recognition".

    >>> MultiClassSVMLoss()(Tensor([[3.0, 2.5, 0.0]]), [0]).item()
    0.5
    """

    shown = ("margin", "reduction")

    def __init__(self, margin: float = 1.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin

    def forward(self, x: ArrayLike, target: ArrayLike) -> Tensor:
        """Shapes: x (N, C) or (C), target class numbers (N) or () -> (), or with reduction "none" as target."""
        return F.multi_class_svm_loss(x, target, self.margin, reduction=self.reduction)


class HingeEmbeddingLoss(Loss):
    """The loss of distances x: x where the target is 1 (alike), max(0, margin - x) where it is -1 (not alike).

    Args:
        margin: by how much what is not alike should be apart (default 1.0).
        reduction: "mean" over the elements, "sum", or "none" (default "mean").

    Shapes: x, target equal -> (), or x's with reduction "none".

    Raises:
        UsageError: reduction is none of these.
        ShapeError: when called, the shapes differ.
        DataError: when called, a target is neither 1 nor -1.
    """

    shown = ("margin", "reduction")

    def __init__(self, margin: float = 1.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin

    def forward(self, x: ArrayLike, target: ArrayLike) -> Tensor:
        """Shapes: x, target equal -> (), or x's with reduction "none"."""
        return F.hinge_embedding_loss(x, target, self.margin, reduction=self.reduction)


class MarginRankingLoss(Loss):
    """The loss of a ranking: max(0, margin - target * (x1 - x2)).

    x1 should be the greater where the target is 1, x2 where it is -1.

    Args:
        margin: by how much the greater should exceed the other (default 0.0).
        reduction: "mean" over the elements, "sum", or "none" (default "mean").

    Shapes: x1, x2, target equal -> (), or their shape with reduction "none".

    Raises:
        UsageError: reduction is none of these.
        ShapeError: when called, the shapes differ.
        DataError: when called, a target is neither 1 nor -1.
    """

    shown = ("margin", "reduction")

    def __init__(self, margin: float = 0.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin

    def forward(self, x1: ArrayLike, x2: ArrayLike, target: ArrayLike) -> Tensor:
        """Shapes: x1, x2, target equal -> (), or their shape with reduction "none"."""
        return F.margin_ranking_loss(x1, x2, target, self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(Loss):
    """The loss of directions: 1 - cos(x1, x2) where the target is 1, max(0, cos(x1, x2) - margin) where it is -1.

    Args:
        margin: by how much a cosine of what is not alike may exceed 0, in [-1, 1] (default 0.0).
        reduction: "mean" over the samples, "sum", or "none" (default "mean").

    Shapes: x1, x2 (N, D) or (D), target (N) or () -> (), or target's with reduction "none".

    Raises:
        UsageError: reduction is none of these.
        ShapeError: when called, the shapes do not fit.
        DataError: when called, a target is neither 1 nor -1.
    """

    shown = ("margin", "reduction")

    def __init__(self, margin: float = 0.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin

    def forward(self, x1: ArrayLike, x2: ArrayLike, target: ArrayLike) -> Tensor:
        """Shapes: x1, x2 (N, D) or (D), target (N) or () -> (), or target's with reduction "none"."""
        return F.cosine_embedding_loss(x1, x2, target, self.margin, reduction=self.reduction)


class TripletMarginLoss(Loss):
    """The loss of triplets: max(0, d(anchor, positive) - d(anchor, negative) + margin).

    d(x, y) is the p-norm of x - y + eps: what is alike should be nearer than what is not.

    Args:
        margin: by how much the negative should be farther away, above 0 (default 1.0).
        p: of the norm (default 2.0).
        eps: keeps the gradient of a distance finite (default 1e-6).
        swap: whether the negative's distance from the positive counts where it is less (default False).
        reduction: "mean" over the samples, "sum", or "none" (default "mean").

    Shapes: anchor, positive, negative (N, D) or (D) -> (), or with reduction "none" (N) or ().

    Raises:
        UsageError: reduction is none of these; when called, the margin is not positive.
        ShapeError: when called, the shapes differ.

    Source: Balntas et al. 2016, "Learning local feature descriptors with triplets and shallow convolutional neural
    networks".
    """

    shown = ("margin", "p", "eps", "swap", "reduction")

    def __init__(
        self, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False, *, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction=reduction)
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def forward(self, anchor: ArrayLike, positive: ArrayLike, negative: ArrayLike) -> Tensor:
        """Shapes: anchor, positive, negative (N, D) or (D) -> (), or with reduction "none" (N) or ()."""
        settings = (self.margin, self.p, self.eps, self.swap)
        return F.triplet_margin_loss(anchor, positive, negative, *settings, reduction=self.reduction)

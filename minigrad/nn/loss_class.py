"""Losses of classifiers: of scores for classes, and of probabilities or scores for binary targets."""

from __future__ import annotations

from minigrad import functional as F  # noqa: N812
from minigrad.autograd.tensor import Tensor
from minigrad.nn.loss import Loss, WeightedLoss, constant
from minigrad.typing import ArrayLike


class CrossEntropyLoss(WeightedLoss):
    """The cross entropy of scores: -log softmax(x)[target], or -sum over c of target[c] * log softmax(x)[c].

    Args:
        weight: how much each class counts, (C) (default None: all alike).
        ignore_index: targets equal to it are left out (default -100).
        reduction: "mean" over the elements, "sum", or "none" (default "mean").
        label_smoothing: the share of the target that is spread evenly over all classes, in [0, 1] (default 0.0).

    Shapes: x (N, C, ...) or (C), target class numbers (N, ...) or (), or class probabilities as x -> (), or with
    reduction "none" (N, ...) or (). Unit: nats.

    Raises:
        UsageError: reduction is none of these; when called, label_smoothing lies outside of [0, 1].
        ShapeError: when called, the shapes do not fit.
        DataError: when called, a target is no class, or a weight is negative.

    Source: label smoothing: Szegedy et al. 2015, "Rethinking the Inception architecture", arXiv:1512.00567.

    >>> round(CrossEntropyLoss()(Tensor([[0.0, 0.0]]), [1]).item(), 4)  # log 2
    0.6931
    """

    shown = ("ignore_index", "reduction", "label_smoothing")

    def __init__(
        self,
        weight: ArrayLike | None = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, reduction=reduction)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, x: ArrayLike, target: ArrayLike) -> Tensor:
        """Shapes: x (N, C, ...), target (N, ...) or as x -> (), or with reduction "none" (N, ...)."""
        return F.cross_entropy(
            x,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class CTCLoss(Loss):
    """-log of the probability of the labels, summed over all ways to spread them over the time steps.

    Args:
        blank: the class that stands for no label (default 0).
        reduction: "mean" over the samples of the loss a label, "sum", or "none" (default "mean").
        zero_infinity: whether samples with too few steps for their labels count 0 in place of infinity (default False).

    Shapes: log_probs (T, N, C), targets (N, L) or all labels in one row, input_lengths and target_lengths (N) -> (), or
    (N) with reduction "none"; for one sample log_probs (T, C), targets (L), lengths (). Unit: nats.

    Raises:
        UsageError: reduction is none of these; when called, blank is no class.
        ShapeError: when called, the shapes do not fit.
        DataError: when called, a length is out of range, or a label is no class or the blank.

    Source: Graves, Fernandez, Gomez and Schmidhuber 2006, "Connectionist temporal classification: labelling
    unsegmented sequence data with recurrent neural networks", ICML.
    """

    shown = ("blank", "reduction", "zero_infinity")

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.blank, self.zero_infinity = blank, zero_infinity

    def forward(
        self, log_probs: ArrayLike, targets: ArrayLike, input_lengths: ArrayLike, target_lengths: ArrayLike
    ) -> Tensor:
        """Shapes: log_probs (T, N, C), targets (N, L), lengths (N) -> (), or (N) with reduction "none"."""
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity
        )


class NLLLoss(WeightedLoss):
    """The negative log-likelihood: -x[target], for log-probabilities x such as those of `LogSoftmax`.

    Args:
        weight: how much each class counts, (C) (default None: all alike).
        ignore_index: targets equal to it are left out (default -100).
        reduction: "mean" over the elements, "sum", or "none" (default "mean").

    Shapes: x (N, C, ...) or (C), target class numbers (N, ...) or () -> (), or with reduction "none" as target.
    Unit: nats.

    Raises:
        UsageError: reduction is none of these.
        ShapeError: when called, the shapes do not fit.
        DataError: when called, a target is no class, or a weight is negative.
    """

    shown = ("ignore_index", "reduction")

    def __init__(self, weight: ArrayLike | None = None, *, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(weight, reduction=reduction)
        self.ignore_index = ignore_index

    def forward(self, x: ArrayLike, target: ArrayLike) -> Tensor:
        """Shapes: x (N, C, ...), target (N, ...) -> (), or with reduction "none" (N, ...)."""
        return F.nll_loss(x, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class KLDivLoss(Loss):
    """The Kullback-Leibler divergence of the target from exp(x): target * (log target - x), x being logarithms.

    Args:
        reduction: "mean" over the elements, "sum", "batchmean" (the sum over N: the divergence), or "none" (default
            "mean").
        log_target: whether the target is given by its logarithm (default False).

    Shapes: x, target equal, (N, ...) -> (), or x's with reduction "none". Unit: nats.

    Raises:
        UsageError: reduction is none of these.
        ShapeError: when called, the shapes differ.
        DataError: when called, a target is negative.

    Source: Kullback and Leibler 1951, "On information and sufficiency".
    """

    shown = ("reduction", "log_target")
    more_reductions = ("batchmean",)

    def __init__(self, *, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.log_target = log_target

    def forward(self, x: ArrayLike, target: ArrayLike) -> Tensor:
        """Shapes: x, target equal -> (), or x's with reduction "none"."""
        return F.kl_div(x, target, reduction=self.reduction, log_target=self.log_target)


class BCELoss(WeightedLoss):
    """The binary cross entropy of probabilities: -(target * log x + (1 - target) * log(1 - x)).

    Logarithms count as at least -100. Of scores, `BCEWithLogitsLoss` loses no digits.

    Args:
        weight: how much each element counts, in a shape that broadcasts to x (default None: all alike).
        reduction: "mean" over the elements, "sum", or "none" (default "mean").

    Shapes: x, target equal -> (), or x's with reduction "none". Unit: nats.

    Raises:
        UsageError: reduction is none of these.
        ShapeError: when called, the shapes differ.
        DataError: when called, x is no probability, or a weight is negative.
    """

    def forward(self, x: ArrayLike, target: ArrayLike) -> Tensor:
        """Shapes: x, target equal -> (), or x's with reduction "none"."""
        return F.binary_cross_entropy(x, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(WeightedLoss):
    """The binary cross entropy of sigmoid(x), computed without overflow.

        loss = pos_weight * target * softplus(-x) + (1 - target) * softplus(x)

    Args:
        weight: how much each element counts, in a shape that broadcasts to x (default None: all alike).
        reduction: "mean" over the elements, "sum", or "none" (default "mean").
        pos_weight: how much a target of 1 counts, in a shape that broadcasts to x (default None: as much as one of 0).

    Shapes: x, target equal -> (), or x's with reduction "none". Unit: nats.

    Raises:
        UsageError: reduction is none of these.
        ShapeError: when called, the shapes differ.
        DataError: when called, a weight is negative.
    """

    pos_weight: Tensor | None

    def __init__(
        self, weight: ArrayLike | None = None, *, reduction: str = "mean", pos_weight: ArrayLike | None = None
    ) -> None:
        super().__init__(weight, reduction=reduction)
        self.register_buffer("pos_weight", constant(pos_weight))

    def forward(self, x: ArrayLike, target: ArrayLike) -> Tensor:
        """Shapes: x, target equal -> (), or x's with reduction "none"."""
        return F.binary_cross_entropy_with_logits(
            x, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class MultiLabelSoftMarginLoss(WeightedLoss):
    """The mean over classes of `BCEWithLogitsLoss`: whether each class is there is a question of its own.

    Args:
        weight: how much each class counts, (C) (default None: all alike).
        reduction: "mean" over the samples, "sum", or "none" (default "mean").

    Shapes: x, target (N, C) or (C) -> (), or with reduction "none" (N) or (). Unit: nats.

    Raises:
        UsageError: reduction is none of these.
        ShapeError: when called, the shapes differ.
        DataError: when called, a weight is negative.
    """

    def forward(self, x: ArrayLike, target: ArrayLike) -> Tensor:
        """Shapes: x, target (N, C) or (C) -> (), or with reduction "none" (N) or ()."""
        return F.multilabel_soft_margin_loss(x, target, self.weight, reduction=self.reduction)


class SoftMarginLoss(Loss):
    """The logistic loss: log(1 + exp(-target * x)), for targets of 1 and -1.

    Args:
        reduction: "mean" over the elements, "sum", or "none" (default "mean").

    Shapes: x, target equal -> (), or x's with reduction "none". Unit: nats.

    Raises:
        UsageError: reduction is none of these.
        ShapeError: when called, the shapes differ.
        DataError: when called, a target is neither 1 nor -1.
    """

    def forward(self, x: ArrayLike, target: ArrayLike) -> Tensor:
        """Shapes: x, target equal -> (), or x's with reduction "none"."""
        return F.soft_margin_loss(x, target, reduction=self.reduction)

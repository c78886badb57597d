"""Losses of binary classification, of probabilities or, without loss of digits, of logits."""

from __future__ import annotations

from minigrad import ops
from minigrad.autograd.batched_array import physical
from minigrad.autograd.python_call import python_check
from minigrad.autograd.tensor import Tensor
from minigrad.errors import DataError
from minigrad.functional.reduction import check_same_shape, in_dtype_of, raw, reduced, signs, weighted
from minigrad.typing import Array, ArrayLike


def binary_cross_entropy(
    x: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None, *, reduction: str = "mean"
) -> Tensor:
    """-(target log x + (1 - target) log(1 - x)), for probabilities x. Unit: nats.

    Logarithms count as at least -100, so the loss is finite; the gradient (x - target) / (x (1 - x)) divides by at
    least 1e-12, so it is, too. `binary_cross_entropy_with_logits` of what went into the sigmoid needs neither.

    Args:
        x: probabilities, in [0, 1].
        target: the true answers, 0 or 1, or probabilities.
        weight: what each element counts for, of at least 0; 1 unless given.
        reduction: "mean" over the elements, "sum", or "none" (default "mean").

    Shapes: x, target equal; weight broadcasts to them -> () or, with reduction "none", x's shape.

    Raises:
        DataError: x is no probability; a negative weight.
        ShapeError: x and target differ in shape.
        UsageError: another reduction.

    >>> binary_cross_entropy(Tensor([0.5, 0.5]), [0.0, 1.0]).item()
    0.6931471824645996
    """
    check_same_shape("binary_cross_entropy", x=x, target=target)
    _refuse_no_probabilities(raw(x))
    loss = ops.binary_cross_entropy(x, in_dtype_of(x, target))
    return reduced(weighted("binary_cross_entropy", loss, weight), reduction)


@python_check
def _refuse_no_probabilities(x: Array) -> None:
    wrong = physical((x < 0) | (x > 1))
    if wrong.any():
        raise DataError(
            f"binary_cross_entropy: x must hold probabilities from 0 to 1, got {physical(x)[wrong].flat[0]}: "
            "for scores use binary_cross_entropy_with_logits"
        )


def binary_cross_entropy_with_logits(
    x: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    reduction: str = "mean",
    pos_weight: ArrayLike | None = None,
) -> Tensor:
    """target * softplus(-x) * pos_weight + (1 - target) * softplus(x): the binary cross entropy of sigmoid(x). Unit:
    nats.

    Args:
        x: logits.
        target: the true answers, 0 or 1, or probabilities.
        weight: what each element counts for, of at least 0; 1 unless given.
        reduction: "mean" over the elements, "sum", or "none" (default "mean").
        pos_weight: the factor of the term of a target of 1, of at least 0, one for each class, say; 1 unless given.

    Shapes: x, target equal; weight and pos_weight broadcast to them -> () or, with reduction "none", x's shape.

    Raises:
        DataError: a negative weight.
        ShapeError: x and target differ in shape.
        UsageError: another reduction.
    """
    name = "binary_cross_entropy_with_logits"
    check_same_shape(name, x=x, target=target)
    target = in_dtype_of(x, target)
    yes = weighted(name, ops.weighted(target, ops.logsigmoid(x)), pos_weight, "pos_weight")
    loss = -(yes + ops.weighted(ops.subtract(1, target), ops.logsigmoid(ops.negative(x))))
    return reduced(weighted(name, loss, weight), reduction)


def multilabel_soft_margin_loss(
    x: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None, *, reduction: str = "mean"
) -> Tensor:
    """The mean over classes c of target[c] * softplus(-x[c]) + (1 - target[c]) * softplus(x[c]): each class on its own.

    Args:
        x: logits, one for each class.
        target: 1 for each class that applies, else 0.
        weight: what each class counts for, of at least 0; 1 unless given.
        reduction: "mean" over the samples, "sum", or "none" (default "mean").

    Shapes: x, target (N, C) or (C), weight (C) -> () or, with reduction "none", (N) or ().

    Raises:
        DataError: a negative weight.
        ShapeError: x and target differ in shape.
        UsageError: another reduction.
    """
    loss = binary_cross_entropy_with_logits(x, target, weight, reduction="none")
    return reduced(ops.mean(loss, axis=-1), reduction)


def soft_margin_loss(x: ArrayLike, target: ArrayLike, *, reduction: str = "mean") -> Tensor:
    """log(1 + exp(-target * x)), for targets of 1 and -1.

    Args:
        x: scores.
        target: 1 or -1 for each.
        reduction: "mean" over the elements, "sum", or "none" (default "mean").

    Shapes: x, target equal -> () or, with reduction "none", x's shape.

    Raises:
        DataError: a target that is neither 1 nor -1.
        ShapeError: x and target differ in shape.
        UsageError: another reduction.
    """
    check_same_shape("soft_margin_loss", x=x, target=target)
    return reduced(-ops.logsigmoid(ops.multiply(x, signs("soft_margin_loss", x, target))), reduction)

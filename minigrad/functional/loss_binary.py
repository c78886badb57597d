"""Losses of yes-or-no questions: of probabilities, or better of logits, which lose no digits."""

from __future__ import annotations

from typing import Any

from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import DataError
from minigrad.functional.reduction import check_same_shape, in_dtype_of, reduced, signs, values, weights


def binary_cross_entropy(x: Any, target: Any, weight: Any = None, *, reduction: str = "mean") -> Tensor:
    """-(target log x + (1 - target) log(1 - x)), for probabilities x. Unit: nats.

    Logarithms count as at least -100, so the loss is finite; the gradient (x - target) / (x (1 - x)) divides by at
    least 1e-12, so it is, too. `binary_cross_entropy_with_logits` of what went into the sigmoid needs neither.

    Shapes: x, target equal; weight broadcasts to them -> () or x's shape.

    Raises:
        ShapeError: x and target differ in shape.
        DataError: x is no probability; a negative weight.
    """
    check_same_shape("binary_cross_entropy", x=x, target=target)
    wrong = (values(x) < 0) | (values(x) > 1)
    if wrong.any():
        raise DataError(
            f"binary_cross_entropy: x must hold probabilities from 0 to 1, got {values(x)[wrong].flat[0]}: "
            "for scores use binary_cross_entropy_with_logits"
        )
    loss = ops.binary_cross_entropy(x, in_dtype_of(x, target))
    return reduced(loss if weight is None else loss * weights("binary_cross_entropy", x, weight), reduction)


def binary_cross_entropy_with_logits(
    x: Any, target: Any, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None
) -> Tensor:
    """The binary cross entropy of sigmoid(x): target * softplus(-x) * pos_weight + (1 - target) * softplus(x).

    Shapes: x, target equal; weight and pos_weight (one for each class, say) broadcast to them -> () or x's shape.

    Raises:
        ShapeError: x and target differ in shape.
        DataError: a negative weight.
    """
    name = "binary_cross_entropy_with_logits"
    check_same_shape(name, x=x, target=target)
    target = in_dtype_of(x, target)
    yes = ops.multiply(target, ops.logsigmoid(x))
    if pos_weight is not None:
        yes = yes * weights(name, x, pos_weight, "pos_weight")
    loss = -(yes + ops.multiply(ops.subtract(1, target), ops.logsigmoid(ops.negative(x))))
    return reduced(loss if weight is None else loss * weights(name, x, weight), reduction)


def multilabel_soft_margin_loss(x: Any, target: Any, weight: Any = None, *, reduction: str = "mean") -> Tensor:
    """The mean over classes of `binary_cross_entropy_with_logits`: each class a question of its own.

    Shapes: x, target (N, C) or (C), weight (C) -> () or, with reduction "none", (N) or ().
    """
    loss = binary_cross_entropy_with_logits(x, target, weight, reduction="none")
    return reduced(ops.mean(loss, axis=-1), reduction)


def soft_margin_loss(x: Any, target: Any, *, reduction: str = "mean") -> Tensor:
    """log(1 + exp(-target * x)), for targets of 1 and -1.

    Shapes: x, target equal -> () or x's shape.

    Raises:
        ShapeError: x and target differ in shape.
        DataError: a target that is neither 1 nor -1.
    """
    check_same_shape("soft_margin_loss", x=x, target=target)
    return reduced(-ops.logsigmoid(ops.multiply(x, signs("soft_margin_loss", x, target))), reduction)

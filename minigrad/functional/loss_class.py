"""Losses of classifiers that give a score, or a log-probability, for each class.

As everywhere among the losses, what stands behind PyTorch's deprecated `size_average` is keyword-only.
"""

from __future__ import annotations

from typing import Any

from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import DataError, ShapeError, UsageError
from minigrad.functional.class_targets import Labels, classes_axis, rows
from minigrad.functional.reduction import (
    check_reduction,
    check_same_shape,
    quotient,
    reduced,
    values,
    weights,
)
from minigrad.shapes import shape_of


def cross_entropy(
    x: Any,
    target: Any,
    weight: Any = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-log softmax(x)[target]: the loss of a classifier that gives one score a class. Unit: nats.

    The target holds class numbers, or class probabilities p in the shape of x: then it is -sum_c p_c log softmax(x)_c.
    Label smoothing s moves a share s of the target to all classes evenly: (1 - s) * target + s / C.
    Each class's term is multiplied by its weight, and the mean is that weighted with the weights of the targets (of
    class probabilities: the plain one). Class numbers equal to `ignore_index` count as little as if they were absent.

    Shapes: x (N, C), (C) or (N, C, ...) scores; target (N), () or (N, ...) class numbers, or x's shape; weight (C)
    -> () or, with reduction "none", (N), () or (N, ...). The mean over nothing is NaN.

    Raises:
        ShapeError, DTypeError: target or weight do not fit x.
        DataError: a class that does not exist; a negative weight.
        UsageError: label_smoothing outside of [0, 1].

    Source: label smoothing is of Szegedy et al. 2015, arXiv:1512.00567.
    """
    if not 0 <= label_smoothing <= 1:
        raise UsageError(f"cross_entropy: label_smoothing must lie in [0, 1], got {label_smoothing}")
    if values(target).dtype.kind == "f" and shape_of(target) == shape_of(x) != ():
        return _cross_entropy_of_probabilities(x, target, weight, reduction, label_smoothing)
    labels = Labels.of("cross_entropy", x, target, weight, ignore_index)
    if label_smoothing == 0:
        return labels.reduced(labels.weighted(ops.softmax_cross_entropy(rows(x), labels.classes)), reduction)
    table = ops.log_softmax(rows(x), axis=1)
    others = table if labels.weight is None else table * labels.weight
    even = ops.sum(others * (label_smoothing / table.shape[1]), axis=1)
    true = labels.weighted(labels.chosen(table)) * (1 - label_smoothing)
    return labels.reduced(-(true + even), reduction)


def _cross_entropy_of_probabilities(x: Any, target: Any, weight: Any, reduction: str, smoothing: float) -> Tensor:
    shape = shape_of(x)
    axis = classes_axis(shape)
    if smoothing:
        target = ops.multiply(target, 1 - smoothing) + smoothing / shape[axis]
    terms = ops.log_softmax(x, axis=axis) * target
    if weight is not None:
        if shape_of(weight) != (shape[axis],):
            raise ShapeError(
                f"cross_entropy: weight has shape {shape_of(weight)}, but x {shape} has {shape[axis]} classes: "
                f"expected ({shape[axis]},), a weight for each class"
            )
        across = (-1, *[1] * (len(shape) - axis - 1))
        terms = terms * ops.reshape(weights("cross_entropy", x, weight), shape=across)
    return reduced(-ops.sum(terms, axis=axis), reduction)


def nll_loss(x: Any, target: Any, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean") -> Tensor:
    """-x[target], for x of log-probabilities, such as those of `log_softmax`.

    Shapes, weights, ignored targets and errors are those of `cross_entropy` with class numbers.
    """
    labels = Labels.of("nll_loss", x, target, weight, ignore_index)
    return labels.reduced(labels.weighted(-labels.chosen(rows(x))), reduction)


def kl_div(x: Any, target: Any, *, reduction: str = "mean", log_target: bool = False) -> Tensor:
    """target * (log target - x): the divergence of the target from a distribution whose logarithm is x. Unit: nats.

    With `log_target` the target is given by its logarithm, too. The mean is that over all elements; "batchmean", the
    sum divided by N, is the divergence itself. A target of 0 gives 0, and no gradient but x's own, 0.

    Shapes: x (N, ...), target x's shape -> () or x's shape.

    Raises:
        ShapeError: x and target differ in shape.
        DataError: a negative target.
    """
    check_reduction(reduction, "batchmean")
    check_same_shape("kl_div", x=x, target=target)
    if log_target:
        loss = ops.exp(target) * ops.subtract(target, x)
    else:
        if (values(target) < 0).any():
            raise DataError("kl_div: target holds negative numbers: give probabilities, or logarithms and log_target")
        is_zero = values(target) == 0
        loss = ops.multiply(target, ops.log(ops.where(is_zero, 1, target))) - ops.multiply(target, x)
    if reduction == "batchmean":
        shape = shape_of(x)
        return quotient(ops.sum(loss), shape[0] if shape else 1)
    return reduced(loss, reduction)

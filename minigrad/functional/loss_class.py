"""Losses of classification, of a score or a log-probability for each class.

(PyTorch's deprecated `size_average` and `reduce` do not exist; what stands behind them there is keyword-only here.)
"""

from __future__ import annotations

from minigrad import ops
from minigrad.autograd.batched_array import any_true
from minigrad.autograd.python_call import python_check
from minigrad.autograd.tensor import Tensor
from minigrad.errors import DataError, ShapeError, UsageError
from minigrad.functional.class_targets import ClassTargets, classes_axis, rows
from minigrad.functional.reduction import (
    check_reduction,
    check_same_shape,
    in_dtype_of,
    quotient,
    raw,
    reduced,
    values,
    weights,
)
from minigrad.shapes import shape_of
from minigrad.typing import Array, ArrayLike


def cross_entropy(
    x: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-log softmax(x)[target]: the loss of a classifier that gives one score a class. Unit: nats.

    For a target of class probabilities p it is -sum_c p_c log softmax(x)_c. Label smoothing s moves a share s of the
    target to all classes evenly: (1 - s) * target + s / C. Each class's term is multiplied by its weight, and the mean
    is weighted with the weights of the targets (of class probabilities: the plain one). The mean over nothing is NaN.

    Args:
        x: scores, one for each class.
        target: class numbers, or class probabilities in the shape of x.
        weight: what each class counts for, of at least 0; 1 unless given.
        ignore_index: the class number of targets that count as little as if they were absent (default -100).
        reduction: "mean" over the targets, "sum", or "none" (default "mean").
        label_smoothing: the share s, in [0, 1] (default 0.0).

    Shapes: x (N, C), (C) or (N, C, ...); target (N), () or (N, ...), or x's shape; weight (C) -> () or, with reduction
    "none", (N), () or (N, ...).

    Raises:
        DataError: a class that does not exist; a negative weight.
        DTypeError: class numbers that are not integers.
        ShapeError: target or weight do not fit x.
        UsageError: label_smoothing outside of [0, 1]; another reduction.

    Source: label smoothing is of Szegedy et al. 2015, arXiv:1512.00567.

    >>> cross_entropy(Tensor([[0.0, 0.0], [0.0, 0.0]]), [0, 1]).item()  # two even chances: log 2
    0.6931471824645996
    """
    if not 0 <= label_smoothing <= 1:
        raise UsageError(f"cross_entropy: label_smoothing must lie in [0, 1], got {label_smoothing}")
    if raw(target).dtype.kind == "f" and shape_of(target) == shape_of(x) != ():
        return _cross_entropy_of_probabilities(x, target, weight, reduction, label_smoothing)
    targets = ClassTargets.of("cross_entropy", x, target, weight, ignore_index)
    if label_smoothing == 0:
        return targets.reduced(targets.weighted(ops.softmax_cross_entropy(rows(x), targets.classes)), reduction)
    table = ops.log_softmax(rows(x), axis=1)
    others = table if targets.weight is None else ops.weighted(targets.weight, table)
    even = ops.sum(others * (label_smoothing / table.shape[1]), axis=1)
    true = ops.weighted(1 - label_smoothing, targets.weighted(targets.chosen(table)))
    return targets.reduced(-(true + even), reduction)


def _cross_entropy_of_probabilities(
    x: ArrayLike, target: ArrayLike, weight: ArrayLike | None, reduction: str, smoothing: float
) -> Tensor:
    shape = shape_of(x)
    axis = classes_axis(shape)
    if smoothing:
        target = ops.multiply(target, 1 - smoothing) + smoothing / shape[axis]
    terms = ops.weighted(target, ops.log_softmax(x, axis=axis))
    if weight is not None:
        if shape_of(weight) != (shape[axis],):
            raise ShapeError(
                f"cross_entropy: weight has shape {shape_of(weight)}, but x {shape} has {shape[axis]} classes: "
                f"expected ({shape[axis]},), a weight for each class"
            )
        across = (-1, *[1] * (len(shape) - axis - 1))
        terms = ops.weighted(ops.reshape(weights("cross_entropy", x, weight), shape=across), terms)
    return reduced(-ops.sum(terms, axis=axis), reduction)


def nll_loss(
    x: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """-x[target], for x of log-probabilities, such as those of `log_softmax`. Unit: nats.

    Each target's term is multiplied by the weight of its class, and the mean is weighted with these. The mean over
    nothing is NaN.

    Args:
        x: log-probabilities, one for each class.
        target: class numbers.
        weight: what each class counts for, of at least 0; 1 unless given.
        ignore_index: the class number of targets that count as little as if they were absent (default -100).
        reduction: "mean" over the targets, "sum", or "none" (default "mean").

    Shapes: x (N, C), (C) or (N, C, ...); target (N), () or (N, ...); weight (C) -> () or, with reduction "none",
    target's shape.

    Raises:
        DataError: a class that does not exist; a negative weight.
        DTypeError: class numbers that are not integers.
        ShapeError: target or weight do not fit x.
        UsageError: another reduction.
    """
    targets = ClassTargets.of("nll_loss", x, target, weight, ignore_index)
    return targets.reduced(targets.weighted(-targets.chosen(rows(x))), reduction)


@python_check
def _refuse_negative(target: Array) -> None:
    if any_true(target < 0):
        raise DataError("kl_div: target holds negative numbers: give probabilities, or logarithms and log_target")


def kl_div(x: ArrayLike, target: ArrayLike, *, reduction: str = "mean", log_target: bool = False) -> Tensor:
    """target * (log target - x): the divergence of the target from a distribution whose logarithm is x. Unit: nats.

    A target of 0 gives 0, and no gradient but x's own, 0.

    Args:
        x: log-probabilities.
        target: probabilities.
        reduction: "mean" over all elements, "batchmean", the sum divided by N, which is the divergence itself, "sum",
            or "none" (default "mean").
        log_target: whether the target is given by its logarithm, too (default False).

    Shapes: x (N, ...), target x's shape -> () or, with reduction "none", x's shape.

    Raises:
        DataError: a negative target.
        ShapeError: x and target differ in shape.
        UsageError: another reduction.

    Source: Kullback and Leibler 1951, "On information and sufficiency".
    """
    check_reduction(reduction, "batchmean")
    check_same_shape("kl_div", x=x, target=target)
    target = in_dtype_of(x, target)
    if log_target:
        p = ops.exp(target)
        loss = p * ops.where(values(p) == 0, 0, ops.subtract(target, x))
    else:
        _refuse_negative(raw(target))
        is_zero = values(target) == 0
        loss = ops.multiply(target, ops.log(ops.where(is_zero, 1, target))) - ops.weighted(target, x)
    if reduction == "batchmean":
        shape = shape_of(x)
        return quotient(ops.sum(loss), shape[0] if shape else 1)
    return reduced(loss, reduction)

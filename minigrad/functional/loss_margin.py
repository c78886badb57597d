"""Margin losses: 0 where the true answer is ahead of the others by the margin.

At the margin itself the gradient is PyTorch's: 0 in the losses of several classes, that of the side with a loss in the
others. Targets of 1 and -1 are checked, where PyTorch would give some number for others.
"""

from __future__ import annotations

import math

import numpy as np

from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError, UsageError
from minigrad.functional.class_targets import ClassTargets, rows
from minigrad.functional.cosine import limit_direction
from minigrad.functional.reduction import check_same_shape, dtype_of, reduced, signs, values
from minigrad.kernels.array_utils import least_divisor
from minigrad.shapes import shape_of
from minigrad.typing import ArrayLike


def hinge_embedding_loss(x: ArrayLike, target: ArrayLike, margin: float = 1.0, *, reduction: str = "mean") -> Tensor:
    """x where the target is 1, max(0, margin - x) where it is -1: x is a distance, of pairs alike or not.

    The target only chooses between the two, and so gets no gradient (its `grad` stays None, as in PyTorch).

    Args:
        x: distances.
        target: 1 for a pair that is alike, else -1.
        margin: how far apart pairs that are not alike should be (default 1.0).
        reduction: "mean" over the elements, "sum", or "none" (default "mean").

    Shapes: x, target equal -> () or, with reduction "none", x's shape.

    Raises:
        DataError: a target that is neither 1 nor -1.
        ShapeError: shapes differ.
        UsageError: another reduction.
    """
    check_same_shape("hinge_embedding_loss", x=x, target=target)
    alike = values(signs("hinge_embedding_loss", x, target)) == 1
    return reduced(ops.where(alike, x, ops.maximum(ops.subtract(margin, x), 0)), reduction)


def margin_ranking_loss(
    x1: ArrayLike, x2: ArrayLike, target: ArrayLike, margin: float = 0.0, *, reduction: str = "mean"
) -> Tensor:
    """max(0, margin - target * (x1 - x2)): x1 should be the greater where the target is 1, x2 where it is -1.

    Args:
        x1: scores.
        x2: scores to compare with.
        target: 1 where x1 should be the greater, else -1.
        margin: by how much (default 0.0).
        reduction: "mean" over the elements, "sum", or "none" (default "mean").

    Shapes: x1, x2, target equal -> () or, with reduction "none", their shape.

    Raises:
        DataError: a target that is neither 1 nor -1.
        ShapeError: shapes differ.
        UsageError: another reduction.
    """
    check_same_shape("margin_ranking_loss", x1=x1, x2=x2, target=target)
    ahead = ops.subtract(x1, x2) * signs("margin_ranking_loss", x1, target)
    return reduced(ops.maximum(margin - ahead, 0), reduction)


def cosine_embedding_loss(
    x1: ArrayLike, x2: ArrayLike, target: ArrayLike, margin: float = 0.0, *, reduction: str = "mean"
) -> Tensor:
    """1 - cos(x1, x2) where the target is 1, max(0, cos(x1, x2) - margin) where it is -1.

    The squared lengths have 1e-12 added (in half precision 6e-5), so that a vector of zeros has cosine 0. The target
    only chooses, and so gets no gradient (its `grad` stays None).

    Args:
        x1: vectors.
        x2: vectors to compare with.
        target: 1 for a pair that is alike, else -1.
        margin: the largest cosine without a loss of pairs that are not alike (default 0.0).
        reduction: "mean" over the pairs, "sum", or "none" (default "mean").

    Shapes: x1, x2 (N, D) or (D), target (N) or () -> () or, with reduction "none", target's shape.

    Raises:
        DataError: a target that is neither 1 nor -1.
        ShapeError: shapes do not fit.
        UsageError: another reduction.
    """
    check_same_shape("cosine_embedding_loss", x1=x1, x2=x2)
    shape = shape_of(x1)
    if len(shape) not in (1, 2) or shape_of(target) != shape[:-1]:
        raise ShapeError(
            f"cosine_embedding_loss: x1 and x2 have shape {shape}, target {shape_of(target)}: "
            "expected (N, D) and (N), or (D) and ()"
        )
    alike = values(signs("cosine_embedding_loss", x1, target)) == 1
    cosine = ops.sum(_unit(x1) * _unit(x2), axis=-1)
    return reduced(ops.where(alike, 1 - cosine, ops.maximum(cosine - margin, 0)), reduction)


def _unit(x: ArrayLike) -> Tensor:
    """x / sqrt(|x|^2 + 1e-12), in units of its largest element where that is above 1, so that no square overflows."""
    x = limit_direction(x, -1)
    scale = np.max(np.abs(values(x)), axis=-1, keepdims=True, initial=1).astype(dtype_of(x), copy=False)
    x = ops.divide(x, scale)
    least = (math.sqrt(least_divisor(1e-12, scale.dtype)) / scale) ** 2
    return x / ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True) + least)


def triplet_margin_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    *,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin + |anchor - positive| - |anchor - negative|), in the p-norm of the difference plus eps.

    It is NaN where the anchor is infinite, and with it both distances.

    Args:
        anchor: vectors.
        positive: vectors that should be near.
        negative: vectors that should be farther away.
        margin: by how much, above 0 (default 1.0).
        p: the order of the norm (default 2.0).
        eps: what is added to each difference (default 1e-6).
        swap: whether the negative is measured from the positive where that is nearer; at a tie the anchor counts
            (default False).
        reduction: "mean" over the triplets, "sum", or "none" (default "mean").

    Shapes: anchor, positive, negative (..., D) -> () or, with reduction "none", (...).

    Raises:
        ShapeError: shapes differ.
        UsageError: the margin is not positive; another reduction.

    Source: Balntas et al. 2016, "Learning local feature descriptors with triplets and shallow convolutional networks".
    """
    if not margin > 0:
        raise UsageError(f"triplet_margin_loss: the margin must be positive, got {margin}")
    check_same_shape("triplet_margin_loss", anchor=anchor, positive=positive, negative=negative)

    def distance(x: ArrayLike, y: ArrayLike) -> Tensor:
        return ops.vector_norm(ops.subtract(x, y) + eps, axis=-1, ord=p)

    far = distance(anchor, negative)
    if swap:
        far = ops.minimum(far, distance(positive, negative))
    return reduced(ops.maximum(distance(anchor, positive) - far + margin, 0), reduction)


def multi_margin_loss(
    x: ArrayLike,
    target: ArrayLike,
    p: int = 1,
    margin: float = 1.0,
    weight: ArrayLike | None = None,
    *,
    reduction: str = "mean",
) -> Tensor:
    """sum over j != t of weight[t] * max(0, margin - x[t] + x[j])^p, divided by the number of classes C.

    Args:
        x: scores, one for each class.
        target: class numbers t.
        p: 1 or 2 (default 1).
        margin: by how much x[t] should be ahead (default 1.0).
        weight: what each class counts for, of at least 0; 1 unless given.
        reduction: "mean" over the targets, "sum", or "none" (default "mean").

    Shapes: x (N, C) or (C), target (N) or (), weight (C) -> () or, with reduction "none", target's shape.

    Raises:
        DataError: a class that does not exist; a negative weight.
        DTypeError: class numbers that are not integers.
        ShapeError: target or weight do not fit x.
        UsageError: p is neither 1 nor 2; another reduction.

    Source: Crammer and Singer 2001, "On the algorithmic implementation of multiclass kernel-based vector machines".
    """
    if p not in (1, 2):
        raise UsageError(f"multi_margin_loss: p is 1 or 2, not {p}")
    targets = _targets("multi_margin_loss", x, target, weight)
    excess = _excess(x, targets, margin)
    loss = ops.mean(excess if p == 1 else ops.square(excess), axis=1)
    return reduced(ops.reshape(targets.weighted(loss), shape=targets.shape), reduction)


def multi_class_svm_loss(x: ArrayLike, target: ArrayLike, margin: float = 1.0, *, reduction: str = "mean") -> Tensor:
    """sum over j != t of max(0, x[j] - x[t] + margin): `multi_margin_loss` without the division by C.

    Args:
        x: scores, one for each class.
        target: class numbers t.
        margin: by how much x[t] should be ahead (default 1.0).
        reduction: "mean" over the targets, "sum", or "none" (default "mean").

    Shapes: x (N, C) or (C), target (N) or () -> () or, with reduction "none", target's shape.

    Raises:
        DataError: a class that does not exist.
        DTypeError: class numbers that are not integers.
        ShapeError: the target does not fit x.
        UsageError: another reduction.

    Source: Weston and Watkins 1999, "Support vector machines for multi-class pattern recognition".

    >>> multi_class_svm_loss(Tensor([[3.0, 5.0, -2.0]]), [0]).item()
    3.0
    """
    targets = _targets("multi_class_svm_loss", x, target, None)
    return reduced(ops.reshape(ops.sum(_excess(x, targets, margin), axis=1), shape=targets.shape), reduction)


def _targets(name: str, x: ArrayLike, target: ArrayLike, weight: ArrayLike | None) -> ClassTargets:
    if len(shape_of(x)) not in (1, 2):
        raise ShapeError(f"{name}: x has shape {shape_of(x)}: expected scores (N, C) or (C)")
    return ClassTargets.of(name, x, target, weight)


def _excess(x: ArrayLike, targets: ClassTargets, margin: float) -> Tensor:
    """max(0, margin - x[t] + x[j]) for each row and class j; 0 for j = t."""
    table = rows(x)
    too_near = ops.relu(ops.subtract(table, ops.expand_dims(targets.chosen(table), axis=1)) + margin)
    is_target = np.arange(shape_of(table)[1]) == targets.classes[:, None]
    return ops.where(is_target, 0, too_near)

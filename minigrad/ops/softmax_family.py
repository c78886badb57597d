"""Softmax, its logarithm and its cross entropy: stable for any input, as the largest element is subtracted first.

At infinities they are limits: a class with -inf has probability 0, and the only one with inf has 1. Where there is no
limit (several with inf, or all with -inf) they are NaN.
"""

from __future__ import annotations

import numpy as np

from minigrad import kernels
from minigrad.autograd.batched_array import physical
from minigrad.autograd.registry import op
from minigrad.errors import DataError, DTypeError
from minigrad.ops.elementwise import exp, log, negative, subtract
from minigrad.ops.index import getitem
from minigrad.ops.reduce import max, sum
from minigrad.shapes import canonical_axis
from minigrad.typing import ArrayLike, Settings, Value


def _along(x: ArrayLike, *, axis: int = -1) -> Settings:
    return {"axis": canonical_axis(axis, getattr(x, "ndim", 0))}


def _softmax_by_exp(x: Value, *, axis: int) -> Value:
    e = exp(subtract(x, max(x, axis=axis, keepdims=True)) if x.shape[axis] else x)
    return e / sum(e, axis=axis, keepdims=True)


def _log_softmax_by_log(x: Value, *, axis: int) -> Value:
    return log(_softmax_by_exp(x, axis=axis))


@op(canonical=_along, reference=_softmax_by_exp, onnx="Softmax")
def softmax(x: Value, *, axis: int) -> Value:
    """out = exp(x) / sum of exp(x) along the axis. Shapes: any -> the same."""
    return kernels.softmax(x, axis=axis)


@softmax.vjp("x")
def _(g: Value, out: Value, *, axis: int) -> Value:
    weighted = g * out
    return weighted - out * sum(weighted, axis=axis, keepdims=True)


softmax.fast_vjp("x")(kernels.softmax_input)


@op(canonical=_along, reference=_log_softmax_by_log, onnx="LogSoftmax")
def log_softmax(x: Value, *, axis: int) -> Value:
    """out = x - log of the sum of exp(x) along the axis. Shapes: any -> the same."""
    return kernels.log_softmax(x, axis=axis)


@log_softmax.vjp("x")
def _(g: Value, out: Value, *, axis: int) -> Value:
    return g - exp(out) * sum(g, axis=axis, keepdims=True)


log_softmax.fast_vjp("x")(kernels.log_softmax_input)


def _cross_entropy_by_log_softmax(x: Value, target: Value) -> Value:
    chosen = getitem(log_softmax(x, axis=1), index=(np.arange(x.shape[0]), target))
    return negative(chosen)


@op(shapes="N D, N -> N", non_differentiable=("target",), residuals=("probability",),
    reference=_cross_entropy_by_log_softmax, onnx="SoftmaxCrossEntropyLoss")  # fmt: skip
def softmax_cross_entropy(x: Value, target: Value) -> Value:
    """out[n] = -log softmax(x[n])[target[n]]: the loss of a classifier, in nats.

    Args:
        x: scores, one for each class.
        target: class numbers.

    Shapes: x (N, C), target (N) -> (N).

    Raises:
        DataError: a class that does not exist.
        DTypeError: class numbers that are not integers.
    """
    check_classes(target, x.shape[1])
    return kernels.softmax_cross_entropy(x, target)


@softmax_cross_entropy.fast_vjp("x")
def _(g: Value, probability: Value, target: Value) -> Value:
    return kernels.softmax_cross_entropy_input(probability, g, target)


def check_classes(target: Value, count: int) -> None:
    """Refuse class numbers that are no integers from 0 to count - 1."""
    target = physical(target)
    if target.dtype.kind not in "iu":
        raise DTypeError(f"class numbers are integers, not {target.dtype}: use .astype(int)")
    unsigned = target.view(f"u{target.dtype.itemsize}")  # where what is below 0 is large
    if target.size and np.maximum.reduce(unsigned, axis=None) >= count:
        worst = np.unravel_index(int(np.argmax((target < 0) | (target >= count))), target.shape)
        place = f"target[{', '.join(map(str, worst))}]" if worst else "target"
        raise DataError(f"{place} is class {target[worst]}, but x has {count} classes (0 to {count - 1})")

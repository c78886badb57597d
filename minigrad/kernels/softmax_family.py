"""Softmax and its logarithm, and what they pull back: the largest element is subtracted first, so nothing overflows.

At infinities they are limits: what is -inf has probability 0, and the only inf has 1. Where there is no limit (several
that are inf, or all that are -inf) they are NaN.
"""

from functools import partial

import numpy as np

from minigrad.typing import Array

from .array_utils import accumulation_dtype
from .jit import with_compiled_variant

by_rows = partial(with_compiled_variant, smallest=1 << 11)
of_scores = partial(with_compiled_variant, smallest=1 << 9)


@by_rows
def softmax(x: Array, *, axis: int) -> Array:
    """exp(x) / sum of exp(x) along the axis."""
    _, e, total = exponentials(x, axis)
    e /= total
    return e


@by_rows
def log_softmax(x: Array, *, axis: int) -> Array:
    """x - log of the sum of exp(x) along the axis."""
    shifted, _, total = exponentials(x, axis)
    out: Array = shifted - np.log(total).astype(shifted.dtype, copy=False)
    return out


@by_rows
def softmax_input(g: Array, out: Array, *, axis: int) -> Array:
    """The vector-Jacobian product of `softmax`: out (g - sum of g out)."""
    weighted = g * out
    slope: Array = weighted - out * np.sum(weighted, axis=axis, keepdims=True)
    return slope


@by_rows
def log_softmax_input(g: Array, out: Array, *, axis: int) -> Array:
    """The vector-Jacobian product of `log_softmax`: g - exp(out) * sum of g."""
    slope: Array = g - np.exp(out) * np.sum(g, axis=axis, keepdims=True)
    return slope


@of_scores
def softmax_cross_entropy(x: Array, target: Array) -> tuple[Array, Array]:
    """For rows of scores x and classes that exist: -log softmax(x)[n, target[n]], and softmax(x)."""
    shifted, e, total = exponentials(x, 1)
    loss: Array = np.log(total[:, 0]).astype(e.dtype, copy=False) - shifted[np.arange(len(x)), target]
    e /= total
    return loss, e


@of_scores
def softmax_cross_entropy_input(probability: Array, g: Array, target: Array) -> Array:
    """The vector-Jacobian product of the loss: g (probability - 1 at the target)."""
    slope: Array = probability * g[:, None]
    slope[np.arange(len(g)), target] -= g
    return slope


def exponentials(x: Array, axis: int) -> tuple[Array, Array, Array]:
    """x minus its largest element, the exponential of that, and the sum of exponentials along the axis."""
    reduce = np.maximum.reduce if x.shape[axis] else np.add.reduce  # the largest of nothing may be anything
    largest = reduce(x, axis=axis, keepdims=True)
    with np.errstate(invalid="ignore"):
        shifted = x - largest
    infinite = np.isposinf(largest)
    if infinite.any():
        top = np.isposinf(x)
        shifted[top] = 0
        shifted[top & (top.sum(axis=axis, keepdims=True) > 1)] = np.nan
    e = np.exp(shifted)
    total = e.sum(axis=axis, keepdims=True, dtype=accumulation_dtype(e.dtype))
    total[infinite] = 1
    return shifted, e, total

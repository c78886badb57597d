"""What losses share: checks of shapes, weights and targets of 1 and -1, and the reduction to one number.

A mean over nothing (an empty batch, no target left) is NaN, as in PyTorch, and its gradients are NaN or empty.
"""

from __future__ import annotations

from math import nan
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.autograd.batched_array import any_true, is_batched, physical
from minigrad.autograd.python_call import python_check
from minigrad.autograd.tensor import Tensor
from minigrad.errors import DataError, ShapeError, UsageError
from minigrad.shapes import shape_of
from minigrad.typing import Array, ArrayLike, DType, Shape


def same_shape(name: str, x: ArrayLike, target: ArrayLike) -> Tensor:
    """x - target; a silent broadcast here would be a wrong loss."""
    check_same_shape(name, x=x, target=target)
    return ops.subtract(x, target)


def check_same_shape(name: str, **arrays: ArrayLike) -> None:
    """Refuse arrays of different shapes."""
    (first, x), *others = arrays.items()
    for other, y in others:
        if shape_of(x) != shape_of(y):
            raise ShapeError(
                f"{name}: {first} has shape {shape_of(x)} but {other} has {shape_of(y)}: reshape one of them"
            )


def values(x: ArrayLike) -> Any:
    """The array behind a Tensor, a list or an array; inside of `vmap` the BatchedArray that stands for one."""
    if is_batched(x):
        return x._data if isinstance(x, Tensor) else x
    return x.data if isinstance(x, Tensor) else np.asarray(x)


def raw(x: ArrayLike) -> Any:
    """The same for what only a `python_check` looks at."""
    return x._data if isinstance(x, Tensor) else values(x)


def dtype_of(x: ArrayLike) -> DType:
    """The dtype in which a loss of x is computed."""
    dtype: DType = raw(x).dtype
    return dtype if dtype.kind == "f" else np.dtype(np.float64)


def in_dtype_of(x: ArrayLike, y: ArrayLike) -> Tensor | Array:
    """y in the dtype of x, so that weights and signs do not change that of the result."""
    dtype = dtype_of(x)
    y = y if isinstance(y, Tensor) else values(y)
    return y if y.dtype == dtype else ops.astype(y, dtype=dtype)


def weights(name: str, x: ArrayLike, weight: ArrayLike, what: str = "weight") -> Tensor | Array:
    """Weights in the dtype of x.

    Raises:
        DataError: one is negative.
    """
    _refuse_negative(name, what, raw(weight))
    return in_dtype_of(x, weight)


@python_check
def _refuse_negative(name: str, what: str, array: Array) -> None:
    if any_true(array < 0):
        raise DataError(f"{name}: {what} must not be negative, got {physical(array).min()}")


def weighted(name: str, loss: Tensor, weight: ArrayLike | None, what: str = "weight") -> Tensor:
    """loss times its weights, if there are any; what has weight 0 counts nothing, though it be infinite.

    Raises:
        DataError: a weight is negative.
    """
    return loss if weight is None else ops.weighted(weights(name, loss, weight, what), loss)


def signs(name: str, x: ArrayLike, target: ArrayLike) -> Tensor | Array:
    """A target of 1 and -1, in the dtype of x; one that is a variable gets gradients.

    Raises:
        DataError: there is another number.
    """
    _refuse_no_signs(name, raw(target))
    return in_dtype_of(x, target)


@python_check
def _refuse_no_signs(name: str, array: Array) -> None:
    wrong = physical((array != 1) & (array != -1))
    if wrong.any():
        found = physical(array)[wrong].flat[0]
        raise DataError(f"{name}: target must hold 1 and -1, got {found}: of 0 and 1 make 2 * target - 1")


def check_reduction(reduction: str, *more: str) -> None:
    """Refuse a word that is no reduction."""
    if reduction not in ("mean", "sum", "none", *more):
        known = ", ".join(f'"{word}"' for word in ("mean", "sum", *more))
        raise UsageError(f'reduction is {known} or "none", not {reduction!r}')


def reduced(loss: Tensor, reduction: str, share: ArrayLike | None = None) -> Tensor:
    """The loss of each element joined to one number, or left as it is: "mean", "sum" or "none".

    Where elements count differently in the mean, `share` is what each counts for.
    """
    check_reduction(reduction)
    if reduction == "none":
        return loss
    if reduction == "mean" and share is None and loss.size:
        return ops.mean(loss)
    total = ops.sum(loss)
    if reduction == "sum":
        return total
    return ops.multiply(total, nan) if share is None else quotient(total, ops.sum(share))


def quotient(total: ArrayLike, count: ArrayLike) -> Tensor:
    """total / count; NaN, without a warning, for a count of 0."""
    if not _has_zero(raw(count)):
        return ops.divide(total, count)
    if not is_batched(raw(count)):
        return ops.multiply(total, nan)
    empty = values(count) == 0
    return ops.where(empty, ops.multiply(total, nan), ops.divide(total, ops.where(empty, 1, count)))


@python_check
def _has_zero(count: Array) -> bool:
    return any_true(count == 0)


def flat(x: Tensor, shape: Shape) -> Tensor:
    """x in another shape; nothing happens if it has that."""
    return x if shape_of(x) == shape else ops.reshape(x, shape=shape)

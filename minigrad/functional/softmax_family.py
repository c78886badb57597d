"""Softmax, its logarithm and softmin: scores as shares that sum to 1 along a dimension."""

from __future__ import annotations

from collections.abc import Callable

from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import UsageError
from minigrad.shapes import shape_of
from minigrad.typing import ArrayLike, DTypeLike


def softmax(x: ArrayLike, dim: int = -1, *, temperature: float = 1.0, dtype: DTypeLike | None = None) -> Tensor:
    """out = exp(x / temperature) / sum of it along `dim`: positive, and summing to 1.

    Args:
        x: scores.
        dim: the dimension along which the results sum to 1 (default -1: the last; without it PyTorch warns and takes
            one by the number of dimensions).
        temperature: above 1 it evens the results out, below 1 it sharpens them (default 1.0).
        dtype: to which x is converted first; unchanged unless given.

    Shapes: any -> the same; a single number () counts as a row of one.

    Raises:
        ShapeError: x has no such dimension.
        UsageError: the temperature is not positive.

    Source: Bridle 1990, "Training stochastic model recognition algorithms as networks can lead to maximum mutual
    information estimation of parameters".

    >>> softmax(Tensor([1.0, 1.0])).tolist(), softmax(Tensor([1.0, 2.0]), temperature=0.001).tolist()
    ([0.5, 0.5], [0.0, 1.0])
    """
    return _along(ops.softmax, _scaled("softmax", x, temperature, dtype), dim)


def softmin(x: ArrayLike, dim: int = -1, *, temperature: float = 1.0, dtype: DTypeLike | None = None) -> Tensor:
    """out = softmax(-x): the smallest element gets the largest share.

    Args:
        x: scores.
        dim: the dimension along which the results sum to 1 (default -1: the last).
        temperature: above 1 it evens the results out, below 1 it sharpens them (default 1.0).
        dtype: to which x is converted first; unchanged unless given.

    Shapes: any -> the same; a single number () counts as a row of one.

    Raises:
        ShapeError: x has no such dimension.
        UsageError: the temperature is not positive.
    """
    return _along(ops.softmax, ops.negative(_scaled("softmin", x, temperature, dtype)), dim)


def log_softmax(x: ArrayLike, dim: int = -1, *, temperature: float = 1.0, dtype: DTypeLike | None = None) -> Tensor:
    """out = log(softmax(x)), computed without overflow or loss of digits.

    Args:
        x: scores.
        dim: the dimension along which softmax sums to 1 (default -1: the last).
        temperature: above 1 it evens the results out, below 1 it sharpens them (default 1.0).
        dtype: to which x is converted first; unchanged unless given.

    Shapes: any -> the same; a single number () counts as a row of one.

    Raises:
        ShapeError: x has no such dimension.
        UsageError: the temperature is not positive.
    """
    return _along(ops.log_softmax, _scaled("log_softmax", x, temperature, dtype), dim)


def _along(op: Callable[..., Tensor], x: ArrayLike, dim: int) -> Tensor:
    """An op along a dimension; a number without any is a row of one, as in PyTorch."""
    if shape_of(x) == () and dim in (0, -1):
        return ops.squeeze(op(ops.expand_dims(x, axis=0), axis=0), axis=0)
    return op(x, axis=dim)


def _scaled(name: str, x: ArrayLike, temperature: float, dtype: DTypeLike | None) -> ArrayLike:
    if not temperature > 0:
        raise UsageError(
            f"{name}: the temperature must be positive, got {temperature}; near 0 it becomes argmax, so use that"
        )
    x = x if dtype is None else ops.astype(x, dtype=dtype)
    return x if temperature == 1 else ops.divide(x, float(temperature))

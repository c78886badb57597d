"""New Tensors, filled by a rule. They are constants of the default dtype unless asked otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from minigrad.autograd.tensor import Tensor, default_dtype, tensor, wrap
from minigrad.rng import default_rng
from minigrad.typing import Array

Shape = int | Sequence[int]


def _made(array: Array, dtype: DTypeLike | None, requires_grad: bool) -> Tensor:
    made = wrap(array.astype(dtype or default_dtype(), copy=False))
    made.requires_grad = requires_grad
    return made


def zeros(shape: Shape, dtype: DTypeLike | None = None, requires_grad: bool = False) -> Tensor:
    """Zeros."""
    return _made(np.zeros(shape, dtype or default_dtype()), dtype, requires_grad)


def ones(shape: Shape, dtype: DTypeLike | None = None, requires_grad: bool = False) -> Tensor:
    """Ones."""
    return _made(np.ones(shape, dtype or default_dtype()), dtype, requires_grad)


def full(shape: Shape, value: float, dtype: DTypeLike | None = None, requires_grad: bool = False) -> Tensor:
    """The same value everywhere."""
    return _made(np.full(shape, value, dtype or default_dtype()), dtype, requires_grad)


def eye(rows: int, columns: int | None = None, dtype: DTypeLike | None = None, *, k: int = 0) -> Tensor:
    """Ones on the diagonal (or the k-th above it), zeros elsewhere. Shape: (rows, columns), square by default."""
    return _made(np.eye(rows, columns, k), dtype, False)


def arange(start: float, stop: float | None = None, step: float = 1, dtype: DTypeLike | None = None) -> Tensor:
    """Numbers from start (0 if only one number is given) up to, and without, stop."""
    first, last = (0, start) if stop is None else (start, stop)
    return _made(np.arange(first, last, step), dtype, False)


def linspace(start: float, stop: float, num: int, dtype: DTypeLike | None = None, *, endpoint: bool = True) -> Tensor:
    """`num` evenly spaced numbers from start to stop, which is left out if `endpoint` is False."""
    return _made(np.linspace(start, stop, num, endpoint), dtype, False)


def asarray(data: Any, dtype: DTypeLike | None = None) -> Tensor:
    """`data` as a Tensor: a Tensor stays what it is, with its history; all else becomes a constant, as by `tensor`."""
    if isinstance(data, Tensor):
        return data if dtype is None else data.astype(dtype)
    return tensor(data, dtype)


def randn(
    *shape: int, rng: np.random.Generator | None = None, dtype: DTypeLike | None = None, requires_grad: bool = False
) -> Tensor:
    """Draws from the normal distribution with mean 0 and variance 1."""
    return _made(np.asarray((rng or default_rng()).standard_normal(shape)), dtype, requires_grad)


def rand(
    *shape: int, rng: np.random.Generator | None = None, dtype: DTypeLike | None = None, requires_grad: bool = False
) -> Tensor:
    """Uniform draws from [0, 1)."""
    return _made(np.asarray((rng or default_rng()).random(shape)), dtype, requires_grad)

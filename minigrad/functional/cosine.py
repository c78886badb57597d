"""Vectors of length 1, and the cosine of the angle between two vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad import ops
from minigrad.autograd.batched_array import any_true
from minigrad.autograd.complex_numbers import require_real
from minigrad.autograd.tensor import Tensor
from minigrad.functional.reduction import dtype_of, values
from minigrad.kernels.array_utils import least_divisor
from minigrad.shapes import shape_of
from minigrad.typing import ArrayLike


def normalize(x: ArrayLike, p: float = 2.0, dim: int | Sequence[int] = 1, eps: float = 1e-12) -> Tensor:
    """out = x / max(its p-norm along dim, eps): vectors of length 1; those shorter than eps are divided by eps.

    A vector with one infinite element points along it; with several it has no direction, and gives NaN.

    Args:
        x: numbers.
        p: the order of the norm (default 2.0).
        dim: the dimension, or dimensions, of a vector (default 1).
        eps: the smallest divisor, of at least 6e-5 in half precision (default 1e-12).

    Shapes: any -> the same.

    Raises:
        ShapeError: x has no such dimension.

    >>> normalize(Tensor([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    x = limit_direction(x, dim)
    length = ops.vector_norm(x, axis=dim, keepdims=True, ord=p)
    return ops.divide(x, ops.maximum(length, least_divisor(eps, dtype_of(x))))


def limit_direction(x: ArrayLike, dim: int | Sequence[int]) -> ArrayLike:
    """x, but vectors with infinite elements as the unit vectors that their directions approach."""
    if 0 in shape_of(x):
        return x
    array = values(x)
    infinite = np.isinf(array)
    if not any_true(infinite):
        return x
    count = infinite.sum(axis=dim if isinstance(dim, int) else tuple(dim), keepdims=True)
    limit = np.where(infinite, np.where(count == 1, np.copysign(1, array), np.nan), np.where(np.isnan(array), array, 0))
    return ops.where(count == 0, x, limit)


def cosine_similarity(x1: ArrayLike, x2: ArrayLike, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """out = sum of x1 * x2 along dim / (|x1| |x2|): the cosine of the angle between them. No length counts as less than
    eps.

    The gradient is that of this formula; PyTorch's, where a length is below eps, is as if it were not.

    Args:
        x1: vectors.
        x2: vectors.
        dim: the dimension of a vector, after broadcasting (default 1).
        eps: the smallest length, of at least 6e-5 in half precision (default 1e-8).

    Shapes: x1 and x2 (..., D, ...) that broadcast -> without D.

    Raises:
        DTypeError: complex vectors.
        ShapeError: x1 and x2 do not broadcast, or have no such dimension.
    """
    require_real("cosine_similarity", x1, x2)
    x1, x2 = ops.broadcast_arrays(x1, x2)
    return ops.sum(ops.multiply(normalize(x1, dim=dim, eps=eps), normalize(x2, dim=dim, eps=eps)), axis=dim)

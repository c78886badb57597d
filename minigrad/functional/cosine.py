"""Vectors by their direction: made of length 1, and compared."""

from __future__ import annotations

from typing import Any

from minigrad import ops
from minigrad.autograd.tensor import Tensor


def normalize(x: Any, p: float = 2.0, dim: Any = 1, eps: float = 1e-12) -> Tensor:
    """x / max(its p-norm along dim, eps): vectors of length 1; those shorter than eps are divided by eps.

    Shapes: any, kept.
    """
    length = ops.vector_norm(x, axis=dim, keepdims=True, ord=p)
    return ops.divide(x, ops.maximum(length, eps))


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between x1 and x2: their product along dim over both lengths, none taken below eps.

    The gradient is that of this formula; PyTorch's, where a length is below eps, is as if it were not.

    Shapes: x1 and x2 (..., D, ...) that broadcast -> without D.
    """
    x1, x2 = ops.broadcast_arrays(x1, x2)
    return ops.sum(ops.multiply(normalize(x1, dim=dim, eps=eps), normalize(x2, dim=dim, eps=eps)), axis=dim)

"""Normalization by the root of the mean square."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import DTypeError, ShapeError, UsageError
from minigrad.functional.common import tensor_or_array
from minigrad.shapes import shape_of
from minigrad.typing import ArrayLike


def rms_norm(
    x: ArrayLike, normalized_shape: int | Sequence[int], weight: ArrayLike | None = None, eps: float | None = None
) -> Tensor:
    """out = weight * x / sqrt(mean of x^2 + eps), with the mean over the last dimensions.

    Args:
        x: numbers.
        normalized_shape: the sizes of these dimensions, or the size of one.
        weight: the factor of each element of them; 1 unless given.
        eps: what is added to the mean, so that it is not 0 (default None: the distance of 1 to the next number of x's
            dtype, 1.2e-7 for float32).

    Shapes: x (..., *normalized_shape), weight (*normalized_shape) -> as x.

    Raises:
        DTypeError: x is not floating.
        ShapeError: x does not end with normalized_shape, or weight is not of that shape.
        UsageError: eps is negative.

    Source: Zhang and Sennrich 2019, "Root mean square layer normalization", arXiv:1910.07467.

    >>> rms_norm(Tensor([3.0, 4.0]), 2, eps=0.0).numpy().round(3).tolist()
    [0.8489999771118164, 1.13100004196167]
    """
    normalized = tuple(normalized_shape) if isinstance(normalized_shape, Sequence) else (normalized_shape,)
    shape = shape_of(x)
    if not normalized or shape[-len(normalized) :] != normalized:
        raise ShapeError(f"rms_norm: expected x (..., {', '.join(map(str, normalized))}), got shape {shape}")
    if weight is not None and shape_of(weight) != normalized:
        raise ShapeError(f"rms_norm: weight has shape {shape_of(weight)}, but must have {normalized}")
    x = tensor_or_array(x)
    if x.dtype.kind != "f":
        raise DTypeError(f"rms_norm: x is made of floating numbers, not {x.dtype}: use .astype('float32')")
    if eps is not None and eps < 0:
        raise UsageError(f"rms_norm: eps must be at least 0, got {eps}")
    axis = tuple(range(-len(normalized), 0))
    mean = ops.mean(ops.square(x), axis=axis, keepdims=True)
    out = ops.divide(x, ops.sqrt(mean + (float(np.finfo(x.dtype).eps) if eps is None else eps)))
    return out if weight is None else ops.multiply(out, weight)

"""All parameters as one vector, and back."""

from __future__ import annotations

import math
from collections.abc import Iterable

from minigrad.autograd.tensor import Tensor, as_array
from minigrad.errors import ShapeError, UsageError
from minigrad.ops import concat, reshape
from minigrad.typing import ArrayLike


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All numbers of the parameters one after the other, a differentiable function of them.

    Args:
        parameters: Tensors of any shapes, such as `model.parameters()`.

    Returns:
        A vector of as many elements as they have together.

    Raises:
        UsageError: there are no parameters.

    >>> from minigrad import nn
    >>> parameters_to_vector(nn.Linear(3, 2).parameters()).shape
    (8,)
    """
    return concat([reshape(p, shape=(p.size,)) for p in _tensors("parameters_to_vector", parameters)])


def vector_to_parameters(vec: ArrayLike, parameters: Iterable[Tensor]) -> None:
    """Give the parameters the numbers of a vector, in the order of `parameters_to_vector`.

    Args:
        vec: the numbers, a vector.
        parameters: Tensors of any shapes, such as `model.parameters()`; their dtypes stay.

    Raises:
        ShapeError: it is no vector, or has more or fewer elements than the parameters.
        UsageError: there are no parameters.
    """
    tensors, values = _tensors("vector_to_parameters", parameters), as_array(vec)
    count = sum(p.size for p in tensors)
    if values.shape != (count,):
        raise ShapeError(
            f"vector_to_parameters: these {len(tensors)} parameters need a vector of {count} numbers, "
            f"got shape {values.shape}"
        )
    at = 0
    for p in tensors:
        size = math.prod(p.shape)
        p.data = values[at : at + size].reshape(p.shape)
        at += size


def _tensors(name: str, parameters: Iterable[Tensor]) -> list[Tensor]:
    tensors = list(parameters)
    if not tensors:
        raise UsageError(f"{name}: no parameters were given (a generator is empty after its first use)")
    for p in tensors:
        if not isinstance(p, Tensor):
            raise UsageError(f"{name}: parameters are Tensors, such as of model.parameters(), not a {type(p).__name__}")
    return tensors

"""The types that signatures are written in: what kernels see, what users may pass, what rules see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

if TYPE_CHECKING:
    from minigrad.autograd.tensor import Tensor

__all__ = [
    "Array", "ArrayLike", "Axis", "DType", "DTypeLike", "Function", "Pair", "PairLike", "Settings", "Shape",
    "StateDict", "SupportsArray", "Value",
]  # fmt: skip

Array: TypeAlias = NDArray[Any]  # NumPy's types cannot say "any one floating dtype, the same in as out"
"""A NumPy array: what kernels and forward functions see."""


class SupportsArray(Protocol):
    """What can give its values as a NumPy array."""

    def __array__(self) -> Array:
        """The values."""
        ...


ArrayLike: TypeAlias = "Tensor | SupportsArray | float | Sequence[Any]"  # lists nest to any depth
"""What users may pass where a Tensor is wanted: a Tensor, an array, a number, or nested lists of numbers."""

Value: TypeAlias = Any  # types cannot say "an array if arrays came in, a Tensor if Tensors did"
"""What rules see: an array in a backward pass of first order, a Tensor in one that is itself recorded."""

PairLike: TypeAlias = "int | Sequence[int]"
"""One number for rows and columns alike, or one for each."""

DType: TypeAlias = "np.dtype[Any]"  # as for arrays
"""The dtype of an array."""

Shape: TypeAlias = tuple[int, ...]
"""The sizes of an array, a number for each dimension."""

Pair: TypeAlias = tuple[int, int]
"""A setting of an image op in canonical form: for height and for width."""

Axis: TypeAlias = "int | Sequence[int] | None"
"""One dimension, several, or all of them (None)."""

Function: TypeAlias = Callable[..., Any]  # what users differentiate may take and give anything
"""A function of the user's."""

Settings: TypeAlias = dict[str, Any]  # a stride is a pair of integers, a mode a text, a threshold a number
"""The keyword settings of one call of an op, by name."""

StateDict: TypeAlias = dict[str, Any]  # what a state holds is known to its owner alone
"""What `state_dict` methods return: numbers, texts and arrays, and lists and dicts of them."""

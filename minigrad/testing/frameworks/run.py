"""`Run`: one run of a function, of whatever framework, to be pulled back through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from minigrad.typing import Array

ArrayTuple: TypeAlias = tuple[Array, ...]
Pull: TypeAlias = Callable[[Sequence[Any]], Sequence[Any]]
"""From a cotangent of each floating result to the gradient of each differentiated argument."""


@dataclass(frozen=True)
class Run:
    """One run of a function, to be pulled back through any number of times.

    Attributes:
        values: the results, as arrays.
        pull: from a cotangent for each result (those of integers do not count) to the gradient of each differentiated
            argument, all as arrays.
    """

    values: ArrayTuple
    pull: Callable[[Sequence[Array]], ArrayTuple]


def as_tuple(result: Any) -> tuple[Any, ...]:
    """The results of a function, one or several, as a tuple."""
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)


def in_dtype_of(value: Array, g: Array) -> Array:
    """A cotangent in the dtype of the result that it belongs to."""
    dtype = value.dtype if value.dtype.kind == "f" else np.dtype(np.float64)
    return np.asarray(g, dtype)

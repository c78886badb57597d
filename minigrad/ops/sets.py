"""Sets: the different elements of an array, and membership. The values are differentiable: they are elements of x."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minigrad.autograd.tensor import Tensor, as_array, wrap
from minigrad.ops.index import getitem
from minigrad.ops.shape import reshape
from minigrad.typing import Value


class UniqueAll(NamedTuple):
    """What `unique_all` gives."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    """What `unique_counts` gives."""

    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    """What `unique_inverse` gives."""

    values: Tensor
    inverse_indices: Tensor


def unique_all(x: Value) -> UniqueAll:
    """The different elements, rising, where they are and how many there are of each; each NaN is different.

    Args:
        x: numbers.

    Returns:
        values; indices, where each stands first in the flattened x; inverse_indices, where each element of x stands
        among the values; counts.

    Shapes: any -> values, indices and counts (how many differ), inverse_indices as x.
    """
    found = np.unique_all(as_array(x))
    values = getitem(reshape(x, shape=(-1,)), index=found.indices)
    return UniqueAll(values, wrap(found.indices), wrap(found.inverse_indices), wrap(found.counts))


def unique_counts(x: Value) -> UniqueCounts:
    """The different elements, rising, and how many there are of each; each NaN is different.

    Args:
        x: numbers.

    Shapes: any -> values and counts (how many differ).
    """
    found = unique_all(x)
    return UniqueCounts(found.values, found.counts)


def unique_inverse(x: Value) -> UniqueInverse:
    """The different elements, rising, and where each element of x stands among them; each NaN is different.

    Args:
        x: numbers.

    Shapes: any -> values (how many differ), inverse_indices as x.
    """
    found = unique_all(x)
    return UniqueInverse(found.values, found.inverse_indices)


def unique_values(x: Value) -> Tensor:
    """The different elements, rising; each NaN is different. A gradient goes to the first of equal elements.

    Args:
        x: numbers.

    Shapes: any -> (how many differ).
    """
    return unique_all(x).values


def isin(x: Value, y: Value, *, invert: bool = False) -> Tensor:
    """Whether each element of x is one of y's, without a gradient.

    Args:
        x: numbers.
        y: the numbers to look for.
        invert: whether the answer is the opposite (default False).

    Shapes: x (...), y any -> (...).
    """
    return wrap(np.isin(as_array(x), as_array(y), invert=invert))

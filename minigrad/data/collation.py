"""Collation: single samples are stacked to a batch."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.autograd.tensor import Tensor, default_dtype
from minigrad.errors import DataError
from minigrad.typing import Array

Arrays = tuple[Array, ...]
"""What a batch is made of: arrays of one common first length, the input first."""


def collate(samples: Sequence[Any], numbers: Sequence[int] | None = None) -> Arrays:
    """Stack samples: out[k][n] is part k of sample n.

    Args:
        samples: each an array, a Tensor or a number, or a tuple of them; at least one. Python's floats, alone or in
            lists, become the default dtype; arrays keep theirs.
        numbers: the samples' numbers in their dataset, for messages (default None: 0, 1, ...).

    Returns:
        As many arrays as a sample has parts, each with a first axis of len(samples).

    Raises:
        DataError: the samples differ in shape or number of parts, or hold something that is no number.

    >>> collate([(np.zeros(2), 7), (np.ones(2), 8)])
    (array([[0., 0.],
           [1., 1.]]), array([7, 8]))
    """
    numbers = range(len(samples)) if numbers is None else numbers
    rows = [_parts(sample, number) for sample, number in zip(samples, numbers, strict=True)]
    for row, number in zip(rows, numbers, strict=True):
        expected, got = ([part.shape for part in parts] for parts in (rows[0], row))
        if expected != got:
            raise DataError(
                f"collate: the samples of a batch must have the same shapes, got {_shapes(expected)} in sample "
                f"{numbers[0]} and {_shapes(got)} in sample {number}. Crop or pad them to one size in __getitem__."
            )
    return tuple(np.stack(column) for column in zip(*rows, strict=True))


def _parts(sample: object, number: int) -> list[Array]:
    if isinstance(sample, (tuple, list)):
        return [_as_array(part, number) for part in sample]
    return [_as_array(sample, number)]


def _as_array(part: object, number: int) -> Array:
    if isinstance(part, Tensor):
        return np.asarray(part.data)
    try:
        array = np.asarray(part)
    except ValueError:  # a list of lists of different lengths
        array = np.asarray(None)
    if array.dtype.kind not in "biufc":
        raise DataError(
            f"collate: a sample must be an array or a number, or a tuple of them, got {type(part).__name__} in sample "
            f"{number}. Return (input, target) from __getitem__."
        )
    if array.dtype == np.float64 and not isinstance(part, (np.ndarray, np.generic)):
        return array.astype(default_dtype())
    return array


def _shapes(shapes: Sequence[tuple[int, ...]]) -> str:
    return " and ".join(map(str, shapes)) or "nothing"

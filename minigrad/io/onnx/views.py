"""Weights that are used in another shape: what is only reshaped or transposed stays the weight, under its name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from minigrad.typing import Array

Weight: TypeAlias = tuple[str, Array]
"""A name and an array."""


@dataclass(frozen=True)
class View:
    """All of a weight in another shape: with its axes in another order, or where `axes` is None reshaped."""

    weight: Weight
    axes: tuple[int, ...] | None


def of_weight(array: Array, weights: Iterable[Weight]) -> View | None:
    """The weight whose memory an array is a view of, if it has all of its elements, reshaped or transposed.

    Args:
        array: perhaps a view.
        weights: names and arrays.
    """
    if not isinstance(array, np.ndarray) or not array.ndim or array.flags.owndata:
        return None
    for weight in weights:
        whole = weight[1]
        same = _address(whole) == _address(array) and (whole.size, whole.dtype) == (array.size, array.dtype)
        if not same or not whole.flags.c_contiguous or not array.size:
            continue
        if array.flags.c_contiguous:
            return View(weight, None)
        order = tuple(map(int, np.argsort([-n for n in array.strides], kind="stable")))
        if array.transpose(order).shape == whole.shape and array.transpose(order).flags.c_contiguous:
            return View(weight, tuple(map(int, np.argsort(order))))
    return None


def _address(array: Array) -> int:
    address: int = array.__array_interface__["data"][0]
    return address

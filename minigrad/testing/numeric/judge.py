"""The judgment of one claimed derivative: entry by entry where it is small, by random directions where it is large."""

from __future__ import annotations

from typing import Final

import numpy as np

from minigrad.testing.numeric.flat_function import FlatFunction
from minigrad.testing.numeric.full_jacobian import FullJacobian
from minigrad.testing.numeric.judgment import Judgment
from minigrad.testing.numeric.random_directions import RandomDirections

MAX_ENTRY_BY_ENTRY: Final = 64
"""Jacobians with at most so many rows and columns are checked entry by entry."""


def judge_first_order(f: FlatFunction, rng: np.random.Generator) -> Judgment:
    """Compare a claimed derivative with numerical ones."""
    if f.x.size <= MAX_ENTRY_BY_ENTRY and f.y.size <= MAX_ENTRY_BY_ENTRY:
        return FullJacobian(f, rng).judge()
    return RandomDirections(f, rng, lenient=False, subgradients=True).judge()


def judge_second_order(derivative: FlatFunction, rng: np.random.Generator, first: Judgment) -> Judgment:
    """The same for a function that is itself a derivative.

    It jumps where the first order has kinks, so there is nothing to be right or wrong: where `first` met any, or came
    near to some, outputs without a numerical derivative are left out.
    """
    lenient = first.kinks > 0 or not first.no_kink_nearby
    return RandomDirections(derivative, rng, lenient=lenient, subgradients=False).judge()

"""A claimed derivative against numerical ones: by every entry if it is small, else by random directions."""

from __future__ import annotations

from typing import Final

import numpy as np

from minigrad.testing.numeric.comparison import Comparison
from minigrad.testing.numeric.evaluation import Evaluations
from minigrad.testing.numeric.full_jacobian import FullJacobian
from minigrad.testing.numeric.random_directions import RandomDirections

MAX_ENTRY_BY_ENTRY: Final = 64
"""Jacobians with at most so many rows and columns are checked entry by entry."""


def compare_first_order(f: Evaluations, rng: np.random.Generator) -> Comparison:
    """Compare a claimed derivative with numerical ones.

    Args:
        f: the function around its point.
        rng: draws directions and points near kinks.
    """
    if f.x.size <= MAX_ENTRY_BY_ENTRY and f.y.size <= MAX_ENTRY_BY_ENTRY:
        return FullJacobian(f, rng).compare()
    return RandomDirections(f, rng, lenient=False, subgradients=True).compare()


def compare_second_order(derivative: Evaluations, rng: np.random.Generator, first: Comparison) -> Comparison:
    """The comparison for a function that is itself a derivative.

    It jumps where the first order has kinks, so there is nothing to be right or wrong: where `first` met any, or came
    near to some, outputs without a numerical derivative are left out.
    """
    lenient = first.kinks > 0 or not first.no_kink_nearby
    return RandomDirections(derivative, rng, lenient=lenient, subgradients=False).compare()

"""The judgment of one claimed derivative: entry by entry where it is small, by random directions where it is large."""

from __future__ import annotations

from typing import Final

import numpy as np

from minigrad.testing.numeric.flat_function import Flat
from minigrad.testing.numeric.full_jacobian import Entries
from minigrad.testing.numeric.judgment import Finding
from minigrad.testing.numeric.random_directions import Directions

SMALL: Final = 64
"""Jacobians with at most so many rows and columns are checked entry by entry."""


def examine_first(flat: Flat, rng: np.random.Generator) -> Finding:
    """Hold a claimed derivative to numerical ones."""
    if flat.x.size <= SMALL and flat.at_x.size <= SMALL:
        return Entries(flat, rng).finding()
    return Directions(flat, rng, lenient=False, subgradients=True).finding()


def examine_second(flat: Flat, rng: np.random.Generator, first: Finding) -> Finding:
    """The same for a function that is itself a derivative.

    It jumps where the first order has kinks, so there is nothing to be right or wrong: where `first` met any, or came
    near to some, outputs without a numerical derivative are left out.
    """
    return Directions(flat, rng, lenient=first.kinks > 0 or not first.easy, subgradients=False).finding()

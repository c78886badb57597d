"""The common set: right and wrong gradients of functions of plain NumPy, a kind a file."""

from typing import Final

from minigrad.testing.scoreboard.pair import Pair
from minigrad.testing.scoreboard.pairs import (
    cancellation,
    ill_conditioned,
    kinks,
    noise,
    ordinary,
    scales,
    stiff,
    tails,
    wrong_by_scale,
    wrong_by_shape,
    wrong_by_value,
    zero_derivative,
)

RIGHT: Final[list[Pair]] = [
    *zero_derivative.PAIRS,
    *tails.PAIRS,
    *cancellation.PAIRS,
    *stiff.PAIRS,
    *ill_conditioned.PAIRS,
    *scales.PAIRS,
    *noise.PAIRS,
    *kinks.PAIRS,
    *kinks.EDGE_PAIRS,
    *ordinary.PAIRS,
]

WRONG: Final[list[Pair]] = [*wrong_by_value.PAIRS, *wrong_by_shape.PAIRS, *wrong_by_scale.PAIRS]

PAIRS: Final[list[Pair]] = [*RIGHT, *WRONG]
"""All of them."""

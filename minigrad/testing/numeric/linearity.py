"""Whether a derivative rule is linear in the cotangent: as right for other signs and sizes as for one cotangent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from minigrad.testing.numeric.directional_derivative import ACCURATE, NEGLIGIBLE, ROUGH
from minigrad.testing.numeric.evaluation import Evaluations
from minigrad.testing.numeric.finite_difference import Vector, own_scale
from minigrad.testing.numeric.rule_rounding import CANCELLATION, rounding_of_cotangent

FACTORS: Final = (1.0, -1.75, 2.0**-10, 2.0**10)
"""What a cotangent is multiplied by."""
LOW_PRECISION: Final = 1e-3
"""Rounding in a rule may amount to this part of its terms."""


@dataclass(frozen=True)
class Nonlinearity:
    """Where a rule is not linear.

    Attributes:
        index: the element of its result.
        found, expected: what it gives there, and what it should.
        clear: whether that is more than a rule of low precision explains.
    """

    index: int
    found: float
    expected: float
    clear: bool


def nonlinearity(
    f: Evaluations,
    pullback: Callable[[Vector], Vector],
    u: Vector,
    expected: Vector,
    terms: Vector,
    rng: np.random.Generator,
) -> Nonlinearity | None:
    """Where J'(c u) / c is not J'u, for factors c of both signs and several sizes; None if nowhere.

    Args:
        f: the function around its point.
        pullback: the rule.
        u: the cotangent.
        expected: J'u, from what the rule gave for others.
        terms: the size of what each element is added up from.
        rng: draws the last digits of cotangents, which show the rounding of the rule.
    """
    doubt = None
    scale = own_scale(f.x)
    for factor in FACTORS:
        found = pullback(factor * u) / factor
        apart = np.where(np.isfinite(expected), np.abs(found - expected), 0)
        if np.all(apart <= NEGLIGIBLE * terms):
            continue
        cancelled = CANCELLATION * float(np.abs(u) @ np.maximum(f.typical, 1)) / scale
        rounding = 4 * rounding_of_cotangent(pullback, u, np.maximum(LOW_PRECISION * terms, cancelled), rng)
        rounding += 64 * float(np.abs(u) @ (f.epsilon * np.maximum(f.magnitude, 1))) / scale
        for slack, clear in ((ROUGH, True), (ACCURATE, False)):
            wrong = ~(apart <= slack * terms + rounding)
            if wrong.any():
                i = int(np.argmax(wrong))
                place = Nonlinearity(i, float(found[i]), float(expected[i]), clear)
                if clear:
                    return place
                doubt = place
                break
    return doubt

"""How far rounding can move what a derivative rule gives, measured by moving its inputs in their last digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from minigrad.testing.numeric.evaluation import Evaluations
from minigrad.testing.numeric.finite_difference import Vector

OF_COTANGENT: Final = 50
"""Times the change by last digits of the cotangent: what rounding may amount to."""
SLIGHTLY: Final = 2.0**-30
"""A rule is linear, so a cotangent that is larger by about so much gives as much more, but for rounding."""
OF_POINT: Final = 20
"""Times the change by last digits of the point."""
CANCELLATION: Final = 1e-12
"""What is left of terms of size one that cancel in a rule, as in the derivative of a sum of normalized numbers."""
JUMP: Final = 1e-2
"""A rule that changes by this part of the derivative within the last digits of the point is not rounded, but wrong."""


def rounding_of_cotangent(
    pullback: Callable[[Vector], Vector], u: Vector, largest: Vector | float, rng: np.random.Generator
) -> Vector:
    """What last digits of the cotangent u change in J'u, many times that: one number for each input.

    Args:
        pullback: the rule.
        u: the cotangent.
        largest: more than this is not rounding, but a rule of low precision.
        rng: draws the digits.
    """
    plain = pullback(u)
    moved = [pullback(u * _last_digits(u, rng)) for _ in range(2)]
    scaled = [pullback(u * factor) / factor for factor in 1 + SLIGHTLY * rng.integers(1, 1000, 3)]
    return np.minimum(OF_COTANGENT * _largest_change(plain, moved + scaled), largest)


def rounding_of_point(f: Evaluations, u: Vector, size: float, rng: np.random.Generator) -> Vector:
    """What last digits of the point change in J'u, many times that; 0 where the rule jumps.

    Args:
        f: the function around its point, where it has no kink.
        u: the cotangent.
        size: the largest derivative, to which a jump is compared.
        rng: draws the digits.
    """
    plain = f.linearize(f.x)(u)
    moved = [f.linearize_nearby(f.x * _last_digits(f.x, rng))(u) for _ in range(3)]
    change = _largest_change(plain, moved)
    return np.where(change <= JUMP * size, OF_POINT * change, 0)


def _last_digits(x: Vector, rng: np.random.Generator) -> Vector:
    """Factors that change the last two binary digits of each number."""
    return np.asarray(1 + rng.choice((-4.0, -2.0, 2.0, 4.0), x.shape) * np.finfo(float).eps)


def _largest_change(plain: Vector, moved: list[Vector]) -> Vector:
    change = np.max([np.abs(other - plain) for other in moved], axis=0)
    return np.where(np.isfinite(change), change, 0)

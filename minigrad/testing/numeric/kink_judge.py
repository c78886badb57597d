"""`KinkJudge`: whether the claimed derivatives of outputs with kinks are valid subgradients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from minigrad.testing.numeric.directional_derivative import ACCURATE
from minigrad.testing.numeric.evaluation import Evaluations
from minigrad.testing.numeric.finite_difference import NOISE_FACTOR, Mask, Vector
from minigrad.testing.numeric.subgradient import (
    DISTANCES,
    EQUAL,
    QUOTIENT_STEP,
    offset_scale,
    outside_of_hull,
    random_offset,
)

NEARBY_GRADIENTS: Final = 6
"""At so many nearby points the rule itself is asked for gradients: each of them is an element of the hull."""
MAX_SUSPECTS: Final = 4
"""At most so many inputs are looked at alone, whose derivative is outside of that of all nearby gradients."""


@dataclass(frozen=True)
class InvalidSubgradient:
    """A claimed row that is no subgradient.

    Attributes:
        index: the input where it shows.
        expected: the next value there that would be one, all other inputs as claimed.
        jointly: whether it shows only when several inputs move together.
    """

    index: int
    expected: float
    jointly: bool


class KinkJudge:
    """Judges the claimed derivatives of outputs with kinks, each output alone.

    The rule itself is asked for gradients at a few nearby points, where there is no kink and difference quotients can
    confirm them: what they have in common, the claimed row must have as well. Where it is outside, and along some
    joint directions, differences of the function decide.

    Args:
        f: the function around its point.
        rng: draws points and directions.
    """

    def __init__(self, f: Evaluations, rng: np.random.Generator) -> None:
        self.f, self.rng = f, rng
        self.scale = offset_scale(f.x)
        offsets = [DISTANCES[0] * random_offset(self.scale, rng) for _ in range(NEARBY_GRADIENTS)]
        self._points = [f.x + w for w in offsets]
        self._pullbacks = [f.linearize_nearby(x) for x in self._points]
        self._directions = [random_offset(self.scale, rng) for _ in offsets]
        self._slopes = [self._slope(x, v) for x, v in zip(self._points, self._directions, strict=True)]

    def _slope(self, x: Vector, v: Vector) -> Vector:
        step = QUOTIENT_STEP * DISTANCES[0]
        return np.asarray((self.f.value(x + step * v) - self.f.value(x - step * v)) / (2 * step))

    def invalid(self, output: int, s: Vector) -> InvalidSubgradient | None:
        """Why the claimed row s of an output is no subgradient; None if it may be one."""
        low, high, contradicted = self._hull_of_nearby_gradients(output)
        suspects = self._suspects(s, low, high)
        alone = [*dict.fromkeys(contradicted), *map(int, suspects)]
        for i in alone[:MAX_SUSPECTS]:
            by_i = np.where(np.arange(s.size) == i, self.scale, 0)
            if (nearest := outside_of_hull(self.f, output, s, by_i, self.rng)) is not None:
                return InvalidSubgradient(i, nearest / float(self.scale[i]), jointly=False)
        for v in self._joint_directions(s, suspects, low, high):
            nearest = outside_of_hull(self.f, output, s, v, self.rng)
            if nearest is not None:
                i = int(np.argmax(np.abs(s * v)))
                rest = float(s @ v) - float(s[i] * v[i])
                return InvalidSubgradient(i, (nearest - rest) / float(v[i]), jointly=bool(np.count_nonzero(v) > 1))
        return None

    def _suspects(self, s: Vector, low: Vector, high: Vector) -> NDArray[np.intp]:
        """The inputs by which the claimed derivative is outside of the nearby ones, those farthest outside first."""
        if not np.all(low <= high):
            outside = np.abs(s) * self.scale  # nothing is known of them
        else:
            slack = EQUAL * (high - low) + 10 * ACCURATE * np.maximum(np.abs(low), np.abs(high))
            outside = np.maximum(low - slack - s, s - high - slack) * self.scale
        outside = np.where(np.isfinite(s), outside, np.inf)
        suspects = np.flatnonzero(outside > 0)
        return suspects[np.argsort(-outside[suspects], kind="stable")]

    def _hull_of_nearby_gradients(self, output: int) -> tuple[Vector, Vector, list[int]]:
        """The smallest and the largest derivative by each input, of the gradients that quotients confirm.

        Also the inputs by which quotients contradict the gradients of other nearby points.
        """
        low, high = np.full(self.scale.shape, np.inf), np.full(self.scale.shape, -np.inf)
        contradicted: list[int] = []
        unit = np.where(np.arange(self.f.y.size) == output, 1.0, 0.0)
        for x, pullback, v, slopes in zip(self._points, self._pullbacks, self._directions, self._slopes, strict=True):
            row = pullback(unit)
            if not np.isfinite(row).all() or not np.isfinite(slopes[output]):
                continue
            if self._agree(row, v, slopes[output], output):
                low, high = np.minimum(low, row), np.maximum(high, row)
            elif not contradicted:
                contradicted.append(self._contradicted(x, row, v, output))
        return low, high, contradicted

    def _agree(self, row: Vector, v: Vector, slope: float, output: int) -> bool:
        size = float(np.abs(row) @ np.abs(v)) + abs(slope)
        rounding = max(float(self.f.epsilon[output] * abs(self.f.y[output])), float(self.f.noise[output]))
        error = NOISE_FACTOR * rounding / (QUOTIENT_STEP * DISTANCES[0])
        return abs(float(row @ v) - slope) <= EQUAL * size + error

    def _contradicted(self, x: Vector, row: Vector, v: Vector, output: int) -> int:
        """The input by which a gradient at a nearby point is wrong, by halving the direction."""
        places = np.flatnonzero(v)
        while places.size > 1:
            half = places[: places.size // 2]
            part = np.where(np.isin(np.arange(v.size), half), v, 0)
            agree = self._agree(row, part, float(self._slope(x, part)[output]), output)
            places = places[places.size // 2 :] if agree else half
        return int(places[0])

    def _joint_directions(self, s: Vector, suspects: NDArray[np.intp], low: Vector, high: Vector) -> Iterator[Vector]:
        """Directions that tell wrong subgradients from right ones."""
        finite = np.where(np.isfinite(s), s, 0)
        signs = np.where(finite < 0, -1.0, 1.0)
        several = np.zeros(s.size, bool)
        several[suspects] = True
        if several.sum() > 1:
            yield np.where(several, np.where(finite > high, 1.0, -1.0) * self.scale, 0)
        varied = self._varied(low, high)
        if varied.any() and not varied.all():
            yield np.where(varied, self.scale, 0)
            yield np.where(varied, signs * self.scale, 0)
        yield self.scale
        yield signs * self.scale
        yield random_offset(self.scale, self.rng)
        pairs = self.rng.permutation(np.flatnonzero(varied if varied.any() else np.ones(s.size, bool)))[:6]
        for i, j in zip(pairs[::2], pairs[1::2], strict=False):
            for sign in (1.0, -1.0):
                v = np.zeros(s.size)
                v[i], v[j] = self.scale[i], sign * self.scale[j]
                yield v

    @staticmethod
    def _varied(low: Vector, high: Vector) -> Mask:
        """The inputs by which the derivatives nearby are not all the same."""
        return np.asarray(high - low > EQUAL * np.maximum(np.abs(low), np.abs(high)), bool)

"""Valid subgradients: what a derivative rule may give where there is no derivative.

At a kink a rule may give any element of Clarke's subdifferential, the convex hull of the gradients at nearby points.
Each output is judged alone, since a mixture of outputs has a subdifferential of its own. For an output y with the
claimed row s of the Jacobian,

    s_i  must lie between the smallest and the largest derivative by x_i at nearby points, and
    s.v  in the hull of the derivatives along v at nearby points, for joint directions v:

at a tie of max, [1, 1] passes the first and fails the second, along v = (1, 1). By the mean value theorem of Lebourg
each difference quotient lies in the hull of the derivatives on its way, so two values make one element of the hull.

Source: F. H. Clarke, Optimization and Nonsmooth Analysis (1983), chapter 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from minigrad.testing.numeric.directional_derivative import ACCURATE
from minigrad.testing.numeric.evaluation import Evaluations
from minigrad.testing.numeric.finite_difference import NOISE_FACTOR, Mask, Vector, own_scale

DISTANCES: Final = (2.0**-20, 2.0**-26, 2.0**-32)
"""How far nearby points are: farther ones may be beyond another kink, at nearer ones rounding is larger.

A gradient is valid if it is by points at all of these distances, or by the limit that they show."""
QUOTIENT_STEP: Final = 1 / 32
"""The step of a difference quotient at a nearby point, in parts of its distance."""
MAX_POINTS: Final = 100
"""How many points around are tried before a gradient is called invalid; of few inputs fewer: they have few kinks."""
FEW_POINTS: Final = 10
MANY_INPUTS: Final = 500
"""Among more inputs than this, fewer points are tried: each takes longer, and ties of so many are rare."""
EQUAL: Final = 1e-3
"""Derivatives as close together as this, relatively, are one."""
NEARBY_GRADIENTS: Final = 6
"""At so many nearby points the rule itself is asked for gradients: each of them is an element of the hull."""
MAX_SUSPECTS: Final = 4
"""At most so many inputs are looked at alone, whose derivative is outside of that of all nearby gradients."""


class DirectionalSubdifferential:
    """The subdifferential of one output along a direction: the hull of the derivatives at points all around.

    Args:
        f: the function around its point.
        output: the number of the output.
        v: the direction.
        rng: draws the points.
        distance: how far they are, in the units of `own_scale`.

    Attributes:
        low, high: the ends of the hull, the rounding of the function included.
        rounding: the largest error of the derivatives.
        nearest: where a gradient was found to be invalid, the end of the hull next to it.
    """

    def __init__(
        self, f: Evaluations, output: int, v: Vector, rng: np.random.Generator, distance: float = DISTANCES[0]
    ) -> None:
        self.distance = distance
        self.f, self.output, self.v, self.rng = f, output, v, rng
        self.scale = own_scale(f.x)
        moved = v != 0
        self.unit = float(
            np.min(self.scale[moved] / np.abs(v[moved]), initial=1.0)
        )  # v must not be longer than offsets
        self.low, self.high = np.inf, -np.inf
        self._ends = (np.inf, -np.inf)
        self.rounding = 0.0
        self.nearest = np.nan

    def contains(self, s: Vector, slack: float = 0.0) -> bool:
        """Whether s.v lies in it, within the slack, as far as points around can tell; True where they cannot."""
        claimed = float(np.where(self.v != 0, s, 0) @ self.v)
        for w in self._offsets():
            self._add_point(w)
            if self._contains_number(claimed, slack):
                return True
        if not self.low <= self.high:
            return True
        if self.v.size <= MANY_INPUTS:
            self._climb(claimed, slack)
        self.nearest = self._ends[0] if claimed < self._ends[0] else self._ends[1]
        return self._contains_number(claimed, slack)

    def shows_kink(self) -> bool:
        """Whether the derivatives at the points looked at differ by more than their errors."""
        low, high = self._ends
        return high - low > max(EQUAL * max(abs(low), abs(high)), 4 * self.rounding)

    def _offsets(self) -> Iterator[Vector]:
        yield self.unit * self.v
        yield -self.unit * self.v
        for _ in range(min(MAX_POINTS, 8 * self.v.size**2) if self.v.size <= MANY_INPUTS else FEW_POINTS):
            yield random_offset(self.scale, self.rng)

    def _add_point(self, w: Vector) -> float | None:
        """Extend the hull by the derivative along v at the point in direction w; None where it is not known."""
        x = self.f.x + self.distance * w
        step = QUOTIENT_STEP * self.distance * self.unit
        before, after = (float(self.f.value(x + t * self.v)[self.output]) for t in (-step, step))
        value = (after - before) / (2 * step)
        if not np.isfinite(value):
            return None
        rounding = 2 * float(self.f.epsilon[self.output]) * max(abs(before), abs(after))
        rounding = max(rounding, NOISE_FACTOR * float(self.f.noise[self.output])) / step
        self.rounding = max(self.rounding, rounding)
        self._ends = min(self._ends[0], value), max(self._ends[1], value)
        self.low, self.high = min(self.low, value - rounding), max(self.high, value + rounding)
        return value

    def _contains_number(self, claimed: float, slack: float) -> bool:
        slack += ACCURATE * (10 * max(abs(self.low), abs(self.high)) + self.high - self.low)
        return self.low - slack <= claimed <= self.high + slack

    def _climb(self, claimed: float, slack: float) -> None:
        """Flip one coordinate of an offset after the other, towards the claimed value.

        With many kinks at once (a sum of many abs), few random offsets come near the ends of the hull.
        """
        towards = 1 if claimed > self.high else -1
        w = random_offset(self.scale, self.rng)
        best = self._add_point(w)
        for i in range(w.size):
            w[i] = -w[i]
            value = self._add_point(w)
            if value is None or (best is not None and (value - best) * towards <= 0):
                w[i] = -w[i]
            else:
                best = value
            if self._contains_number(claimed, slack):
                return


def random_offset(scale: Vector, rng: np.random.Generator) -> Vector:
    """A random direction in which no element is small."""
    return np.asarray(rng.choice((-1.0, 1.0), scale.shape) * rng.uniform(0.5, 1, scale.shape) * scale)


def outside_of_hull(f: Evaluations, output: int, s: Vector, v: Vector, rng: np.random.Generator) -> float | None:
    """The end of the hull next to s.v, which is outside of it at some distance and in the limit of small ones, or None.

    At the edge of a domain (x^1.5 at 0) the derivatives nearby still move towards that at the point.
    """
    ends: list[float] = []
    for distance in DISTANCES:
        slack = 2 * abs(ends[-1] - ends[-2]) if len(ends) > 1 else 0.0
        subdifferential = DirectionalSubdifferential(f, output, v, rng, distance)
        if subdifferential.contains(s, slack):
            return None
        ends.append(subdifferential.nearest)
    return ends[-1]


def is_invalid(f: Evaluations, output: int, s: Vector, v: Vector, rng: np.random.Generator) -> bool:
    """Whether s is no derivative of the output along v, nor a subgradient at a kink that no line through x shows.

    The middle one of three equal numbers is such: along every line through the tie it is smooth. That there is a kink
    must be seen, within what the rounding of the function lets one see.
    """
    seen = False
    for distance in DISTANCES:
        subdifferential = DirectionalSubdifferential(f, output, v, rng, distance)
        if not subdifferential.contains(s):
            return True
        seen = seen or subdifferential.shows_kink()
    return not seen


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
        self.scale = own_scale(f.x)
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


def convention(kinks: Sequence[tuple[float, float, float]]) -> str:
    """In words, which subgradient was given, from (given, left derivative, right derivative) at each kink met."""
    if not kinks:
        return ""
    given, left, right = np.array(kinks).T
    size = ACCURATE * (np.abs(left) + np.abs(right))
    choices = {
        "zero": np.zeros_like(given),
        "the left derivative": left,
        "the right derivative": right,
        "the mean of the two one-sided derivatives": (left + right) / 2,
    }
    for name, values in choices.items():
        if np.all(np.abs(given - values) <= size):
            return f"at a kink the gradient equals {name}"
    return "at a kink the gradient lies between the one-sided derivatives"

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
from typing import Final

import numpy as np

from minigrad.testing.numeric.directional_derivative import ACCURATE
from minigrad.testing.numeric.evaluation import Evaluations
from minigrad.testing.numeric.finite_difference import NOISE_FACTOR, Vector, own_scale

DISTANCES: Final = (2.0**-20, 2.0**-26, 2.0**-32)
"""How far nearby points are: farther ones may be beyond another kink, at nearer ones rounding is larger.

A gradient is valid if it is by points at all of these distances, or by the limit that they show."""
QUOTIENT_STEP: Final = 1 / 32
"""The step of a difference quotient at a nearby point, in parts of its distance."""
SMALLEST_OFFSET: Final = 2.0**-26
"""Elements that are 0 move by no less than this in proportion: the rounding of larger values would hide their kinks."""
MAX_POINTS: Final = 100
"""How many points around are tried before a gradient is called invalid; of few inputs fewer: they have few kinks."""
FEW_POINTS: Final = 10
MANY_INPUTS: Final = 500
"""Among more inputs than this, fewer points are tried: each takes longer, and ties of so many are rare."""
EQUAL: Final = 1e-3
"""Derivatives as close together as this, relatively, are one."""


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
        self.scale = offset_scale(f.x)
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

    def excludes(self, number: float) -> bool:
        """Whether a number is outside of the hull of the derivatives looked at, which are known well."""
        return self.low <= self.high and not self._contains_number(number, EQUAL * abs(number) + 4 * self.rounding)

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


def offset_scale(x: Vector) -> Vector:
    """The size of each element of x; of one that is 0 that of the smallest other, for that may be where a kink is."""
    scale = own_scale(x)
    smallest = float(np.min(scale, initial=1.0, where=x != 0))
    return np.where(x == 0, max(smallest, SMALLEST_OFFSET), scale)


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


def is_invalid(f: Evaluations, output: int, s: Vector, v: Vector, found: float, rng: np.random.Generator) -> bool:
    """Whether s is no derivative of the output along v, nor a subgradient at a kink that no line through x shows.

    The middle one of three equal numbers is such: along every line through the tie it is smooth. That there is a kink
    must be seen, within what the rounding of the function lets one see; or that the numerical derivative is none of
    those nearby, as that of a function with jumps can be whose steps it met one by one.

    Args:
        f: the function around its point.
        output: the number of the output.
        s: the claimed derivatives of the output.
        v: the direction.
        found: the numerical derivative along it.
        rng: draws nearby points.
    """
    seen = False
    for distance in DISTANCES:
        subdifferential = DirectionalSubdifferential(f, output, v, rng, distance)
        if not subdifferential.contains(s):
            return True
        seen = seen or subdifferential.shows_kink() or subdifferential.excludes(found)
    return not seen


def diverges(f: Evaluations, output: int, v: Vector) -> bool:
    """Whether difference quotients of the output along v grow without bounds towards the point, as for sqrt at 0."""
    for side in (1, -1):
        values = [float(f.value(f.x + side * distance * v)[output]) for distance in DISTANCES]
        near = [abs(y - float(f.y[output])) / distance for y, distance in zip(values, DISTANCES, strict=True)]
        if near[0] * 2 < near[1] and near[1] * 2 < near[2]:
            return True
    return False


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

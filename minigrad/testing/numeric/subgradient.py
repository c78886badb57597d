"""Valid subgradients: what a derivative rule may give where there is no derivative.

At a kink a rule may give any element of Clarke's subdifferential, the convex hull of the gradients at nearby points.
Each output is judged alone, since a mixture of outputs has a subdifferential of its own. For an output y with the
claimed row s of the Jacobian,

    s_i  must lie between the one-sided derivatives by each input x_i, and
    s.v  in the hull of the derivatives along v at nearby points, for joint directions v:

at a tie of max, [1, 1] passes the first and fails the second, along v = (1, 1).

Source: F. H. Clarke, Optimization and Nonsmooth Analysis (1983), chapter 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

import numpy as np

from minigrad.testing.numeric.directional_derivative import ACCURATE, ACCURATE_NEAR_KINKS
from minigrad.testing.numeric.finite_difference import Vector, central_difference, step_scale
from minigrad.testing.numeric.flat_function import FlatFunction

DISTANCE: Final = 2.0**-20
"""How far nearby points are: beyond rounding, and too near for anything smooth to change much."""
DISTANCES: Final = (DISTANCE, 2.0**-26, 2.0**-32)
"""A gradient is valid if it is by points at all of these distances: farther ones may be beyond a kink."""
STENCIL_STEP: Final = 1 / 32
"""The step of the stencil at a nearby point, in parts of its distance, so that it does not cross the kink again."""
MAX_POINTS: Final = 100
"""How many points around are tried before a gradient is called invalid; of few inputs fewer: they have few kinks."""
FEW_POINTS: Final = 10
MANY_INPUTS: Final = 500
"""Among more inputs than this, fewer points are tried: each takes longer, and ties of so many are rare."""
EQUAL: Final = 1e-3
"""Derivatives as close together as this, relatively, are one."""
MAX_PAIRS: Final = 10


class DirectionalSubdifferential:
    """The subdifferential of one output along a direction: the hull of the derivatives at points all around.

    Args:
        f: the function at its point.
        output: the number of the output.
        v: the direction.
        rng: draws the points.
        distance: how far they are, in the units of `step_scale`.

    Attributes:
        low, high: the ends of the hull, their errors included.
        nearest: where a gradient was found to be invalid, the end of the hull next to it.
    """

    def __init__(
        self, f: FlatFunction, output: int, v: Vector, rng: np.random.Generator, distance: float = DISTANCE
    ) -> None:
        self.distance = distance
        self.f, self.output, self.v, self.rng = f, output, v, rng
        self.scale = step_scale(f.x)
        self.low, self.high = np.inf, -np.inf
        self._ends = (np.inf, -np.inf)
        self.nearest = np.nan

    def contains(self, s: Vector) -> bool:
        """Whether s.v lies in it, as far as points around can tell; True where they cannot."""
        claimed = float(np.where(self.v != 0, s, 0) @ self.v)
        for w in self._offsets():
            self._add_point(w)
            if self._contains_number(claimed):
                return True
        if not self.low <= self.high:
            return True
        if self.v.size <= MANY_INPUTS:
            self._climb(claimed)
        self.nearest = self._ends[0] if claimed < self._ends[0] else self._ends[1]
        return self._contains_number(claimed)

    def is_single_number(self) -> bool:
        """Whether the derivatives at all points around are the same, so that there is no kink."""
        for w in self._offsets():
            self._add_point(w)
            low, high = self._ends
            if high - low > EQUAL * max(abs(low), abs(high)):
                return False
        return self.low <= self.high

    def _offsets(self) -> Iterator[Vector]:
        yield self.v
        yield -self.v
        for _ in range(min(MAX_POINTS, 8 * self.v.size**2) if self.v.size <= MANY_INPUTS else FEW_POINTS):
            yield self._random_offset()

    def _random_offset(self) -> Vector:
        return np.asarray(
            self.rng.choice((-1.0, 1.0), self.v.shape) * self.rng.uniform(0.5, 1, self.v.shape) * self.scale
        )

    def _add_point(self, w: Vector) -> float | None:
        """Extend the hull by the derivative along v at the point in direction w; None where it is not known."""
        x = self.f.x + self.distance * w
        step = STENCIL_STEP * self.distance
        derivative = central_difference(self.f.value, x, self.v, self.f.value(x), self.f.epsilon, step)
        value, error = float(derivative.value[self.output]), float(derivative.error[self.output])
        if not error <= ACCURATE_NEAR_KINKS * max(1.0, abs(value)):
            return None
        self._ends = min(self._ends[0], value), max(self._ends[1], value)
        self.low, self.high = min(self.low, value - error), max(self.high, value + error)
        return value

    def _contains_number(self, claimed: float) -> bool:
        slack = ACCURATE * (10 * max(abs(self.low), abs(self.high)) + self.high - self.low)
        return self.low - slack <= claimed <= self.high + slack

    def _climb(self, claimed: float) -> None:
        """Flip one coordinate of an offset after the other, towards the claimed value.

        With many kinks at once (a sum of many abs), few random offsets come near the ends of the hull.
        """
        towards = 1 if claimed > self.high else -1
        w = self._random_offset()
        best = self._add_point(w)
        for i in range(w.size):
            w[i] = -w[i]
            value = self._add_point(w)
            if value is None or (best is not None and (value - best) * towards <= 0):
                w[i] = -w[i]
            else:
                best = value
            if self._contains_number(claimed):
                return


def is_invalid(f: FlatFunction, output: int, s: Vector, v: Vector, rng: np.random.Generator) -> bool:
    """Whether s is no derivative of the output along v, nor a subgradient at a kink that no line through x shows.

    The middle one of three equal numbers is such: along every line through the tie it is smooth.
    """
    for distance in DISTANCES:
        subdifferential = DirectionalSubdifferential(f, output, v, rng, distance)
        if subdifferential.is_single_number() or not subdifferential.contains(s):
            return True
    return False


def joint_directions(inputs: Sequence[int], scale: Vector, rng: np.random.Generator) -> Iterator[Vector]:
    """Joint directions that tell wrong subgradients from right ones, for an output with kinks in these inputs."""
    marked = np.zeros(scale.shape)
    marked[inputs] = scale[inputs]
    yield marked
    yield marked * rng.uniform(0.5, 1, scale.shape)
    pairs = list(combinations(inputs, 2))
    for k in rng.permutation(len(pairs))[:MAX_PAIRS]:
        i, j = pairs[k]
        v = np.zeros(scale.shape)
        v[i], v[j] = scale[i], scale[j]
        yield v
        yield np.where(np.arange(v.size) == j, -v, v)


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

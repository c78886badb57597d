"""Valid subgradients: what a derivative rule may answer where there is no derivative.

At a kink a rule may give any element of Clarke's subdifferential, the convex hull of the gradients at nearby points.
Each output is judged alone, since a mixture of outputs has a subdifferential of its own. For an output y with the
claimed row s of the Jacobian,

    s_i  must lie between the one-sided derivatives by each input x_i, and
    s.v  in the hull of the derivatives along v at nearby points, for joint directions v:

at a tie of max, [1, 1] passes the first and fails the second, along v = (1, 1).

Source: F. H. Clarke, Optimization and Nonsmooth Analysis (1983), chapter 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from minigrad.testing.numeric.directional_derivative import MEANINGFUL, ROUGH
from minigrad.testing.numeric.finite_difference import quick, scale_of
from minigrad.testing.numeric.flat_function import Flat

Vector = NDArray[Any]

NEARBY: Final = 2.0**-20
"""How far nearby points are: beyond rounding, and too near for anything smooth to change much."""
NEARER: Final = (NEARBY, 2.0**-26, 2.0**-32)
"""A gradient is refused only where it is by points at one of these distances: farther ones may be beyond a kink."""
STEP: Final = 1 / 32
"""The window at a nearby point, in parts of its distance, so that it does not cross the kink again."""
SAMPLES: Final = 100
"""How many points around are tried before an answer is refused; of few inputs fewer, as they have few kinks."""
FEW_SAMPLES: Final = 10
MANY: Final = 500
"""Among more inputs than this, fewer points are tried: each takes longer, and ties of so many are rare."""
TIGHT: Final = 1e-3
"""Derivatives as close together as this, relatively, are one."""
PAIRS: Final = 10


class Hull:
    """The derivatives of one output along one direction, at points all around.

    Attributes:
        low, high: the hull, their errors included.
        nearest: where an answer was refused, the end of the hull next to it.
    """

    def __init__(self, flat: Flat, output: int, v: Vector, rng: np.random.Generator, distance: float = NEARBY) -> None:
        self.distance = distance
        self.flat, self.output, self.v, self.rng = flat, output, v, rng
        self.scale = scale_of(flat.x)
        self.low, self.high = np.inf, -np.inf
        self._ends = (np.inf, -np.inf)
        self.nearest = np.nan

    def holds(self, s: Vector) -> bool:
        """Whether s.v lies in the hull, as far as points around can tell; unsure means yes."""
        claimed = float(np.where(self.v != 0, s, 0) @ self.v)
        for w in self._offsets():
            self._look(w)
            if self._contains(claimed):
                return True
        if not self.low <= self.high:
            return True
        if self.v.size <= MANY:
            self._climb(claimed)
        self.nearest = self._ends[0] if claimed < self._ends[0] else self._ends[1]
        return self._contains(claimed)

    def is_a_point(self) -> bool:
        """Whether the derivatives at all points around are the same, so that there is no kink."""
        for w in self._offsets():
            self._look(w)
            low, high = self._ends
            if high - low > TIGHT * max(abs(low), abs(high)):
                return False
        return self.low <= self.high

    def _offsets(self) -> Iterator[Vector]:
        yield self.v
        yield -self.v
        for _ in range(min(SAMPLES, 8 * self.v.size**2) if self.v.size <= MANY else FEW_SAMPLES):
            yield self.rng.choice((-1.0, 1.0), self.v.shape) * self.rng.uniform(0.5, 1, self.v.shape) * self.scale

    def _look(self, w: Vector) -> float | None:
        """The derivative along v at the point in direction w, entered into the hull; None where it is not known."""
        y = self.flat.x + self.distance * w
        slope = quick(self.flat.value, y, self.v, self.flat.value(y), self.flat.epsilon, STEP * self.distance)
        value, error = float(slope.value[self.output]), float(slope.error[self.output])
        if not error <= ROUGH * max(1.0, abs(value)):
            return None
        self._ends = min(self._ends[0], value), max(self._ends[1], value)
        self.low, self.high = min(self.low, value - error), max(self.high, value + error)
        return value

    def _contains(self, claimed: float) -> bool:
        slack = MEANINGFUL * (10 * max(abs(self.low), abs(self.high)) + self.high - self.low)
        return self.low - slack <= claimed <= self.high + slack

    def _climb(self, claimed: float) -> None:
        """Flip one coordinate of a pattern after the other towards the claimed value: before blame, look well.

        With many kinks at once (a sum of many abs), few random patterns come near the extreme ones.
        """
        towards = 1 if claimed > self.high else -1
        w = self.rng.choice((-1.0, 1.0), self.v.shape) * self.rng.uniform(0.5, 1, self.v.shape) * self.scale
        best = self._look(w)
        for i in range(w.size):
            w[i] = -w[i]
            value = self._look(w)
            if value is None or (best is not None and (value - best) * towards <= 0):
                w[i] = -w[i]
            else:
                best = value
            if self._contains(claimed):
                return


def is_refused(flat: Flat, output: int, s: Vector, v: Vector, rng: np.random.Generator) -> bool:
    """Whether s is no derivative of the output along v, nor a subgradient at a kink that no line through x shows.

    The middle one of three equal numbers is such: along every line through the tie it is smooth.
    """
    for distance in NEARER:
        hull = Hull(flat, output, v, rng, distance)
        if hull.is_a_point() or not hull.holds(s):
            return True
    return False


def directions(inputs: list[int], scale: Vector, rng: np.random.Generator) -> Iterator[Vector]:
    """Joint directions that tell wrong subgradients from right ones, for an output with kinks in these inputs."""
    marked = np.zeros(scale.shape)
    marked[inputs] = scale[inputs]
    yield marked
    yield marked * rng.uniform(0.5, 1, scale.shape)
    pairs = list(combinations(inputs, 2))
    for k in rng.permutation(len(pairs))[:PAIRS]:
        i, j = pairs[k]
        v = np.zeros(scale.shape)
        v[i], v[j] = scale[i], scale[j]
        yield v
        yield np.where(np.arange(v.size) == j, -v, v)


def convention(entries: list[tuple[float, float, float]]) -> str:
    """In words, which subgradient was given, from (given, left derivative, right derivative) at each kink met."""
    if not entries:
        return ""
    given, left, right = np.array(entries).T
    size = MEANINGFUL * (np.abs(left) + np.abs(right))
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

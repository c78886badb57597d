"""`Evaluations`: the values of a function that are asked for while its derivative is judged, counted and bounded."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from typing import Final

import numpy as np

from minigrad.testing.numeric.finite_difference import (
    CENTRAL,
    Vector,
    apply_stencil,
    central_values,
    dyadic_direction,
    own_scale,
    step_scale,
)
from minigrad.testing.numeric.flat_function import ArgumentSlice, FlatFunction
from minigrad.typing import Array

NOISE_STEP: Final = 2.0**-26
"""So close to the point, what changes irregularly is rounding."""
SURROUNDINGS: Final = 4
"""At so many random points around, each half the size of the arguments away, the size of a function is looked up."""

HALF_PRECISION_POINTS: Final = 12
"""At so many points the values are looked at for what shows half precision."""
HALF_PRECISION_SHOWN: Final = 3
"""So many of them must have more binary digits than `FEW_DIGITS`, or they may be the numbers of any coarse grid."""
FEW_DIGITS: Final = 8


class BudgetExhausted(Exception):  # noqa: N818  caught in check.py, where it becomes a verdict
    """The calls or seconds that a check was given are used up."""


class Budget:
    """What a check may spend: calls of the function, seconds, or anything.

    Args:
        limit: a whole number of calls, a number of seconds (a float), or None for no limit.

    Attributes:
        calls: the calls so far.
    """

    def __init__(self, limit: float | None = None) -> None:
        self.limit = limit
        self.calls = 0
        self._end = time.perf_counter() + limit if isinstance(limit, float) else np.inf

    def spend(self) -> None:
        """Count one call.

        Raises:
            BudgetExhausted: it is one too many, or too late.
        """
        self.calls += 1
        if isinstance(self.limit, float):
            exhausted = time.perf_counter() > self._end
        else:
            exhausted = self.limit is not None and self.calls > self.limit
        if exhausted:
            raise BudgetExhausted

    def text(self) -> str:
        """That it is used up, in words."""
        unit = "seconds" if isinstance(self.limit, float) else "calls"
        return f"the budget of {self.limit} {unit} was used up before a verdict: give more with budget="


class Evaluations:
    """A function and its claimed derivative around a point; outside of its domain it is NaN, whatever it raises there.

    Args:
        f: the function on vectors.
        budget: counts the calls.
        derived_from: where f is itself a derivative, the function that it is the derivative of; None unless given.

    Attributes:
        terms: for a derivative, the size of what it is added up from: its rounding may be as large as that of such
            terms, however small the sum is; else 0.
        x, y: the point, and the value there.
        epsilon: the relative spacing of the numbers in the value, one each.
        noise: the rounding of each output, as far as it has been measured.
        arguments: where each argument is in x.
    """

    def __init__(self, f: FlatFunction, budget: Budget, derived_from: Evaluations | None = None) -> None:
        self.f, self.budget = f, budget
        self.terms = 0.0 if derived_from is None else derived_from.computed_from
        self.x: Vector = f.x
        self.y: Vector = f.y
        self.epsilon: Vector = f.epsilon
        self.noise: Vector = np.zeros(f.y.shape)
        self.arguments: list[ArgumentSlice] = f.arguments

    def value(self, x: Vector) -> Vector:
        """The value at a point; NaN where the function raises, or returns another number of elements."""
        self.budget.spend()
        value = self.f.value(x)
        return value if value.shape == self.y.shape else np.full(self.y.shape, np.nan)

    def value_on_complex(self, x: Array) -> Array:
        """The value for complex numbers; whatever the function raises is let through."""
        return self.f.value_on_arrays(x)

    def linearize(self, x: Vector) -> Callable[[Vector], Vector]:
        """The claimed derivative at a point: from a cotangent u of the value to J(x)'u."""
        self.budget.spend()
        pullback = self.f.linearize(x)

        def counted(u: Vector) -> Vector:
            self.budget.spend()
            return pullback(u)

        return counted

    def linearize_nearby(self, x: Vector) -> Callable[[Vector], Vector]:
        """The claimed derivative at another point; NaN where the function or its rule raises."""
        try:
            pullback = self.linearize(x)
        except BudgetExhausted:
            raise
        except Exception:  # outside of its domain a function may raise anything
            return lambda u: np.full(x.shape, np.nan)
        return pullback

    @cached_property
    def magnitude(self) -> Vector:
        """The largest value of each output at the point and at some around it.

        An output that does not change at all near the point (the tail of a loss) is rounded to the spacing of numbers
        of this size: no closer can its derivative be known to be 0.
        """
        return np.asarray(np.max(self._surroundings, axis=0))

    @cached_property
    def computed_from(self) -> float:
        """The size of the numbers that values are computed from, at most 1: their own, or as their rounding shows."""
        v = dyadic_direction(np.random.default_rng(0), self.x)
        values = central_values(self.value, self.x, v, self.y, NOISE_STEP)
        noise = apply_stencil(CENTRAL, values, NOISE_STEP, self.epsilon)[2]
        size = np.maximum(self.magnitude, noise / self.epsilon)
        return min(1.0, float(np.max(size, initial=0.0, where=np.isfinite(size))))

    @cached_property
    def quantum(self) -> Vector:
        """The smallest number of half precision, 6e-8, for each output that is computed in it; 0 for all others.

        Such an output is 0 where it should be smaller than that, which says nothing about its derivative. It is told by
        its values at points of many digits, all of which are numbers of half precision.
        """
        rng = np.random.default_rng(0)
        points = self.x + step_scale(self.x) * rng.uniform(-1, 1, (HALF_PRECISION_POINTS, *self.x.shape))
        values = np.stack([self.value(x) for x in points])
        values = np.where(np.isfinite(values), values, 0)
        digits = np.frexp(values)[0] * 2.0**FEW_DIGITS
        shown = np.count_nonzero(digits != np.round(digits), axis=0) >= HALF_PRECISION_SHOWN
        half = np.all(values.astype(np.float16) == values, axis=0)
        return np.where(shown & half, float(np.finfo(np.float16).smallest_subnormal), 0.0)

    @cached_property
    def typical(self) -> Vector:
        """The median of the same values: an output that is much smaller than this is 0 but for rounding."""
        return np.asarray(np.median(self._surroundings, axis=0))

    @cached_property
    def _surroundings(self) -> Vector:
        """The sizes of the value at the point, at -x, and at points half the size of x away; 0 where there is none."""
        rng = np.random.default_rng(0)
        scale = own_scale(self.x) / 2
        points = [self.x + scale * rng.choice((-1.0, 1.0), self.x.shape) for _ in range(SURROUNDINGS)]
        values = np.stack([self.y, self.value(-self.x), *(self.value(x) for x in points)])
        return np.where(np.isfinite(values), np.abs(values), 0)

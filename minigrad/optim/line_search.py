"""A line search for steps along a direction of descent: where the value falls enough and the slope has flattened."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from minigrad.typing import Array

SUFFICIENT_DECREASE: Final = 1e-4
CURVATURE: Final = 0.9
LARGEST_GROWTH: Final = 10.0
SMALLEST_SHARE: Final = 0.1
"""A trial within a bracket keeps this share of its width from both ends."""


@dataclass(frozen=True)
class LinePoint:
    """What is known of f at a step along a direction.

    Attributes:
        step: how far along the direction.
        value: f there.
        slope: the derivative along the direction.
        gradient: the whole gradient.
    """

    step: float
    value: float
    slope: float
    gradient: Array

    @property
    def finite(self) -> bool:
        """Whether value and slope are numbers."""
        return math.isfinite(self.value) and math.isfinite(self.slope)


def strong_wolfe(
    at: Callable[[float], LinePoint],
    start: LinePoint,
    step: float,
    *,
    rounding: float = 0.0,
    smallest_step: float = 1e-12,
    max_evaluations: int = 25,
) -> LinePoint:
    """Find a step t > 0 that meets the strong Wolfe conditions.

        f(t) <= f(0) + 1e-4 t f'(0)      and      |f'(t)| <= 0.9 |f'(0)|

    The step grows until an interval holds such a point, and the interval shrinks by cubic interpolation.

    Args:
        at: evaluates f at a step.
        start: f at the step 0, where its slope is negative.
        step: the step that is tried first.
        rounding: by how much values of f may differ without meaning anything (default 0.0).
        smallest_step: the width of an interval that is not divided any more (default 1e-12).
        max_evaluations: how often f is evaluated at most (default 25).

    Returns:
        The point, or the lowest that was found where the evaluations are used up first: `start` if none is lower.

    Source: Nocedal and Wright 2006, "Numerical optimization", algorithms 3.5 and 3.6, with the cubic of equation 3.59.

    >>> import numpy as np
    >>> def along(t: float) -> LinePoint:
    ...     return LinePoint(t, (t - 3) ** 2, 2 * (t - 3), np.array([2 * (t - 3)]))
    >>> strong_wolfe(along, along(0.0), 1.0).step
    1.0
    """
    search = _Search(at, start, rounding, smallest_step, max_evaluations)
    previous, grown = start, False
    while search.evaluations_left:
        point = search.evaluate(step)
        if not search.decreases(point) or (grown and point.value >= previous.value):
            return search.zoom(previous, point)
        if search.is_flat(point):
            return point
        if point.slope >= 0:
            return search.zoom(point, previous)
        step, previous, grown = _grown(previous, point), point, True
    return previous


class _Search:
    """The conditions of one search, and how many evaluations are left to it."""

    def __init__(
        self,
        at: Callable[[float], LinePoint],
        start: LinePoint,
        rounding: float,
        smallest_step: float,
        evaluations: int,
    ) -> None:
        self.at, self.start, self.rounding, self.smallest_step = at, start, rounding, smallest_step
        self.evaluations_left = evaluations

    def evaluate(self, step: float) -> LinePoint:
        self.evaluations_left -= 1
        return self.at(step)

    def decreases(self, point: LinePoint) -> bool:
        line = self.start.value + SUFFICIENT_DECREASE * point.step * self.start.slope
        return point.finite and point.value <= line + self.rounding

    def is_flat(self, point: LinePoint) -> bool:
        return abs(point.slope) <= -CURVATURE * self.start.slope

    def zoom(self, low: LinePoint, high: LinePoint) -> LinePoint:
        """Shrink an interval that holds a point as wanted; `low` is its end that decreases, and has the lower value."""
        while self.evaluations_left and abs(high.step - low.step) > self.smallest_step:
            point = self.evaluate(_within(low, high))
            if not self.decreases(point) or point.value >= low.value + self.rounding:
                high = point
                continue
            if self.is_flat(point):
                return point
            if point.slope * (high.step - low.step) >= 0:
                high = low
            low = point
        return low


def _grown(previous: LinePoint, point: LinePoint) -> float:
    """The next step where f still falls: the minimum of the cubic if it lies ahead, and at most ten times as far."""
    least, most = point.step + 0.01 * (point.step - previous.step), LARGEST_GROWTH * point.step
    minimum = _cubic_minimum(previous, point)
    return most if minimum is None or minimum <= point.step else min(max(minimum, least), most)


def _within(low: LinePoint, high: LinePoint) -> float:
    """A step between two others: the minimum of the cubic, kept from both ends; the middle where there is none."""
    width = high.step - low.step
    minimum = _cubic_minimum(low, high) if high.finite else None
    share = 0.5 if minimum is None else (minimum - low.step) / width
    return low.step + width * min(max(share, SMALLEST_SHARE), 1 - SMALLEST_SHARE)


def _cubic_minimum(a: LinePoint, b: LinePoint) -> float | None:
    """Where the cubic through the values and slopes at two points is smallest; None where it has no minimum."""
    mean = a.slope + b.slope - 3 * (a.value - b.value) / (a.step - b.step)
    square = mean * mean - a.slope * b.slope
    if not square >= 0:  # also where an overflow made NaN of it
        return None
    root = math.copysign(math.sqrt(square), b.step - a.step)
    divisor = b.slope - a.slope + 2 * root
    if divisor == 0:
        return None
    minimum = b.step - (b.step - a.step) * (b.slope + root - mean) / divisor
    return minimum if math.isfinite(minimum) else None

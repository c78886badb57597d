"""The entry of a Jacobian that plain differences in one direction contradict, where they settle."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from minigrad.testing.numeric.flat_function import FlatFunction
from minigrad.typing import Array

SUM: Final = -1
"""In the place of an input: along all of them."""
MOST_OUTPUTS: Final = 24
MOST_INPUTS: Final = 60
STEPS: Final = (1e-3, 1e-4, 1e-5, 1e-6)
SETTLED: Final = 1e-3
"""Of a slope: how much it may change between two steps. At a jump it changes tenfold, at a root threefold."""
SMALL: Final = 1e-9


@dataclass(frozen=True)
class Slopes:
    """Slopes to both sides, by one-sided differences of second order.

    Attributes:
        behind, ahead: the slopes, (outputs, inputs) or numbers; NaN where they do not settle.
        error: what they changed by at the last step.
    """

    behind: Array
    ahead: Array
    error: Array

    @property
    def low(self) -> Array:
        """The least slope that is right."""
        return np.asarray(np.minimum(self.behind, self.ahead) - 10 * self.error)

    @property
    def high(self) -> Array:
        """The greatest slope that is right."""
        return np.asarray(np.maximum(self.behind, self.ahead) + 10 * self.error)


@dataclass(frozen=True)
class Entry:
    """One wrong entry of a Jacobian.

    Attributes:
        output, input: which; SUM for the slope along all inputs.
        sign: of the cotangent with which it is wrong.
        found: what the framework gives, for the cotangent 1 or -1.
        behind, ahead: the slopes to both sides times the sign.
        error: of these.
        no_slope_of_others: whether another output has no slope along this input: it is infinite, or at a jump.
    """

    output: int
    sign: int
    input: int
    found: float
    behind: float
    ahead: float
    error: float
    no_slope_of_others: bool = False

    @property
    def kink(self) -> bool:
        """Whether the slopes to both sides differ, so that there is no derivative."""
        return abs(self.ahead - self.behind) > SETTLED * (abs(self.ahead) + abs(self.behind)) + 1e-6

    @property
    def sides(self) -> tuple[float, float]:
        """Both slopes, the lesser first, with as many digits as are right."""
        low, high = sorted((self.behind, self.ahead))
        return self._rounded(low), self._rounded(high)

    @property
    def expected(self) -> float:
        """The mean of both slopes, with as many digits as are right."""
        return self._rounded((self.ahead + self.behind) / 2)

    def _rounded(self, slope: float) -> float:
        if math.isnan(slope + self.error):
            return slope
        if abs(slope) <= 10 * self.error or abs(slope) < SMALL:
            return 0.0
        digits = -math.log10(10 * self.error / abs(slope) + 1e-8)
        return float(f"{slope:.{max(int(digits), 1)}g}")


def wrong_entry(flat: FlatFunction) -> Entry | None:
    """The entry that differs most from plain differences to both sides; None where these settle nowhere, or agree.

    Args:
        flat: the function and its derivative, on vectors.
    """
    outputs, inputs = min(flat.y.size, MOST_OUTPUTS), min(flat.x.size, MOST_INPUTS)
    by_input = [_slopes(flat, np.eye(1, flat.x.size, i)[0], abs(flat.x[i])) for i in range(inputs)]
    pull = flat.linearize(flat.x)
    best, worst = None, 0.0
    for k in range(outputs):
        for sign in (1, -1):
            found = pull(sign * np.eye(1, flat.y.size, k)[0])
            for i, slopes in enumerate(by_input):
                score = _score(sign * found[i], float(slopes.low[k]), float(slopes.high[k]))
                if score > worst * 1.001:
                    best, worst = _entry(slopes, k, sign, i, float(found[i])), score
    if best is None:
        return _joint_entry(flat, outputs)
    others = np.delete(by_input[best.input].low, best.output)
    return replace(best, no_slope_of_others=bool(np.isnan(others).any()))


def _joint_entry(flat: FlatFunction, outputs: int) -> Entry | None:
    """An output whose slope along all inputs at once is wrong, though that along each may be right."""
    slopes = _slopes(flat, np.ones(flat.x.size), float(np.abs(flat.x).max()))
    pull = flat.linearize(flat.x)
    for k in range(outputs):
        for sign in (1, -1):
            found = float(pull(sign * np.eye(1, flat.y.size, k)[0]).sum())
            if _score(sign * found, float(slopes.low[k]), float(slopes.high[k])) > SETTLED:
                return _entry(slopes, k, sign, SUM, found)
    return None


def _entry(slopes: Slopes, output: int, sign: int, place: int, found: float) -> Entry:
    behind, ahead = (sign * float(side[output]) for side in (slopes.behind, slopes.ahead))
    return Entry(output, sign, place, found, behind, ahead, float(slopes.error[output]))


def _score(found: float, low: float, high: float) -> float:
    """How far a slope lies from the interval, beside its size; 0 within or where differences tell nothing."""
    if not np.isfinite(low + high):
        return 0.0
    if not np.isfinite(found):
        return float("inf")
    distance = max(low - found, found - high, 0.0)
    relative = distance / (abs(low) + abs(high) + abs(found) + 1e-300)
    return relative if relative > 1e-6 and distance > SMALL else 0.0


def _slopes(flat: FlatFunction, direction: Array, magnitude: float) -> Slopes:
    """The slopes of all outputs along a direction, at the step where they change least."""
    scale = max(magnitude, 1e-3)
    tried = []
    for step in STEPS:
        h = step * scale
        one, two, back, far = (_moved(flat, s * h * direction) for s in (1, 2, -1, -2))
        tried.append(np.array([-(4 * back - far - 3 * flat.y), 4 * one - two - 3 * flat.y]) / (2 * h))
    changes = np.array([np.abs(a - b).max(0) for a, b in pairwise(tried)])
    best = np.argmin(np.where(np.isnan(changes), np.inf, changes), 0)
    outputs = np.arange(flat.y.size)
    sides, error = np.array(tried)[best + 1, :, outputs].T, changes[best, outputs]
    rounding = SMALL + 1e-10 * np.abs(flat.y) / scale
    settled = error <= SETTLED * np.abs(sides).max(0) + rounding
    behind, ahead = np.where(settled, sides, np.nan)
    return Slopes(behind, ahead, error)


def _moved(flat: FlatFunction, by: Array) -> Array:
    try:
        return flat.value(flat.x + by)
    except Exception:  # outside of its domain a function may raise anything
        return np.full(flat.y.size, np.nan)

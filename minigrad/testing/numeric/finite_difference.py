"""Numerical derivatives with an honest error, of a function from a vector to a vector along a line.

The derivative of phi(t) = f(x + t v) at t = 0 is found for all elements of f's value at once, each with its own error.
The unit of all work is a *window*: seven equally spaced values of phi. They give the derivative of the polynomial
through all of them, that through fewer (the difference measures what the polynomial leaves out), and fifth and sixth
differences, which vanish for anything smooth and so measure what is not: rounding, or a kink between the values.

`quick` takes one central window. `thorough` takes a ladder of them over sixteen decades, central and one-sided, and
chooses for each element the one with the smallest error, unless smaller steps contradict it: a kink at distance d is
invisible to windows narrower than d, and those are right.

Directions should be `dyadic`: steps are powers of two, so with few digits in v all points x + t v are exact, and their
rounding does not disturb the differences.

Source: R. W. Hamming, Introduction to Applied Numerical Analysis (1971), chapter 6; J. J. Moré and S. M. Wild,
Estimating Computational Noise, SIAM J. Sci. Comput. 33 (2011): noise from difference tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Function = Callable[[Any], Any]

QUICK_STEP: Final = 2.0**-12
LADDER: Final = tuple(2.0**-k for k in range(4, 61, 4))
NOISE_FACTOR: Final = 6.0
"""Three samples of the noise are taken for its size: this many times their largest is a bound in nearly all cases."""

CONFIDENT: Final = 0.1
"""A window with an error this much smaller than its distance from the chosen one puts that in doubt."""
BELIEVABLE: Final = 1e-2
"""Real differences coarser than this, relatively, cannot confirm a complex step."""


def _weights(offsets: range) -> Vector:
    """The weights that give the derivative at 0 of the polynomial through the values at the offsets."""
    powers = np.vander(np.array(offsets, float), increasing=True).T
    slope = np.zeros(len(offsets))
    slope[1] = 1
    return np.asarray(np.linalg.solve(powers, slope), np.float64)


def _difference(order: int, start: int, length: int = 7) -> Vector:
    """The weights of a difference of some order, scaled so that independent noise keeps its size."""
    row = np.zeros(length)
    row[start : start + order + 1] = np.diff(np.eye(order + 1), n=order, axis=0)[0]
    return row / np.linalg.norm(row)


def _rows(slope: Vector, coarser: Vector) -> Vector:
    """One matrix that makes of a window's values: the slope, a coarser one, and three samples of the noise."""
    return np.array([slope, coarser, _difference(6, 0), _difference(5, 0), _difference(5, 1)])


_CENTRAL: Final = _rows(_weights(range(-3, 4)), np.pad(_weights(range(-2, 3)), 1))
_RIGHT: Final = _rows(_weights(range(7)), np.pad(_weights(range(6)), (0, 1)))
_LEFT: Final = -_RIGHT[:, ::-1]


@dataclass(frozen=True)
class Slope:
    """A derivative of every element of a function's value, and a bound on the error of each."""

    value: Vector
    error: Vector


@dataclass(frozen=True)
class Slopes:
    """The derivative along a line, from both sides together and from each.

    `disputed` marks elements that look smooth with one derivative at large steps and with another at small ones:
    the function is rounded more coarsely than its dtype says, or has a structure too small to be told from that.
    """

    central: Slope
    left: Slope
    right: Slope
    disputed: NDArray[np.bool_]
    settled: bool
    """Whether more steps could not tell more: everything has a derivative, or one from each side at all steps."""


def dyadic(rng: np.random.Generator, x: Vector) -> Vector:
    """A random direction with few binary digits, in proportion to the elements of x where these are large."""
    size = (1 + rng.integers(0, 32, x.shape) / 32) * rng.choice((-1.0, 1.0), x.shape)
    return np.asarray(size * scale_of(x))


def scale_of(x: Any) -> Any:
    """The power of two next to the size of x, at least 1: what steps are measured in."""
    return np.exp2(np.floor(np.log2(np.maximum(np.abs(x), 1))))


def quick(f: Function, x: Vector, v: Vector, at_x: Vector, epsilon: Any, step: float = QUICK_STEP) -> Slope:
    """The derivative of f(x + t v) at t = 0 from one central window: six values of f.

    Args:
        f: from a vector to a vector.
        x, v: point and direction.
        at_x: f(x).
        epsilon: the relative spacing of the numbers that f returns, one for all elements or one each.
        step: the spacing of the window.
    """
    values = np.stack([at_x if k == 0 else f(x + (k * step) * v) for k in range(-3, 4)])
    value, truncation, noise = _window(_CENTRAL, values, step, epsilon)
    return Slope(value, _error(_CENTRAL, truncation, noise, step))


def thorough(f: Function, x: Vector, v: Vector, at_x: Vector, epsilon: Any) -> Slopes:
    """The derivative of f(x + t v) at t = 0 from a ladder of windows, and those from the left and the right."""
    central, left, right = _Choice(_CENTRAL, epsilon), _Choice(_LEFT, epsilon), _Choice(_RIGHT, epsilon)
    for ladder in (LADDER[::2], LADDER[1::2]):
        for step in ladder:
            if not _is_exact(x, v, step):
                break
            before = [f(x - (k * step) * v) for k in range(6, 0, -1)]
            table = np.stack([*before, at_x, *(f(x + (k * step) * v) for k in range(1, 7))])
            central.add(table[3:10], step)
            left.add(table[:7], step)
            right.add(table[6:], step)
        slopes = _slopes(central, left, right)
        if slopes.settled:
            break
    return slopes


def complex_step(f: Function, x: Vector, v: Vector, at_x: Vector, real: Slope) -> Slope | None:
    """The derivative from the imaginary part of f(x + i h v), without cancellation; None where f has none.

    It is believed only where the real part is f(x) and the answer agrees with real differences that are not too coarse:
    many functions take complex numbers and do something else with them (abs, comparisons).

    Source: W. Squire and G. Trapp, Using Complex Variables to Estimate Derivatives of Real Functions, SIAM Review 40
    (1998).
    """
    step = 2.0**-100
    try:
        value = np.asarray(f(x + (1j * step) * v))
    except Exception:  # whatever f does with complex numbers that it was not made for, it only means: not this way
        return None
    if value.shape != at_x.shape or value.dtype.kind != "c":
        return None
    slope = value.imag / step
    same = np.abs(value.real - at_x) <= 1e-14 * np.abs(at_x)
    agrees = same & (np.abs(slope - real.value) <= real.error) & (real.error <= BELIEVABLE * np.abs(slope))
    error = np.where(agrees, np.minimum(real.error, 1e-13 * np.abs(slope)), real.error)
    return Slope(np.where(agrees, slope, real.value), error)


def _window(rows: Vector, values: Vector, step: float, epsilon: Any) -> tuple[Vector, Vector, Vector]:
    """The slope in a window, what the polynomial leaves out, and the noise of the values (infinite if one is)."""
    slope, coarser, *noises = rows @ values
    largest = np.max(np.abs(values), axis=0)
    noise = np.max(np.abs(noises), axis=0) + epsilon * largest / NOISE_FACTOR
    good = np.isfinite(largest)
    value = np.where(good, slope, 0) / step
    return value, np.where(good, np.abs(slope - coarser) / step, np.inf), np.where(good, noise, np.inf)


def _error(rows: Vector, truncation: Vector, noise: Vector, step: Any) -> Vector:
    return np.asarray(truncation + NOISE_FACTOR * noise * (np.linalg.norm(rows[0]) / step))


def _slopes(central: _Choice, left: _Choice, right: _Choice) -> Slopes:
    (both, disputed), (before, varies_left), (after, varies_right) = central.best(), left.best(), right.best()
    smooth = ~disputed & (both.error <= 1e-6 * np.abs(both.value))
    exact = ~disputed & (both.error <= 1e-12)
    jump = np.abs(before.value - after.value)
    kinked = ~varies_left & ~varies_right & (before.error + after.error <= 1e-6 * jump)
    return Slopes(both, before, after, disputed, bool(np.all(smooth | exact | kinked)))


class _Choice:
    """The windows of a ladder, and the choice among them."""

    def __init__(self, rows: Vector, epsilon: Any) -> None:
        self.rows, self.epsilon = rows, epsilon
        self.steps: list[float] = []
        self.values: list[Vector] = []
        self.truncations: list[Vector] = []
        self.noises: list[Vector] = []

    def add(self, values: Vector, step: float) -> None:
        """One more window."""
        value, truncation, noise = _window(self.rows, values, step, self.epsilon)
        self.steps.append(step)
        self.values.append(value)
        self.truncations.append(truncation)
        self.noises.append(noise)

    def best(self) -> tuple[Slope, NDArray[np.bool_]]:
        """The windows with the smallest errors that smaller steps do not contradict, and where windows disagree."""
        order = np.argsort(self.steps)[::-1]
        steps = np.array(self.steps)[order]
        values, truncations, noises = (np.stack(rows)[order] for rows in (self.values, self.truncations, self.noises))
        noises[:-1] = np.maximum(noises[:-1], np.where(np.isfinite(noises[1:]), noises[1:], 0))  # twice the samples
        errors = _error(self.rows, truncations, noises, steps[:, None])
        index = np.arange(len(steps))[:, None]
        best = np.argmin(errors, axis=0)
        apart = np.abs(values - _chosen(values, best)) > 2 * (errors + _chosen(errors, best))
        contradicts = apart & (index > best)
        disputed = contradicts.any(axis=0)
        first = np.where(disputed, np.argmax(contradicts, axis=0), 0)
        chosen = np.argmin(np.where(index >= first, errors, np.inf), axis=0)
        value, error = _chosen(values, chosen), _chosen(errors, chosen)
        distance = np.abs(values - value)
        sure = (distance > 2 * (errors + error)) & (errors < CONFIDENT * distance)
        disputed |= np.sum(sure, axis=0) >= 2  # a single one may have met a fast oscillation at equal phases
        return Slope(value, error), disputed


def _chosen(rows: Vector, index: Any) -> Vector:
    return np.take_along_axis(rows, index[None], axis=0)[0]  # type: ignore[no-any-return]


def _is_exact(x: Vector, v: Vector, step: float) -> bool:
    """Whether all steps of the window can be made without rounding, but for the last digits."""
    moved = (x + step * v) - x
    return bool(np.all(np.abs(moved - step * v) <= 1e-3 * np.abs(step * v)))

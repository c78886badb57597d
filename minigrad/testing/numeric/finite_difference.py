"""Finite differences with an estimate of their error, of a function from a vector to a vector along a direction.

The derivative of phi(t) = f(x + t v) at t = 0 is found for all elements of f's value at once, each with its own error.
All work is done on *stencils*: seven equally spaced values of phi. A stencil gives the derivative of the polynomial
through all of its values, that of the polynomial through fewer (their difference estimates the truncation error), and
fifth and sixth differences, which vanish for anything smooth and so measure the rest: rounding, or a kink between the
values.

`central_difference` takes one central stencil. `adaptive_difference` takes central and one-sided stencils with steps
over sixteen decades, and chooses for each element the one with the smallest error, unless smaller steps contradict it:
a kink at distance d does not disturb stencils narrower than d, and those are right.

Directions should be dyadic (see `dyadic_direction`): steps are powers of two, so with few digits in v all points
x + t v are exact, and their rounding does not disturb the differences.

Source: R. W. Hamming, Introduction to Applied Numerical Analysis (1971), chapter 6; J. J. Moré and S. M. Wild,
Estimating Computational Noise, SIAM J. Sci. Comput. 33 (2011): noise from difference tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from minigrad.typing import Array

Vector: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]
VectorFunction: TypeAlias = Callable[[Vector], Vector]

DEFAULT_STEP: Final = 2.0**-12
STEPS: Final = tuple(2.0**-k for k in range(4, 61, 4))
NOISE_FACTOR: Final = 6.0
"""Three samples of the noise are taken for its size: this many times their largest is a bound in nearly all cases."""

CONFIDENT: Final = 0.1
"""A stencil with an error this much smaller than its distance from the chosen one contradicts that."""
BELIEVABLE: Final = 1e-2
"""Real differences coarser than this, relatively, cannot confirm a complex step."""


def _derivative_weights(offsets: range) -> Vector:
    """The weights that give the derivative at 0 of the polynomial through the values at the offsets."""
    powers = np.vander(np.array(offsets, float), increasing=True).T
    slope = np.zeros(len(offsets))
    slope[1] = 1
    return np.asarray(np.linalg.solve(powers, slope), np.float64)


def _difference_weights(order: int, start: int, length: int = 7) -> Vector:
    """The weights of a difference of some order, scaled so that independent noise keeps its size."""
    row = np.zeros(length)
    row[start : start + order + 1] = np.diff(np.eye(order + 1), n=order, axis=0)[0]
    return row / np.linalg.norm(row)


def _stencil(derivative: Vector, coarser: Vector) -> Vector:
    """The matrix from the values at a stencil to: the derivative, a coarser one, and three samples of the noise."""
    noise = [_difference_weights(6, 0), _difference_weights(5, 0), _difference_weights(5, 1)]
    return np.array([derivative, coarser, *noise])


_CENTRAL: Final = _stencil(_derivative_weights(range(-3, 4)), np.pad(_derivative_weights(range(-2, 3)), 1))
_RIGHT: Final = _stencil(_derivative_weights(range(7)), np.pad(_derivative_weights(range(6)), (0, 1)))
_LEFT: Final = -_RIGHT[:, ::-1]


@dataclass(frozen=True)
class NumericalDerivative:
    """A derivative of every element of a function's value, and a bound on the error of each."""

    value: Vector
    error: Vector


@dataclass(frozen=True)
class SidedDerivatives:
    """The derivative along a direction, from both sides together and from each.

    Attributes:
        central, left, right: the derivatives.
        inconsistent: the elements that look smooth with one derivative at large steps and with another at small ones:
            the function is rounded more coarsely than its dtype says, or has a structure as small as that.
        complete: whether more steps could not tell more: everything has a derivative, or one from each side at all
            steps.
    """

    central: NumericalDerivative
    left: NumericalDerivative
    right: NumericalDerivative
    inconsistent: Mask
    complete: bool


def dyadic_direction(rng: np.random.Generator, x: Vector) -> Vector:
    """A random direction with few binary digits, in proportion to the elements of x where these are large."""
    size = (1 + rng.integers(0, 32, x.shape) / 32) * rng.choice((-1.0, 1.0), x.shape)
    return np.asarray(size * step_scale(x))


def step_scale(x: Vector) -> Vector:
    """The power of two next to the size of each element of x, at least 1: the unit of steps."""
    return np.asarray(np.exp2(np.floor(np.log2(np.maximum(np.abs(x), 1)))))


def central_difference(
    f: VectorFunction, x: Vector, v: Vector, y: Vector, epsilon: Vector | float, step: float = DEFAULT_STEP
) -> NumericalDerivative:
    """The derivative of f(x + t v) at t = 0 from one central stencil: six values of f.

    Args:
        f: from a vector to a vector.
        x: the point.
        v: the direction.
        y: f(x).
        epsilon: the relative spacing of the numbers that f returns, one for all elements or one each.
        step: the spacing of the stencil.
    """
    values = np.stack([y if k == 0 else f(x + (k * step) * v) for k in range(-3, 4)])
    value, truncation, noise = _applied(_CENTRAL, values, step, epsilon)
    return NumericalDerivative(value, _error(_CENTRAL, truncation, noise, step))


def adaptive_difference(
    f: VectorFunction, x: Vector, v: Vector, y: Vector, epsilon: Vector | float
) -> SidedDerivatives:
    """The derivative of f(x + t v) at t = 0 from stencils of many sizes, and those from the left and the right.

    The arguments are those of `central_difference`.
    """
    central, left, right = _StepSearch(_CENTRAL, epsilon), _StepSearch(_LEFT, epsilon), _StepSearch(_RIGHT, epsilon)
    for steps in (STEPS[::2], STEPS[1::2]):
        for step in steps:
            if not _is_exact(x, v, step):
                break
            before = [f(x - (k * step) * v) for k in range(6, 0, -1)]
            table = np.stack([*before, y, *(f(x + (k * step) * v) for k in range(1, 7))])
            central.add(table[3:10], step)
            left.add(table[:7], step)
            right.add(table[6:], step)
        derivatives = _sided(central, left, right)
        if derivatives.complete:
            break
    return derivatives


def complex_step(
    f: Callable[[NDArray[np.complex128]], Array], x: Vector, v: Vector, y: Vector, real: NumericalDerivative
) -> NumericalDerivative | None:
    """The derivative from the imaginary part of f(x + i h v), without cancellation; None where f has none.

    It is believed only where the real part is f(x) and the result agrees with real differences that are not too coarse:
    many functions take complex numbers and do something else with them (abs, comparisons).

    Args:
        f: from a complex vector to a vector; it may raise anything.
        x: the point.
        v: the direction.
        y: f(x).
        real: the derivative from real differences.

    Source: W. Squire and G. Trapp, Using Complex Variables to Estimate Derivatives of Real Functions, SIAM Review 40
    (1998).
    """
    step = 2.0**-100
    try:
        value = np.asarray(f(x + (1j * step) * v))
    except Exception:  # whatever f does with complex numbers that it was not made for, it only means: not this way
        return None
    if value.shape != y.shape or value.dtype.kind != "c":
        return None
    slope = value.imag / step
    same = np.abs(value.real - y) <= 1e-14 * np.abs(y)
    agrees = same & (np.abs(slope - real.value) <= real.error) & (real.error <= BELIEVABLE * np.abs(slope))
    error = np.where(agrees, np.minimum(real.error, 1e-13 * np.abs(slope)), real.error)
    return NumericalDerivative(np.where(agrees, slope, real.value), error)


def _applied(stencil: Vector, values: Vector, step: float, epsilon: Vector | float) -> tuple[Vector, Vector, Vector]:
    """The derivative at a stencil, what the polynomial leaves out, and the noise (infinite where a value is)."""
    slope, coarser, *noises = stencil @ values
    largest = np.max(np.abs(values), axis=0)
    noise = np.max(np.abs(noises), axis=0) + epsilon * largest / NOISE_FACTOR
    good = np.isfinite(largest)
    value = np.where(good, slope, 0) / step
    return value, np.where(good, np.abs(slope - coarser) / step, np.inf), np.where(good, noise, np.inf)


def _error(stencil: Vector, truncation: Vector, noise: Vector, step: Vector | float) -> Vector:
    return np.asarray(truncation + NOISE_FACTOR * noise * (np.linalg.norm(stencil[0]) / step))


def _sided(central: _StepSearch, left: _StepSearch, right: _StepSearch) -> SidedDerivatives:
    (both, inconsistent), (before, varies_left), (after, varies_right) = central.best(), left.best(), right.best()
    smooth = ~inconsistent & (both.error <= 1e-6 * np.abs(both.value))
    exact = ~inconsistent & (both.error <= 1e-12)
    jump = np.abs(before.value - after.value)
    kinked = ~varies_left & ~varies_right & (before.error + after.error <= 1e-6 * jump)
    return SidedDerivatives(both, before, after, inconsistent, bool(np.all(smooth | exact | kinked)))


class _StepSearch:
    """The derivatives at stencils of many steps, and the choice among them."""

    def __init__(self, stencil: Vector, epsilon: Vector | float) -> None:
        self.stencil, self.epsilon = stencil, epsilon
        self.steps: list[float] = []
        self.values: list[Vector] = []
        self.truncations: list[Vector] = []
        self.noises: list[Vector] = []

    def add(self, values: Vector, step: float) -> None:
        """One more stencil."""
        value, truncation, noise = _applied(self.stencil, values, step, self.epsilon)
        self.steps.append(step)
        self.values.append(value)
        self.truncations.append(truncation)
        self.noises.append(noise)

    def best(self) -> tuple[NumericalDerivative, Mask]:
        """The derivatives with the smallest errors that smaller steps do not contradict, and where steps disagree."""
        order = np.argsort(self.steps)[::-1]
        steps = np.array(self.steps)[order]
        values, truncations, noises = (np.stack(rows)[order] for rows in (self.values, self.truncations, self.noises))
        noises[:-1] = np.maximum(noises[:-1], np.where(np.isfinite(noises[1:]), noises[1:], 0))  # twice the samples
        errors = _error(self.stencil, truncations, noises, steps[:, None])
        index = np.arange(len(steps))[:, None]
        best = np.argmin(errors, axis=0)
        apart = np.abs(values - _chosen(values, best)) > 2 * (errors + _chosen(errors, best))
        contradicts = apart & (index > best)
        inconsistent = contradicts.any(axis=0)
        first = np.where(inconsistent, np.argmax(contradicts, axis=0), 0)
        chosen = np.argmin(np.where(index >= first, errors, np.inf), axis=0)
        value, error = _chosen(values, chosen), _chosen(errors, chosen)
        distance = np.abs(values - value)
        sure = (distance > 2 * (errors + error)) & (errors < CONFIDENT * distance)
        inconsistent |= np.sum(sure, axis=0) >= 2  # a single one may have met a fast oscillation at equal phases
        return NumericalDerivative(value, error), inconsistent


def _chosen(rows: Vector, index: NDArray[np.intp]) -> Vector:
    return np.asarray(np.take_along_axis(rows, index[None], axis=0)[0])


def _is_exact(x: Vector, v: Vector, step: float) -> bool:
    """Whether all steps of the stencil can be made without rounding, but for the last digits."""
    moved = (x + step * v) - x
    return bool(np.all(np.abs(moved - step * v) <= 1e-3 * np.abs(step * v)))

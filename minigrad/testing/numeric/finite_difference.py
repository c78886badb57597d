"""Finite differences with an estimate of their error, of a function from a vector to a vector along a direction.

The derivative of phi(t) = f(x + t v) at t = 0 is found for all elements of f's value at once, each with its own error.
All work is done on *stencils*: seven equally spaced values of phi. A stencil gives the derivative of the polynomial
through all of its values, that of the polynomial through fewer (their difference estimates the truncation error), and
fifth and sixth differences, which vanish for anything smooth and so measure the rest: rounding, or a kink between the
values.

`central_difference` takes one central stencil; `step_search` takes stencils of all sizes and chooses among them.

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
NOISE_FACTOR: Final = 6.0
"""Three samples of the noise are taken for its size: this many times their largest is a bound in nearly all cases."""

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


CENTRAL: Final = _stencil(_derivative_weights(range(-3, 4)), np.pad(_derivative_weights(range(-2, 3)), 1))
RIGHT: Final = _stencil(_derivative_weights(range(7)), np.pad(_derivative_weights(range(6)), (0, 1)))
LEFT: Final = -RIGHT[:, ::-1]


@dataclass(frozen=True)
class NumericalDerivative:
    """A derivative of every element of a function's value, and a bound on the error of each."""

    value: Vector
    error: Vector

    def is_known_as(self, claimed: Vector, relative: float) -> Mask:
        """Where it is known to a part of its size, and a claimed derivative agrees with it to that part."""
        small = relative * np.abs(self.value)
        return np.asarray((self.error < small) & (np.abs(claimed - self.value) <= 2 * self.error + small), bool)


def dyadic_direction(rng: np.random.Generator, x: Vector) -> Vector:
    """A random direction with few binary digits, in proportion to the elements of x where these are large."""
    size = (1 + rng.integers(0, 32, x.shape) / 32) * rng.choice((-1.0, 1.0), x.shape)
    return np.asarray(size * step_scale(x))


def step_scale(x: Vector) -> Vector:
    """The power of two next to the size of each element of x, at least 1: the unit of steps."""
    return np.asarray(np.exp2(np.floor(np.log2(np.maximum(np.abs(x), 1)))))


def own_scale(x: Vector) -> Vector:
    """The power of two next to the size of each element of x, however small; 1 where it is 0."""
    size = np.where(x == 0, 1, np.clip(np.abs(x), np.finfo(float).tiny, None))
    return np.asarray(np.exp2(np.floor(np.log2(size))))


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
    return central_derivative(central_values(f, x, v, y, step), step, epsilon)


def central_values(f: VectorFunction, x: Vector, v: Vector, y: Vector, step: float) -> Vector:
    """The seven values at a central stencil, from left to right."""
    return np.stack([y if k == 0 else f(x + (k * step) * v) for k in range(-3, 4)])


def central_derivative(values: Vector, step: float, epsilon: Vector | float) -> NumericalDerivative:
    """The derivative from the values at a central stencil."""
    value, truncation, noise = apply_stencil(CENTRAL, values, step, epsilon)
    return NumericalDerivative(value, error_bound(CENTRAL, truncation, noise, step))


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
    rounding = np.zeros(y.shape)
    for digits in (4, -4):  # of the numbers that the slope is computed from, as they show when x moves a little
        moved = np.asarray(f(x * (1 + digits * np.finfo(float).eps) + (1j * step) * v)).imag / step
        rounding = np.maximum(rounding, 8 * np.abs(moved - slope))
    same = np.abs(value.real - y) <= 1e-14 * np.abs(y)
    agrees = same & (np.abs(slope - real.value) <= real.error) & (real.error <= BELIEVABLE * np.abs(slope))
    error = np.where(agrees, np.minimum(real.error, 1e-13 * np.abs(slope) + rounding), real.error)
    return NumericalDerivative(np.where(agrees, slope, real.value), error)


def apply_stencil(
    stencil: Vector, values: Vector, step: float, epsilon: Vector | float
) -> tuple[Vector, Vector, Vector]:
    """The derivative at a stencil, what the polynomial leaves out, and the noise (infinite where a value is)."""
    slope, coarser, *noises = stencil @ values
    largest = np.max(np.abs(values), axis=0)
    noise = np.max(np.abs(noises), axis=0) + epsilon * largest / NOISE_FACTOR
    good = np.isfinite(largest)
    value = np.where(good, slope, 0) / step
    return value, np.where(good, np.abs(slope - coarser) / step, np.inf), np.where(good, noise, np.inf)


def error_bound(stencil: Vector, truncation: Vector, noise: Vector, step: Vector | float) -> Vector:
    """The error of a derivative: what the polynomial leaves out, and the noise divided by the step."""
    return np.asarray(truncation + NOISE_FACTOR * noise * (np.linalg.norm(stencil[0]) / step))

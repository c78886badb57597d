"""Initial values whose distribution does not depend on the layer: constant, uniform, normal, truncated normal."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import TypeGuard

import numpy as np

from minigrad.autograd.tensor import default_dtype
from minigrad.errors import UsageError
from minigrad.init.skipping import skippable
from minigrad.kernels.buffers import passing_zeros
from minigrad.rng import default_rng
from minigrad.typing import Array, Shape

Rng = np.random.Generator | None

DRAWN_AT_ONCE = 1 << 16
"""Numbers that are drawn before they are rounded."""


def constant(shape: Shape, value: float = 0.0) -> Array:
    """The same value everywhere. (Weights that are all equal stay equal in training: use it for biases.)

    Args:
        shape: of the result.
        value: what it is filled with (default 0.0).

    Returns:
        An array in the default dtype.

    >>> constant((2,), 0.5)
    array([0.5, 0.5], dtype=float32)
    """
    return np.full(shape, value, default_dtype())


def zeros(shape: Shape) -> Array:
    """0 everywhere.

    Args:
        shape: of the result.

    Returns:
        An array in the default dtype.
    """
    return constant(shape, 0.0)


def ones(shape: Shape) -> Array:
    """1 everywhere.

    Args:
        shape: of the result.

    Returns:
        An array in the default dtype.
    """
    return constant(shape, 1.0)


@skippable
def uniform(shape: Shape, low: float = 0.0, high: float = 1.0, rng: Rng = None) -> Array:
    """Uniform in [low, high).

    Args:
        shape: of the result.
        low: the least value (default 0.0).
        high: the bound above, not below low (default 1.0).
        rng: draws; the default generator unless given.

    Returns:
        An array in the default dtype.

    Raises:
        UsageError: low is above high, or one of them is no number.
    """
    if not (is_number(low) and is_number(high) and low <= high):
        raise UsageError(f"uniform: needs numbers low <= high, got {low!r} and {high!r}")
    generator = rng or default_rng()
    return _drawn(lambda count: generator.uniform(low, high, count), shape)


@skippable
def normal(shape: Shape, mean: float = 0.0, std: float = 1.0, rng: Rng = None) -> Array:
    """Normal, also known as Gaussian.

    Args:
        shape: of the result.
        mean: of the distribution (default 0.0).
        std: its standard deviation, of at least 0 (default 1.0).
        rng: draws; the default generator unless given.

    Returns:
        An array in the default dtype.

    Raises:
        UsageError: std is negative, or one of the settings is no number.
    """
    if not (is_number(mean) and is_number(std) and std >= 0):
        raise UsageError(f"normal: needs numbers mean and std >= 0, got {mean!r} and {std!r}")
    generator = rng or default_rng()
    return _drawn(lambda count: generator.normal(mean, std, count), shape)


def _drawn(draw: Callable[[int], Array], shape: Shape) -> Array:
    """Numbers in the default dtype. They are drawn in double precision, a block at a time: the same numbers as at once,
    without a copy of the whole that is twice as large. A Tensor copies them; their memory then goes back."""
    values = passing_zeros(shape, default_dtype())
    flat = values.reshape(-1)
    for start in range(0, flat.size, DRAWN_AT_ONCE):
        part = flat[start : start + DRAWN_AT_ONCE]
        part[:] = draw(part.size)
    return values


@skippable
def truncated_normal(
    shape: Shape, mean: float = 0.0, std: float = 1.0, low: float = -2.0, high: float = 2.0, rng: Rng = None
) -> Array:
    """Normal, but only values in [low, high].

    Values are drawn uniformly and kept with a probability in proportion to the normal density.

    Args:
        shape: of the result.
        mean: of the normal distribution (default 0.0).
        std: its standard deviation, above 0 (default 1.0).
        low: the least value, not in units of std (default -2.0).
        high: the largest value, above low (default 2.0).
        rng: draws; the default generator unless given.

    Returns:
        An array in the default dtype.

    Raises:
        UsageError: low is not below high, or std is not positive.

    Source: von Neumann 1951, "Various techniques used in connection with random digits" (rejection).
    """
    if not (low < high and std > 0):
        raise UsageError(f"truncated_normal: needs low < high and std > 0, got {low}, {high} and {std}")
    a, b = (low - mean) / std, (high - mean) / std
    nearest = min(max(0.0, a), b)
    far = math.sqrt(nearest**2 + 80)  # out there the density is e^-40 of its highest value
    a, b = max(a, -far), min(b, far)
    generator, parts, missing = rng or default_rng(), [np.empty(0)], math.prod(shape)
    while missing > 0:
        z = generator.uniform(a, b, max(100, 2 * missing))
        kept = z[generator.random(len(z)) < np.exp((nearest**2 - z**2) / 2)][:missing]
        parts.append(kept)
        missing -= len(kept)
    values = np.clip(mean + std * np.concatenate(parts), low, high)
    return values.reshape(shape).astype(default_dtype())


def is_number(value: object) -> TypeGuard[float]:
    """Whether a setting is a number, and not NaN."""
    return isinstance(value, Real) and not math.isnan(value)

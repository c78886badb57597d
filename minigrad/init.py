"""How weights begin. Each function fills an array of the given shape; fan-in counts what one output is summed from.

A weight has shape (O, D) or (O, C, P, Q): fan_in = D or C*P*Q, fan_out = O or O*P*Q.
"""

from __future__ import annotations

import math

import numpy as np

from minigrad.rng import default_rng
from minigrad.tensor import Array, default_dtype

Shape = tuple[int, ...]
Rng = np.random.Generator | None


def fans(shape: Shape) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight."""
    area = math.prod(shape[2:])
    return shape[1] * area, shape[0] * area


def constant(shape: Shape, value: float = 0.0) -> Array:
    """Everywhere the same. (Weights that all begin alike stay alike: use it for biases.)"""
    return np.full(shape, value, default_dtype())


def uniform(shape: Shape, low: float = 0.0, high: float = 1.0, rng: Rng = None) -> Array:
    """Uniform in [low, high)."""
    return (rng or default_rng()).uniform(low, high, shape).astype(default_dtype())


def normal(shape: Shape, mean: float = 0.0, std: float = 1.0, rng: Rng = None) -> Array:
    """Gaussian."""
    return (rng or default_rng()).normal(mean, std, shape).astype(default_dtype())


def xavier_uniform(shape: Shape, gain: float = 1.0, rng: Rng = None) -> Array:
    """Uniform with variance gain^2 * 2 / (fan_in + fan_out): keeps signals and gradients alike in size.

    Source: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks".
    """
    bound = gain * math.sqrt(6 / sum(fans(shape)))
    return uniform(shape, -bound, bound, rng)


def xavier_normal(shape: Shape, gain: float = 1.0, rng: Rng = None) -> Array:
    """Gaussian with variance gain^2 * 2 / (fan_in + fan_out). Source: as `xavier_uniform`."""
    return normal(shape, 0.0, gain * math.sqrt(2 / sum(fans(shape))), rng)


def he_uniform(shape: Shape, gain: float = math.sqrt(2), rng: Rng = None) -> Array:
    """Uniform with variance gain^2 / fan_in; the gain sqrt(2) is ReLU's, which loses half of the signal.

    Source: He et al. 2015, "Delving deep into rectifiers", arXiv:1502.01852.
    """
    bound = gain * math.sqrt(3 / fans(shape)[0])
    return uniform(shape, -bound, bound, rng)


def he_normal(shape: Shape, gain: float = math.sqrt(2), rng: Rng = None) -> Array:
    """Gaussian with variance gain^2 / fan_in. Source: as `he_uniform`."""
    return normal(shape, 0.0, gain / math.sqrt(fans(shape)[0]), rng)


def by_fan_in(shape: Shape, fan_in: int, rng: Rng = None) -> Array:
    """Uniform in +-1/sqrt(fan_in): the default of Linear and Conv2d, weights and biases, as in PyTorch."""
    bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0.0
    return uniform(shape, -bound, bound, rng)

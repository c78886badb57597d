"""Elementwise functions and derivative rules whose compiled twins pass over memory once."""

import numpy as np

from .jit import twin
from .windows import Array


@twin
def tanh(x: Array) -> Array:
    """tanh(x)."""
    out: Array = np.tanh(x)
    return out


@twin
def relu(x: Array) -> Array:
    """max(x, 0); NaN stays NaN."""
    out: Array = np.maximum(x, 0)
    return out


@twin
def tanh_vjp(g: Array, out: Array) -> Array:
    """g (1 - out²)."""
    slope: Array = g * (1 - out * out)
    return slope


@twin
def sigmoid_vjp(g: Array, out: Array) -> Array:
    """g out (1 - out)."""
    slope: Array = g * (out * (1 - out))
    return slope


@twin
def relu_vjp(g: Array, out: Array) -> Array:
    """g where out > 0, else 0."""
    return np.where(out > 0, g, np.zeros((), g.dtype))

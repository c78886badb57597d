"""Elementwise functions and derivative rules whose compiled variants pass over memory once."""

import numpy as np

from minigrad.typing import Array

from . import error_function
from .jit import with_compiled_variant


@with_compiled_variant
def tanh(x: Array) -> Array:
    """tanh(x)."""
    out: Array = np.tanh(x)
    return out


@with_compiled_variant
def relu(x: Array) -> Array:
    """max(x, 0); NaN stays NaN."""
    out: Array = np.maximum(x, 0)
    return out


@with_compiled_variant
def erf(x: Array) -> Array:
    """The error function, 2/√π times the integral of exp(-t²) from 0 to x."""
    return error_function.erf(x)


@with_compiled_variant
def erfc(x: Array) -> Array:
    """1 - erf(x), without cancellation where that is small."""
    return error_function.erfc(x)


@with_compiled_variant
def tanh_vjp(g: Array, out: Array) -> Array:
    """g (1 - out²)."""
    slope: Array = g * (1 - out * out)
    return slope


@with_compiled_variant
def sigmoid_vjp(g: Array, out: Array) -> Array:
    """g out (1 - out)."""
    slope: Array = g * (out * (1 - out))
    return slope


@with_compiled_variant
def relu_vjp(g: Array, out: Array) -> Array:
    """g where out > 0, else 0."""
    return np.where(out > 0, g, np.zeros((), g.dtype))

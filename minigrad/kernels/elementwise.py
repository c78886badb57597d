"""Elementwise functions that gain from one pass over memory."""
import numpy as np
from .jit import twin
from .windows import Array


@twin
def tanh(x: Array) -> Array:
    return np.tanh(x)

@twin
def relu(x: Array) -> Array:
    return np.maximum(x, 0)

@twin
def tanh_vjp(g: Array, out: Array) -> Array:
    return g * (1 - out * out)

@twin
def sigmoid_vjp(g: Array, out: Array) -> Array:
    return g * out * (1 - out)

@twin
def relu_vjp(g: Array, out: Array) -> Array:
    return np.where(out > 0, g, np.zeros((), g.dtype))

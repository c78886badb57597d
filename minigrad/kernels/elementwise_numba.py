"""Elementwise functions in one pass, in a few threads.

A kernel loops from 0 over slices: then Numba knows that no index is negative, and LLVM can use vector registers.
"""

import math

import numpy as np

from minigrad.typing import Array

from .array_utils import as_contiguous
from .jit import VariantResult, compiled
from .threads import Kernel, parallel

GRAIN = 1 << 14  # elements for which a thread pays


def tanh(x: Array) -> VariantResult:
    """See `elementwise.tanh`."""
    return _fused(_tanh if x.dtype == np.float32 else _numpy_tanh, x)


def relu(x: Array) -> VariantResult:
    """See `elementwise.relu`."""
    return _fused(_relu, x)


def erf(x: Array) -> VariantResult:
    """See `elementwise.erf`."""
    return _fused(_erf, x)


def erfc(x: Array) -> VariantResult:
    """See `elementwise.erfc`."""
    return _fused(_erfc, x)


def tanh_vjp(g: Array, out: Array) -> VariantResult:
    """See `elementwise.tanh_vjp`."""
    return _fused(_tanh_vjp, g, out)


def sigmoid_vjp(g: Array, out: Array) -> VariantResult:
    """See `elementwise.sigmoid_vjp`."""
    return _fused(_sigmoid_vjp, g, out)


def relu_vjp(g: Array, out: Array) -> VariantResult:
    """See `elementwise.relu_vjp`."""
    return _fused(_relu_vjp, g, out)


def _fused(kernel: Kernel, *args: Array) -> VariantResult:
    """One new array, computed from `args` element by element."""
    first = args[0]
    if first.dtype not in (np.float32, np.float64) or any(
        x.shape != first.shape or x.dtype != first.dtype or not is_dense_in_rows(x) for x in args
    ):
        return NotImplemented
    y = np.empty(first.shape, first.dtype)
    parallel(kernel, first.size, y.reshape(-1), *(as_contiguous(x).reshape(-1) for x in args), grain=GRAIN)
    return y


def is_dense_in_rows(x: Array) -> bool:
    """Whether x is dense, or a part of something dense, such as some channels of an image: that is soon copied."""
    return x.flags.carray or (x.ndim > 0 and x.flags.aligned and x.strides[-1] == x.itemsize)


@compiled
def _tanh(y: Array, x: Array, start: int, stop: int) -> None:
    """A quotient of polynomials that is within 5 units in the last place: Eigen's `ptanh_float`."""
    f = np.float32
    y, x = y[start:stop], x[start:stop]
    for i in range(len(y)):
        u = x[i]
        u = f(8) if u > f(8) else (f(-8) if u < f(-8) else u)  # NaN passes; far out it stays at 1 - 2.4e-7
        v = u * u
        p = f(-2.76076847742355e-16) * v + f(2.00018790482477e-13)
        p = p * v + f(-8.60467152213735e-11)
        p = p * v + f(5.12229709037114e-08)
        p = p * v + f(1.48572235717979e-05)
        p = p * v + f(6.37261928875436e-04)
        p = p * v + f(4.89352455891786e-03)
        q = f(1.19825839466702e-06) * v + f(1.18534705686654e-04)
        q = q * v + f(2.26843463243900e-03)
        q = q * v + f(4.89352518554385e-03)
        y[i] = u * p / q


def _numpy_tanh(y: Array, x: Array, start: int, stop: int) -> None:
    np.tanh(x[start:stop], out=y[start:stop])


@compiled
def _erf(y: Array, x: Array, start: int, stop: int) -> None:
    y, x = y[start:stop], x[start:stop]
    for i in range(len(y)):
        y[i] = math.erf(x[i])


@compiled
def _erfc(y: Array, x: Array, start: int, stop: int) -> None:
    y, x = y[start:stop], x[start:stop]
    for i in range(len(y)):
        y[i] = math.erfc(x[i])


@compiled
def _relu(y: Array, x: Array, start: int, stop: int) -> None:
    zero = x.dtype.type(0)
    y, x = y[start:stop], x[start:stop]
    for i in range(len(y)):
        y[i] = zero if x[i] <= zero else x[i]


@compiled
def _tanh_vjp(y: Array, g: Array, out: Array, start: int, stop: int) -> None:
    one = g.dtype.type(1)
    y, g, out = y[start:stop], g[start:stop], out[start:stop]
    for i in range(len(y)):
        y[i] = g[i] * (one - out[i] * out[i])


@compiled
def _sigmoid_vjp(y: Array, g: Array, out: Array, start: int, stop: int) -> None:
    one = g.dtype.type(1)
    y, g, out = y[start:stop], g[start:stop], out[start:stop]
    for i in range(len(y)):
        y[i] = g[i] * out[i] * (one - out[i])


@compiled
def _relu_vjp(y: Array, g: Array, out: Array, start: int, stop: int) -> None:
    zero = g.dtype.type(0)
    y, g, out = y[start:stop], g[start:stop], out[start:stop]
    for i in range(len(y)):
        y[i] = g[i] if out[i] > zero else zero

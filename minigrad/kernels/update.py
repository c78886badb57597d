"""Optimizer updates, in place. All arrays are flat, contiguous and of one dtype.

The definitions go through their arrays in blocks that stay in the processor's cache: however many steps the formula
has, each array passes through memory once. The compiled twins need one pass anyway.
"""

import math
from collections.abc import Iterator

import numpy as np

from .jit import twin
from .windows import Array

BLOCK = 1 << 16  # numbers: of float32, 256 KB an array


def blocks(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    """The arrays in blocks, each with a block of scratch behind."""
    size = arrays[0].size
    scratch = np.empty(min(BLOCK, size), arrays[0].dtype)
    for start in range(0, size, BLOCK):
        stop = min(start + BLOCK, size)
        yield (*[array[start:stop] for array in arrays], scratch[: stop - start])


@twin
def sgd(p: Array, g: Array, *, lr: float, weight_decay: float) -> None:
    """p <- p - lr * (g + weight_decay * p)."""
    for p_, g_, scratch in blocks(p, g):
        np.multiply(p_, weight_decay, out=scratch)
        scratch += g_
        scratch *= lr
        p_ -= scratch


@twin
def sgd_momentum(
    p: Array,
    g: Array,
    v: Array,
    *,
    lr: float,
    weight_decay: float,
    momentum: float,
    gain: float,
    nesterov: bool,
) -> None:
    """d = g + weight_decay * p;  v <- momentum * v + gain * d;  p <- p - lr * (d + momentum * v if nesterov else v)."""
    for p_, g_, v_, d in blocks(p, g, v):
        np.multiply(p_, weight_decay, out=d)
        d += g_
        v_ *= momentum
        if nesterov:  # gain is 1
            v_ += d
            d += momentum * v_
        else:
            d *= gain
            v_ += d
            d[:] = v_
        d *= lr
        p_ -= d


@twin
def adam(
    p: Array,
    g: Array,
    m: Array,
    s: Array,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    step: int,
) -> None:
    """See `minigrad.optim.Adam`."""
    for p_, g_, m_, s_, scratch in blocks(p, g, m, s):
        d = g_ + weight_decay * p_ if weight_decay else g_
        m_ *= beta1
        m_ += np.multiply(d, 1 - beta1, out=scratch)
        s_ *= beta2
        np.multiply(d, d, out=scratch)
        scratch *= 1 - beta2
        s_ += scratch
        np.sqrt(s_, out=scratch)
        scratch /= math.sqrt(1 - beta2**step)
        scratch += eps
        np.divide(m_, scratch, out=scratch)
        scratch *= lr / (1 - beta1**step)
        p_ -= scratch

"""Optimizer updates in one pass over memory, in a few threads."""

import math
from typing import Any

import numpy as np

from .jit import Answer, compiled
from .threads import parallel
from .windows import Array

GRAIN = 1 << 18  # numbers for which a thread pays: right after a product, BLAS still holds the other processors


def sgd(p: Array, g: Array, *, lr: float, weight_decay: float) -> Answer:
    """See `update.sgd`."""
    return _run(_sgd, p, (g,), lr, weight_decay)


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
) -> Answer:
    """See `update.sgd_momentum`."""
    # p - lr * (ahead * d + along * v) is the plain step for (0, 1), and Nesterov's for (1, momentum)
    ahead, along = (1.0, momentum) if nesterov else (0.0, 1.0)
    return _run(_sgd_momentum, p, (g, v), lr, weight_decay, momentum, gain, ahead, along)


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
) -> Answer:
    """See `update.adam`."""
    rate, unbias = lr / (1 - beta1**step), 1 / math.sqrt(1 - beta2**step)
    return _run(_adam, p, (g, m, s), rate, unbias, beta1, beta2, eps, weight_decay, 1 - beta1, 1 - beta2)


def _run(kernel: Any, p: Array, arrays: tuple[Array, ...], *numbers: float) -> Answer:
    """One pass of a kernel over the arrays, with the numbers in their dtype."""
    if p.dtype not in (np.float32, np.float64):
        return NotImplemented
    parallel(kernel, p.size, p, *arrays, *[p.dtype.type(number) for number in numbers], grain=GRAIN)
    return None


@compiled
def _sgd(p: Any, g: Any, lr: Any, decay: Any, start: Any, stop: Any) -> None:
    p, g = p[start:stop], g[start:stop]
    for i in range(len(p)):
        p[i] -= lr * (g[i] + decay * p[i])


@compiled
def _sgd_momentum(
    p: Any, g: Any, v: Any, lr: Any, decay: Any, momentum: Any, gain: Any, ahead: Any, along: Any, start: Any, stop: Any
) -> None:
    p, g, v = p[start:stop], g[start:stop], v[start:stop]
    for i in range(len(p)):
        d = g[i] + decay * p[i]
        v[i] = momentum * v[i] + gain * d
        p[i] -= lr * (ahead * d + along * v[i])


@compiled
def _adam(
    p: Any, g: Any, m: Any, s: Any, rate: Any, unbias: Any, beta1: Any, beta2: Any, eps: Any, decay: Any,
    gain1: Any, gain2: Any, start: Any, stop: Any,
) -> None:  # fmt: skip
    p, g, m, s = p[start:stop], g[start:stop], m[start:stop], s[start:stop]
    for i in range(len(p)):
        d = g[i] + decay * p[i]
        m[i] = beta1 * m[i] + gain1 * d
        s[i] = beta2 * s[i] + gain2 * d * d
        p[i] -= rate * m[i] / (math.sqrt(s[i]) * unbias + eps)

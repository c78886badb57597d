"""Optimizer updates in one pass over memory, in a few threads.

The compiled functions get each setting in the arrays' dtype. A function is compiled for each set of arrays: what
stands under `x is not None` is left out where there is no x. Tuples in place of arrays stand for several parameters.

Each turn of a loop reads first and writes last. Large arrays begin at like addresses, and a processor takes a read
that follows a write to an address with the same low 12 bits for one of the same place: it waits.
"""

import math
from itertools import repeat
from typing import Any, TypeAlias

import numpy as np

from minigrad.typing import Array

from .jit import VariantResult, compiled
from .outer_product import OuterProduct
from .outer_update_numba import update_by_blocks
from .threads import Kernel, parallel

Arrays: TypeAlias = Array | tuple[Array, ...]

GRAIN = 1 << 18  # numbers for which a thread pays: right after a product, BLAS still holds the other processors


def sgd(p: Arrays, g: Arrays, *, sign: float, weight_decay: float, lr: float) -> VariantResult:
    """See `update.sgd`."""
    return _run(_sgd, p, (g,), sign, weight_decay, lr)


def sgd_momentum(
    p: Arrays, g: Arrays, v: Arrays, *, sign: float, weight_decay: float, lr: float, momentum: float, gain: float,
    nesterov: bool,
) -> VariantResult:  # fmt: skip
    """See `update.sgd_momentum`."""
    # p - lr * (g_scale * d + m_scale * v) is the plain step for (0, 1), and Nesterov's for (1, momentum)
    g_scale, m_scale = (1.0, momentum) if nesterov else (0.0, 1.0)
    return _run(_sgd_momentum, p, (g, v), sign, weight_decay, lr, momentum, gain, g_scale, m_scale)


def lion(
    p: Arrays, g: Arrays, m: Arrays, *, sign: float, shrink: float, lr: float, beta1: float, beta2: float
) -> VariantResult:
    """See `update.lion`."""
    return _run(_lion, p, (g, m), sign, shrink, lr, beta1, 1 - beta1, beta2, 1 - beta2)


def adagrad(
    p: Arrays, g: Arrays, s: Arrays, *, sign: float, weight_decay: float, lr: float, eps: float
) -> VariantResult:
    """See `update.adagrad`."""
    return _run(_adagrad, p, (g, s), sign, weight_decay, lr, eps)


def adadelta(
    p: Arrays, g: Arrays, s: Arrays, a: Arrays, *, sign: float, weight_decay: float, lr: float, rho: float, eps: float
) -> VariantResult:
    """See `update.adadelta`."""
    return _run(_adadelta, p, (g, s, a), sign, weight_decay, lr, rho, 1 - rho, eps)


def rmsprop(
    p: Arrays, g: Arrays, s: Arrays, m: Arrays | None, v: Arrays | None, *, sign: float, weight_decay: float, lr: float,
    alpha: float, eps: float, momentum: float,
) -> VariantResult:  # fmt: skip
    """See `update.rmsprop`."""
    return _run(_rmsprop, p, (g, s, m, v), sign, weight_decay, lr, alpha, 1 - alpha, eps, momentum, 0.0)


def adam(
    p: Arrays, g: Arrays, m: Arrays, s: Arrays, largest: Arrays | None = None, *, sign: float,
    weight_decay: float, shrink: float, beta1: float, beta2: float, g_scale: float, m_scale: float,
    root_scale: float, eps: float,
) -> VariantResult:  # fmt: skip
    """See `update.adam`."""
    numbers = sign, weight_decay, shrink, beta1, 1 - beta1, beta2, 1 - beta2, g_scale, m_scale, root_scale, eps
    return _run(_adam, p, (g, m, s, largest), *numbers)


def adam_direction(
    u: Arrays, g: Arrays, m: Arrays, s: Arrays, p: Arrays, *, sign: float, weight_decay: float, beta1: float,
    beta2: float, m_scale: float, root_scale: float, eps: float,
) -> VariantResult:  # fmt: skip
    """See `update.adam_direction`."""
    numbers = sign, weight_decay, beta1, 1 - beta1, beta2, 1 - beta2, m_scale, root_scale, eps
    return _run(_adam_direction, u, (g, m, s, p), *numbers)


def adamax(
    p: Arrays, g: Arrays, m: Arrays, u: Arrays, *, sign: float, weight_decay: float, lr: float, beta1: float,
    beta2: float, eps: float,
) -> VariantResult:  # fmt: skip
    """See `update.adamax`."""
    return _run(_adamax, p, (g, m, u), sign, weight_decay, lr, beta1, 1 - beta1, beta2, eps)


def blend(mean: Arrays, x: Arrays, *, share: float) -> VariantResult:
    """See `update.blend`."""
    return _run(_blend, mean, (x,), share)


def _run(kernel: Kernel, p: Arrays, arrays: tuple[Arrays | None, ...], *numbers: float) -> VariantResult:
    """One pass of a kernel over the arrays, with the numbers in their dtype."""
    dtype = p.dtype if isinstance(p, np.ndarray) else p[0].dtype
    if dtype not in (np.float32, np.float64):
        return NotImplemented
    given = [*map(dtype.type, numbers)]
    several: Any = [(p, *arrays)]
    if not isinstance(p, np.ndarray):
        several = zip(p, *[repeat(None) if each is None else each for each in arrays], strict=False)
    for each in several:
        size = each[0].size
        if type(each[1]) is OuterProduct:
            update_by_blocks(kernel, each[0], each[1], each[2:], *given)
        elif size < 2 * GRAIN:
            kernel(*each, *given, 0, size)
        else:
            parallel(kernel, size, *each, *given, grain=GRAIN)
    return None


@compiled
def _sgd(p: Array, g: Array, sign: float, decay: float, lr: float, start: int, stop: int) -> None:
    p, g = p[start:stop], g[start:stop]
    for i in range(len(p)):
        p[i] -= lr * (sign * g[i] + decay * p[i])


@compiled
def _sgd_momentum(
    p: Array, g: Array, v: Array, sign: float, decay: float, lr: float, momentum: float, gain: float, g_scale: float,
    m_scale: float, start: int, stop: int,
) -> None:  # fmt: skip
    p, g, v = p[start:stop], g[start:stop], v[start:stop]
    for i in range(len(p)):
        x, d, direction = p[i], sign * g[i], v[i]
        d += decay * x
        direction = momentum * direction + gain * d
        v[i] = direction
        p[i] = x - lr * (g_scale * d + m_scale * direction)


@compiled
def _lion(
    p: Array, g: Array, m: Array, sign: float, shrink: float, lr: float, beta1: float, gain1: float, beta2: float,
    gain2: float, start: int, stop: int,
) -> None:  # fmt: skip
    p, g, m = p[start:stop], g[start:stop], m[start:stop]
    for i in range(len(p)):
        x, d, mean = p[i], sign * g[i], m[i]
        c = beta1 * mean + gain1 * d
        step = lr if c > 0 else -lr if c < 0 else lr * c  # 0, and what is not a number, stay what they are
        p[i] = shrink * x - step
        m[i] = beta2 * mean + gain2 * d


@compiled
def _adagrad(
    p: Array, g: Array, s: Array, sign: float, decay: float, lr: float, eps: float, start: int, stop: int,
) -> None:  # fmt: skip
    p, g, s = p[start:stop], g[start:stop], s[start:stop]
    for i in range(len(p)):
        x, d, square = p[i], sign * g[i], s[i]
        d += decay * x
        square += d * d
        s[i] = square
        p[i] = x - lr * d / (math.sqrt(square) + eps)


@compiled
def _adadelta(
    p: Array, g: Array, s: Array, a: Array, sign: float, decay: float, lr: float, rho: float, gain: float, eps: float,
    start: int, stop: int,
) -> None:  # fmt: skip
    p, g, s, a = p[start:stop], g[start:stop], s[start:stop], a[start:stop]
    for i in range(len(p)):
        x, d, square, moved = p[i], sign * g[i], s[i], a[i]
        d += decay * x
        square = rho * square + gain * (d * d)
        u = math.sqrt(moved + eps) / math.sqrt(square + eps) * d
        s[i] = square
        a[i] = rho * moved + gain * (u * u)
        p[i] = x - lr * u


@compiled
def _rmsprop(
    p: Array, g: Array, s: Array, m: Array | None, v: Array | None, sign: float, decay: float, lr: float, alpha: float,
    gain: float, eps: float, momentum: float, zero: float, start: int, stop: int,
) -> None:  # fmt: skip
    p, g, s = p[start:stop], g[start:stop], s[start:stop]
    if m is not None:
        means = m[start:stop]
    if v is not None:
        directions = v[start:stop]
    for i in range(len(p)):
        x, d, square = p[i], sign * g[i], s[i]
        d += decay * x
        square = spread = alpha * square + gain * (d * d)
        if m is not None:
            mean = alpha * means[i] + gain * d
            spread -= mean * mean
            spread = zero if spread < zero else spread  # rounding may lead below 0
        u = d / (math.sqrt(spread) + eps)
        if v is not None:
            u += momentum * directions[i]
        s[i] = square
        if m is not None:
            means[i] = mean
        if v is not None:
            directions[i] = u
        p[i] = x - lr * u


@compiled
def _adam(
    p: Array, g: Array, m: Array, s: Array, largest: Array | None, sign: float, decay: float, shrink: float,
    beta1: float, gain1: float, beta2: float, gain2: float, g_scale: float, m_scale: float, root_scale: float,
    eps: float, start: int, stop: int,
) -> None:  # fmt: skip
    p, g, m, s = p[start:stop], g[start:stop], m[start:stop], s[start:stop]
    if largest is not None:
        top = largest[start:stop]
    for i in range(len(p)):
        x, d, mean, square = p[i], sign * g[i], m[i], s[i]
        d += decay * x
        mean = beta1 * mean + gain1 * d
        square = beta2 * square + gain2 * (d * d)
        deciding = square
        if largest is not None:
            former = top[i]
            deciding = former if former > square or former != former else square
        m[i], s[i] = mean, square
        if largest is not None:
            top[i] = deciding
        p[i] = shrink * x - (g_scale * d + m_scale * mean) / (root_scale * math.sqrt(deciding) + eps)


@compiled
def _adam_direction(
    u: Array, g: Array, m: Array, s: Array, p: Array, sign: float, decay: float, beta1: float, gain1: float,
    beta2: float, gain2: float, m_scale: float, root_scale: float, eps: float, start: int, stop: int,
) -> None:  # fmt: skip
    p, g, m, s, u = p[start:stop], g[start:stop], m[start:stop], s[start:stop], u[start:stop]
    for i in range(len(p)):
        x, d, mean, square = p[i], sign * g[i], m[i], s[i]
        mean = beta1 * mean + gain1 * d
        square = beta2 * square + gain2 * (d * d)
        m[i], s[i] = mean, square
        u[i] = m_scale * mean / (root_scale * math.sqrt(square) + eps) + decay * x


@compiled
def _adamax(
    p: Array, g: Array, m: Array, u: Array, sign: float, decay: float, lr: float, beta1: float, gain1: float,
    beta2: float, eps: float, start: int, stop: int,
) -> None:  # fmt: skip
    p, g, m, u = p[start:stop], g[start:stop], m[start:stop], u[start:stop]
    for i in range(len(p)):
        x, d, mean, former = p[i], sign * g[i], m[i], beta2 * u[i]
        d += decay * x
        mean = beta1 * mean + gain1 * d
        now = abs(d) + eps
        largest = former if former > now or former != former else now
        m[i], u[i] = mean, largest
        p[i] = x - lr * mean / largest


@compiled
def _blend(mean: Array, x: Array, share: float, start: int, stop: int) -> None:
    mean, x = mean[start:stop], x[start:stop]
    for i in range(len(mean)):
        mean[i] += share * (x[i] - mean[i])

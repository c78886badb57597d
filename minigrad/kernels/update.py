"""Optimizer updates, in place. All arrays are flat, contiguous and of one dtype; one that may be missing may be None.

The definitions go through their arrays in blocks that stay in the processor's cache: however many steps the formula
has, each array passes through memory once. The compiled variants need one pass anyway.

All begin alike: `d = sign * g + weight_decay * p`, with a sign of -1 where the optimizer is to climb. With `shrink`,
p shrinks to shrink * p before its step (decoupled weight decay).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minigrad.typing import Array

from .jit import compiled_variant, with_compiled_variant
from .outer_product import OuterProduct

BLOCK = 1 << 14  # numbers: of float32, 64 KB an array, so that some arrays and their scratch fit the inner caches
SCRATCH = 3


def together(
    kernel: Callable[..., None], several: Sequence[tuple[Array | OuterProduct, ...]], settings: dict[str, Any]
) -> None:
    """Call kernel(*arrays, **settings) for each of several parameters of one dtype, compiled if that is possible.

    A call for itself takes longer than the work where a parameter is small; and whether it is compiled, which shows in
    the last digits, would depend on its size.
    """
    variant = compiled_variant(kernel)
    if variant is None or variant(*zip(*several, strict=True), **settings) is NotImplemented:
        for p, g, *state in several:
            kernel(p, g.whole() if isinstance(g, OuterProduct) else g, *state, **settings)


def blocks(p: Array, g: Array, *state: Array | None, sign: float, weight_decay: float) -> Iterator[tuple[Any, ...]]:
    """(p, *state, d, two more of scratch), block after block; what is None in the state stays None."""
    scratch = np.empty((SCRATCH, min(BLOCK, p.size)), p.dtype)
    for start in range(0, p.size, BLOCK):
        part: tuple[Any, ...] = (p, g, *state)
        if p.size > BLOCK:
            part = tuple([array if array is None else array[start : start + BLOCK] for array in part])
        p_, g_, *state_ = part
        d, *more = scratch if p_.size == scratch.shape[1] else scratch[:, : p_.size]
        np.multiply(g_, sign, out=d)
        if weight_decay:
            d += np.multiply(p_, weight_decay, out=more[0])
        yield p_, *state_, d, *more


def update_mean(mean: Array, x: Array, beta: float, scratch: Array) -> None:
    """mean <- beta * mean + (1 - beta) * x."""
    mean *= beta
    mean += np.multiply(x, 1 - beta, out=scratch)


def update_mean_square(mean: Array, x: Array, beta: float, scratch: Array) -> None:
    """mean <- beta * mean + (1 - beta) * x^2."""
    np.multiply(x, x, out=scratch)
    scratch *= 1 - beta
    mean *= beta
    mean += scratch


@with_compiled_variant
def sgd(p: Array, g: Array, *, sign: float, weight_decay: float, lr: float) -> None:
    """p <- p - lr * d."""
    for p_, d, _, _ in blocks(p, g, sign=sign, weight_decay=weight_decay):
        d *= lr
        p_ -= d


@with_compiled_variant
def sgd_momentum(
    p: Array,
    g: Array,
    v: Array,
    *,
    sign: float,
    weight_decay: float,
    lr: float,
    momentum: float,
    gain: float,
    nesterov: bool,
) -> None:
    """v <- momentum * v + gain * d;  p <- p - lr * (d + momentum * v if nesterov else v)."""
    for p_, v_, d, t, _ in blocks(p, g, v, sign=sign, weight_decay=weight_decay):
        v_ *= momentum
        v_ += np.multiply(d, gain, out=t)
        if nesterov:
            d += np.multiply(v_, momentum, out=t)
        else:
            d[:] = v_
        d *= lr
        p_ -= d


@with_compiled_variant
def lion(
    p: Array,
    g: Array,
    m: Array,
    *,
    sign: float,
    shrink: float,
    lr: float,
    beta1: float,
    beta2: float,
) -> None:
    """p <- shrink * p - lr * sign(beta1 * m + (1 - beta1) * d);  m <- beta2 * m + (1 - beta2) * d."""
    for p_, m_, d, t, u in blocks(p, g, m, sign=sign, weight_decay=0.0):
        np.multiply(m_, beta1, out=u)
        u += np.multiply(d, 1 - beta1, out=t)
        np.sign(u, out=u)
        u *= lr
        if shrink != 1:
            p_ *= shrink
        p_ -= u
        update_mean(m_, d, beta2, t)


@with_compiled_variant
def adagrad(p: Array, g: Array, s: Array, *, sign: float, weight_decay: float, lr: float, eps: float) -> None:
    """s <- s + d^2;  p <- p - lr * d / (sqrt(s) + eps)."""
    for p_, s_, d, t, _ in blocks(p, g, s, sign=sign, weight_decay=weight_decay):
        s_ += np.multiply(d, d, out=t)
        np.sqrt(s_, out=t)
        t += eps
        d /= t
        d *= lr
        p_ -= d


@with_compiled_variant
def adadelta(
    p: Array, g: Array, s: Array, a: Array, *, sign: float, weight_decay: float, lr: float, rho: float, eps: float
) -> None:
    """s <- mean of d^2;  u = sqrt(a + eps) / sqrt(s + eps) * d;  a <- mean of u^2;  p <- p - lr * u."""
    for p_, s_, a_, d, t, u in blocks(p, g, s, a, sign=sign, weight_decay=weight_decay):
        update_mean_square(s_, d, rho, t)
        np.add(a_, eps, out=u)
        np.sqrt(u, out=u)
        np.add(s_, eps, out=t)
        np.sqrt(t, out=t)
        u /= t
        u *= d
        update_mean_square(a_, u, rho, t)
        u *= lr
        p_ -= u


@with_compiled_variant
def rmsprop(
    p: Array,
    g: Array,
    s: Array,
    m: Array | None,
    v: Array | None,
    *,
    sign: float,
    weight_decay: float,
    lr: float,
    alpha: float,
    eps: float,
    momentum: float,
) -> None:
    """s <- mean of d^2, m <- mean of d;  u = d / (sqrt(s - m^2) + eps);  v <- momentum * v + u;  p <- p - lr * v.

    Without m: u = d / (sqrt(s) + eps). Without v: p <- p - lr * u.
    """
    for p_, s_, m_, v_, d, t, u in blocks(p, g, s, m, v, sign=sign, weight_decay=weight_decay):
        update_mean_square(s_, d, alpha, t)
        if m_ is None:
            np.sqrt(s_, out=u)
        else:
            update_mean(m_, d, alpha, t)
            np.multiply(m_, m_, out=t)
            np.subtract(s_, t, out=u)
            np.maximum(u, 0, out=u)  # rounding may lead below 0
            np.sqrt(u, out=u)
        u += eps
        d /= u
        if v_ is not None:
            v_ *= momentum
            v_ += d
            d[:] = v_
        d *= lr
        p_ -= d


@with_compiled_variant
def adam(
    p: Array,
    g: Array,
    m: Array,
    s: Array,
    largest: Array | None = None,
    *,
    sign: float,
    weight_decay: float,
    shrink: float,
    beta1: float,
    beta2: float,
    g_scale: float,
    m_scale: float,
    root_scale: float,
    eps: float,
) -> None:
    """m <- mean of d, s <- mean of d^2;  p <- shrink * p - (g_scale * d + m_scale * m) / (root_scale * sqrt(s) + eps).

    With `largest`, which keeps the largest s so far, that one takes the place of s in the step.
    """
    for p_, m_, s_, largest_, d, t, u in blocks(p, g, m, s, largest, sign=sign, weight_decay=weight_decay):
        update_mean(m_, d, beta1, t)
        update_mean_square(s_, d, beta2, t)
        np.sqrt(s_ if largest_ is None else np.maximum(largest_, s_, out=largest_), out=t)
        t *= root_scale
        t += eps
        np.multiply(m_, m_scale, out=u)
        if g_scale:
            d *= g_scale
            u += d
        u /= t
        if shrink != 1:
            p_ *= shrink
        p_ -= u


@with_compiled_variant
def adam_direction(
    u: Array,
    g: Array,
    m: Array,
    s: Array,
    p: Array,
    *,
    sign: float,
    weight_decay: float,
    beta1: float,
    beta2: float,
    m_scale: float,
    root_scale: float,
    eps: float,
) -> None:
    """m <- mean of d, s <- mean of d^2;  u <- m_scale * m / (root_scale * sqrt(s) + eps) + weight_decay * p.

    Here d = sign * g.
    """
    for u_, m_, s_, p_, d, t, _ in blocks(u, g, m, s, p, sign=sign, weight_decay=0.0):
        update_mean(m_, d, beta1, t)
        update_mean_square(s_, d, beta2, t)
        np.sqrt(s_, out=t)
        t *= root_scale
        t += eps
        np.multiply(m_, m_scale, out=u_)
        u_ /= t
        if weight_decay:
            u_ += np.multiply(p_, weight_decay, out=t)


@with_compiled_variant
def adamax(
    p: Array,
    g: Array,
    m: Array,
    u: Array,
    *,
    sign: float,
    weight_decay: float,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
) -> None:
    """m <- mean of d;  u <- max(beta2 * u, |d| + eps);  p <- p - lr * m / u."""
    for p_, m_, u_, d, t, _ in blocks(p, g, m, u, sign=sign, weight_decay=weight_decay):
        update_mean(m_, d, beta1, t)
        np.abs(d, out=d)
        d += eps
        u_ *= beta2
        np.maximum(u_, d, out=u_)
        np.divide(m_, u_, out=t)
        t *= lr
        p_ -= t


@with_compiled_variant
def blend(mean: Array, x: Array, *, share: float) -> None:
    """mean <- mean + share * (x - mean)."""
    scratch = np.empty(min(BLOCK, mean.size), mean.dtype)
    for start in range(0, mean.size, BLOCK):
        mean_, x_ = mean[start : start + BLOCK], x[start : start + BLOCK]
        t = np.subtract(x_, mean_, out=scratch[: mean_.size])
        t *= share
        mean_ += t

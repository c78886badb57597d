"""The linear recurrence y[k] = a[k] * y[k-1] + b[k] along the first axis, from y[-1] = 0."""

import math

import numpy as np

from minigrad.typing import Array

MIN_BLOCKED_LENGTH = 256  # steps: below, blocks save nothing,
MAX_BLOCKED_WIDTH = 256  # nor where a step has more numbers than this


def linear_scan(a: Array, b: Array) -> Array:
    """y like b, in about 3 sqrt(T) NumPy calls for T steps in place of T.

    The steps are cut into blocks. All blocks are run side by side as if each began from 0; then, block after block,
    what the one before ended with is added, times the product of the factors since. Where numbers are so large that
    such a product could leave the range of its dtype though no y does, the steps are taken one by one.
    """
    if len(b) < MIN_BLOCKED_LENGTH or b[0].size > MAX_BLOCKED_WIDTH or b.dtype.kind != "f":
        return step_by_step(a, b)
    length = math.isqrt(len(b) - 1) + 1
    shape = (-(-len(b) // length), length, *b.shape[1:])
    y, product = padded(b, shape), padded(a, shape)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for k in range(1, length):
            y[:, k] += product[:, k] * y[:, k - 1]  # product[:, k] is still a
            product[:, k] *= product[:, k - 1]
        for block, before in zip(range(1, len(y)), y, strict=False):
            y[block] += product[block] * before[-1]
    out: Array = y.reshape(-1, *b.shape[1:])[: len(b)]
    return out if np.abs(out).max() < 2.0 ** (np.finfo(out.dtype).maxexp // 3) else step_by_step(a, b)


def padded(x: Array, shape: tuple[int, ...]) -> Array:
    """A copy of x in blocks, zeros behind it."""
    out = np.zeros(shape, x.dtype)
    out.reshape(-1, *x.shape[1:])[: len(x)] = x
    return out


def step_by_step(a: Array, b: Array) -> Array:
    """The same by its definition."""
    y = np.array(b)
    for k in range(1, len(y)):
        y[k] += a[k] * y[k - 1]
    return y

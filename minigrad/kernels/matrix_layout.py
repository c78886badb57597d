"""Matrices where they lie: as parts of a larger array, as the heads of attention are, and results in the same order."""

from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minigrad.typing import Array, DType, Shape

from . import buffers
from .array_utils import as_contiguous

Matrices: TypeAlias = tuple[Array, Array, int]
"""Numbers in a vector, where in it each matrix begins, and how far apart the rows of one are."""


def empty_ordered(shape: Shape, dtype: DType, x: Array) -> Array:
    """A new array whose dimensions follow each other in memory as those of x, but for the last, which is last there."""
    order = [*sorted(range(x.ndim - 1), key=lambda k: -x.strides[k]), x.ndim - 1]
    out = buffers.empty(shape, dtype).reshape([shape[k] for k in order])
    return out.transpose(np.argsort(order))


def matrices(x: Array) -> Matrices:
    """The matrices of x; without a copy where the numbers of a row lie side by side."""
    steps = [step // x.itemsize for step in x.strides]
    if not (x.flags.behaved and x.strides[-1] == x.itemsize and min(steps) >= 0 < steps[-2]):
        x = as_contiguous(x)
        steps = [step // x.itemsize for step in x.strides]
    length = 1 + sum((count - 1) * step for count, step in zip(x.shape, steps, strict=True))
    return as_strided(x, (length,), (x.itemsize,)), _starts(x.shape[:-2], tuple(steps[:-2])), steps[-2]


def shared_matrices(x: Array, shape: Shape) -> Matrices:
    """The matrices of x broadcast to a shape: they may lie on each other, and are not to be written to."""
    first = tuple([slice(0, 1) if step == 0 else slice(None) for step in x.strides[:-1]])
    numbers = as_contiguous(np.broadcast_to(x[first], (*x[first].shape[:-1], shape[-1])))
    steps = [step // x.itemsize for step in np.broadcast_to(numbers, shape).strides]
    flat = numbers.reshape(-1)
    flat.flags.writeable = False
    return flat, _starts(shape[:-2], tuple(steps[:-2])), steps[-2]


@lru_cache(256)  # a network asks for the same few, in every step
def _starts(shape: Shape, steps: tuple[int, ...]) -> Array:
    """Where each matrix begins."""
    starts = np.zeros(1, np.intp)
    for count, step in zip(shape, steps, strict=True):
        starts = np.add.outer(starts, np.arange(count) * step).reshape(-1)
    return starts


def ordered(out: Array, x: Array) -> Array:
    """`out` as `empty_ordered` makes it, where it has as many dimensions as x.

    A program plans memory by what a call has given once: so a kernel and its definition give the same order.
    """
    if out.ndim != x.ndim:
        return out
    result = empty_ordered(out.shape, out.dtype, x)
    result[...] = out
    return result

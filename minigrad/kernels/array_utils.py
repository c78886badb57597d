"""Helpers for kernels: pieces of a range, the dtype of sums, arrays that compiled loops can read."""

from collections.abc import Iterator
from functools import cache
from weakref import WeakValueDictionary

import numpy as np

from minigrad.typing import Array, DType

_of_sizes: WeakValueDictionary[int, Array] = WeakValueDictionary()


def chunks(total: int, step: int) -> Iterator[slice]:
    """Cut range(total) into slices of at most `step`."""
    for start in range(0, total, step):
        yield slice(start, min(start + step, total))


def accumulation_dtype(dtype: DType) -> DType:
    """The dtype in which numbers are summed up: that of half precision is single precision."""
    return np.dtype(np.float32) if dtype == np.float16 else dtype


def representable(eps: float, dtype: DType) -> float:
    """eps, or the smallest number of the dtype where eps is smaller, which would be 0 there: in half precision 6e-8."""
    return max(eps, float(np.finfo(dtype).smallest_subnormal)) if eps > 0 else eps


def least_divisor(eps: float, dtype: DType) -> float:
    """eps, or the smallest number of the dtype whose reciprocal does not overflow: in half precision 6e-5."""
    return max(eps, float(np.finfo(dtype).tiny)) if eps > 0 else eps


@cache
def one_of(dtype: DType) -> Array:
    """An array that holds a 1, for kernels whose registers are filled from arrays."""
    return np.ones(1, dtype)


def of_sizes(x: Array) -> Array:
    """x, noted as made of sizes and settings only: whatever data there is, it is the same."""
    _of_sizes[id(x)] = x
    return x


def is_of_sizes(x: Array) -> bool:
    """Whether `of_sizes` has noted x."""
    return _of_sizes.get(id(x)) is x


def flat(x: Array) -> Array:
    """x in one dimension, without a copy where it is dense."""
    return x.ravel() if x.flags.carray else as_contiguous(x).ravel()


def as_contiguous(x: Array) -> Array:
    """x itself, or a copy, such that kernels are compiled for one kind of array only: contiguous and writable."""
    return x if x.flags.carray else np.require(x, requirements=["C", "W", "A"])


def real_view(x: Array) -> Array:
    """The parts of a contiguous complex vector in turn, in the same memory; a real one itself."""
    return x if x.dtype.kind != "c" else x.view(x.real.dtype)

"""Sums over all elements of each channel, such as the gradient of a bias."""

import numpy as np

from minigrad.typing import Array

from .array_utils import accumulation_dtype
from .jit import with_compiled_variant


@with_compiled_variant
def sum_by_channel(x: Array) -> Array:
    """The sums over all axes but the second one: x (N, C, ...) -> (C,)."""
    axes = (0, *range(2, x.ndim))
    total: Array = np.add.reduce(x, axis=axes, dtype=accumulation_dtype(x.dtype))
    return total.astype(x.dtype, copy=False)

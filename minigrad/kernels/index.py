"""Sums at places that an index names, some of them often: what the gradient of a table of rows is."""

from typing import Any

import numpy as np

from minigrad.typing import Array, Shape

from .jit import with_compiled_variant


@with_compiled_variant
def sums_at(x: Array, index: Any, shape: Shape) -> Array:
    """Zeros of a shape, with x (as `zeros(shape)[index]`) added at an index as NumPy knows it, one after the other."""
    out = np.zeros(shape, x.dtype)
    np.add.at(out, index, x)
    return out

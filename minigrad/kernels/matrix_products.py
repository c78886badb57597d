"""Products of two matrices, and the linear map of rows."""

from functools import partial

import numpy as np

from minigrad.typing import Array

from . import buffers
from .jit import with_compiled_variant

with_small_factor = partial(with_compiled_variant, smallest=1 << 11)


@with_small_factor
def matrix_product(x: Array, y: Array, out: Array | None = None) -> Array:
    """out[..., i, j] = sum over k of x[..., i, k] * y[..., k, j]; leading dimensions broadcast.

    Args:
        x, y: matrices.
        out: where the result is written, of its dtype and in no memory of theirs (default None: to a new array).

    Shapes: x (..., I, K), y (..., K, J) -> (..., I, J).
    """
    result: Array = np.matmul(x, y, out=_room(x, y) if out is None else out)
    return result


@with_small_factor
def linear(x: Array, w: Array, b: Array | None) -> Array:
    """out[i, o] = sum over d of x[i, d] * w[o, d] + b[o].

    Shapes: x (I, D), w (O, D), b (O) -> (I, O).
    """
    out = np.matmul(x, w.T, out=_room(x, w.T))
    return out if b is None else np.add(out, b, out=out if out.dtype == b.dtype else None)


def _room(x: Array, y: Array) -> Array | None:
    """Memory for the product, in which results of BLAS are to lie; None where NumPy finds out their shape or dtype."""
    if not x.ndim == y.ndim == 2 or x.dtype != y.dtype or x.dtype.kind != "f":
        return None
    return buffers.empty((len(x), y.shape[1]), x.dtype)

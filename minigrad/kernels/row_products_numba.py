"""Products x w' of matrices whose sums both go along their rows, as rows lie in memory."""

import numpy as np

from minigrad.typing import Array

from . import buffers
from .array_utils import flat
from .dot_tiles_numba import LENGTH, add_dots, add_last_dots, store_dots, zero_dots
from .jit import VariantResult, compiled
from .register_tiles_numba import HAS_AVX512
from .threads import parallel

ROWS, COLUMNS = (4, 6) if HAS_AVX512 else (4, 3)
"""Of the result, whose sums are in registers together."""

GRAIN = 1 << 21
"""Multiply-adds for which a thread pays."""


def by_rows(x: Array, w: Array, b: Array, out: Array | None = None) -> VariantResult:
    """x w' + b for contiguous x (I, K), w (J, K), b (J); written to `out` where it is given."""
    if len(w) < COLUMNS:
        return NotImplemented
    out = buffers.empty((len(x), len(w)), x.dtype) if out is None else out
    if len(x) < ROWS:
        padded = np.concatenate([x, np.zeros((ROWS - len(x), x.shape[1]), x.dtype)])
        out[...] = by_rows(padded, w, b)[: len(x)]
        return out
    units = -(-len(w) // COLUMNS)
    parallel(dots, units, flat(x), flat(w), flat(b), flat(out), out.shape, x.shape[1],
             grain=-(-GRAIN * units // (x.shape[1] * out.size)))  # fmt: skip
    return out


@compiled
def dots(
    x: Array, w: Array, bias: Array, out: Array, shape: tuple[int, int], depth: int, start: int, stop: int
) -> None:
    """Some columns of the result, all rows: the rows of w stay in the first cache.

    The last tile of a row or a column may begin within the one before, whose sums it makes once more.
    """
    lanes = LENGTH // x.itemsize
    whole = depth - depth % lanes
    for unit in range(start, stop):
        j = min(unit * COLUMNS, shape[1] - COLUMNS)
        for tile in range(0, shape[0], ROWS):
            i = min(tile, shape[0] - ROWS)
            s = zero_dots(x, ROWS, COLUMNS)
            for k in range(0, whole, lanes):
                s = add_dots(s, x, i * depth + k, depth, w, j * depth + k, depth, ROWS, COLUMNS)
            if whole < depth:
                s = add_last_dots(s, x, i * depth + whole, depth, w, j * depth + whole, depth, depth - whole, ROWS,
                                  COLUMNS)  # fmt: skip
            store_dots(out, i * shape[1] + j, shape[1], s, bias, j, ROWS)

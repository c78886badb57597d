"""Sums of rows at places that an index names; see `index.py`."""

from math import prod
from typing import Any

import numpy as np

from minigrad.typing import Array, Shape

from .array_utils import flat
from .jit import VariantResult, compiled
from .threads import parallel

LEAST_NUMBERS = 1 << 15
"""That a thread takes."""


def sums_at(x: Array, index: Any, shape: Shape) -> VariantResult:
    """See `index.sums_at`: for one array of integers, which names rows."""
    rows = index[0] if isinstance(index, tuple) and len(index) == 1 else index
    if not isinstance(rows, np.ndarray) or rows.dtype.kind not in "iu" or x.dtype.char not in "fd":
        return NotImplemented
    length = prod(shape[1:])
    if x.shape != rows.shape + shape[1:] or length < 2 or not -shape[0] <= rows.min() <= rows.max() < shape[0]:
        return NotImplemented
    out = np.zeros(shape, x.dtype)
    places = rows.astype(np.intp).reshape(-1)  # in a narrow dtype, the next line might not fit
    places[places < 0] += shape[0]
    grain = max(16, LEAST_NUMBERS // len(places))
    parallel(add_rows, length, flat(out), flat(x), places, length, grain=grain, align=16)
    return out


@compiled
def add_rows(out: Array, x: Array, places: Array, length: int, start: int, stop: int) -> None:
    """Add the columns from start to stop of the rows of x to those at their places, one row after the other."""
    for i in range(len(places)):
        total, row = out[places[i] * length : (places[i] + 1) * length], x[i * length : (i + 1) * length]
        for j in range(start, stop):
            total[j] += row[j]

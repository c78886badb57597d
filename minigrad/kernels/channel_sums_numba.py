"""Sums of channels by vector registers, in a few threads, each with channels of its own."""

from math import prod

import numpy as np

from minigrad.typing import Array

from .array_utils import flat, one_of
from .jit import VariantResult, compiled
from .row_sums_numba import row_sum
from .threads import parallel

MIN_PLANE = 32  # elements of a channel of one sample: with fewer, vectors do not fill
GRAIN = 1 << 17  # elements for which a thread pays


def sum_by_channel(x: Array) -> VariantResult:
    """See `channel_sums.sum_by_channel`."""
    plane = prod(x.shape[2:])
    if x.dtype.char not in "fd" or plane < MIN_PLANE or not x.size:
        return NotImplemented
    out = np.empty(x.shape[1], x.dtype)
    grain = max(1, GRAIN // (len(x) * plane))
    parallel(sum_channels, len(out), out, flat(x), one_of(x.dtype), len(x), plane, grain=grain)
    return out


@compiled
def sum_channels(out: Array, x: Array, one: Array, samples: int, plane: int, start: int, stop: int) -> None:
    """The sums of the channels from start to stop; those of samples are added up in double precision."""
    for c in range(start, stop):
        total = 0.0
        for n in range(samples):
            total += row_sum(x, one, (n * len(out) + c) * plane, plane)
        out[c] = total

"""The transforms of kernels for `winograd_numba`, and back, of the points that `conv_weight` has summed up.

Points u[t, O/L, C, L] of kernels (O, C, r, r) have outputs in lanes; from one of the 36 to the next it is
`kernel_step`.
"""

import numpy as np

from minigrad.typing import Array

from .jit import compiled
from .simd import BYTES
from .winograd_blocks_numba import pack, unpack
from .winograd_products_numba import depth, kernel_step
from .winograd_simd import transform_taps, transform_to_taps


@compiled
def transform_kernels(w: Array, u: Array, turned: bool, start: int, stop: int) -> None:
    """u = G w G', for the vectors of outputs from start to stop; `turned`: of the kernels of w's transpose in x."""
    lanes = BYTES // w.itemsize
    side, area = w.shape[2], w.shape[2] * w.shape[3]
    outs, ins = (w.shape[1], w.shape[0]) if turned else (w.shape[0], w.shape[1])
    taps, step = w.reshape(-1), kernel_step(ins, outs, lanes)
    strip = np.empty(area * ins * lanes, w.dtype)
    # One call of `pack` serves both, as it is compiled into this function: a plane for each input, or one for all.
    planes, size, across = (ins, area, area) if turned else (1, area * ins, area * ins)
    places = np.arange(size) * lanes
    if turned:
        places = places[::-1].copy()
    for o in range(start, stop):
        first = o * lanes
        for plane in range(planes):
            pack(taps, across * first + area * outs * plane, across, outs - first, strip, places, 0, size,
                 area * lanes * plane)  # fmt: skip
        for c in range(ins):
            transform_taps(strip, area * c * lanes, side * lanes, side, u, (o * depth(ins) + c) * lanes, step)


@compiled
def add_up(sums: Array, total: Array, start: int, stop: int) -> None:
    """The sum of all sums, for the numbers from start to stop."""
    some = total[start:stop]
    some[:] = 0
    for s in range(len(sums)):
        others = sums[s, start:stop]
        for i in range(len(some)):  # from 0 on, which can be vectorized
            some[i] += others[i]


@compiled
def transform_total_back(total: Array, w: Array, start: int, stop: int) -> None:
    """w = G' total G, for the vectors of outputs from start to stop."""
    lanes = BYTES // w.itemsize
    side, area = w.shape[2], w.shape[2] * w.shape[3]
    outs, ins = w.shape[:2]
    taps, step = w.reshape(-1), kernel_step(ins, outs, lanes)
    strip = np.empty(area * ins * lanes, w.dtype)
    places = np.arange(area * ins) * lanes
    for o in range(start, stop):
        first = o * lanes
        for c in range(ins):
            transform_to_taps(total, (o * depth(ins) + c) * lanes, step, strip, area * c * lanes, side * lanes, side)
        unpack(taps, area * ins * first, area * ins, outs - first, strip, places, 0, area * ins, 0)

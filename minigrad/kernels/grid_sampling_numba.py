"""Sampling at places between elements, compiled: what counts for each place, and weighted sums of that."""

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from minigrad.typing import Array

from . import buffers
from .array_utils import flat
from .grid_sampling import CUBIC, OFFSETS, Taps
from .jit import VariantResult, compiled
from .threads import Kernel, parallel

MODES = ("nearest", "bilinear", "bicubic")
PADDINGS = ("zeros", "border", "reflection")
PIECE = 1 << 14
"""Products for which a thread pays."""


def gather(x: Array, index: Array, weight: Array) -> VariantResult:
    """See `grid_sampling.gather`."""
    return _by_planes(gather_planes, x, index, weight, x.shape[2], index.shape[2])


def scatter(g: Array, index: Array, weight: Array, size: int) -> VariantResult:
    """See `grid_sampling.scatter`."""
    return _by_planes(scatter_planes, g, index, weight, size, size)


def _by_planes(kernel: Kernel, y: Array, index: Array, weight: Array, size: int, made: int) -> VariantResult:
    """Planes of so many numbers, one for each plane of y; `size` is that of the planes that the index is about."""
    if not _suits(y, weight):
        return NotImplemented
    (n, channels), (taps, _, places) = y.shape[:2], index.shape
    out = buffers.empty((n, channels, made), y.dtype)
    grain = PIECE // max(taps * places, 1) + 1
    sizes = n, channels, size, taps, places
    parallel(kernel, n * channels, flat(out), flat(y), flat(index), flat(weight), sizes, grain=grain)
    return out


def contract(g: Array, x: Array, index: Array) -> VariantResult:
    """See `grid_sampling.contract`."""
    if not _suits(g, x):
        return NotImplemented
    (n, channels, size), (taps, _, places) = x.shape, index.shape
    out = buffers.empty(index.shape, x.dtype)
    grain = PIECE // max(channels * places, 1) + 1
    sizes = n, channels, size, taps, places
    parallel(contract_rows, taps * n, flat(out), flat(g), flat(x), flat(index), sizes, grain=grain)
    return out


def taps_of(place: Array, side: int, mode: str, padding: str, align: bool) -> VariantResult:
    """See `grid_sampling.taps_of`."""
    if place.dtype.char not in "fd" or not side:
        return NotImplemented
    shape = (len(OFFSETS[mode]), *place.shape)
    index = np.empty(shape, np.intp)
    weight, slope = np.empty(shape, place.dtype), np.empty(shape, place.dtype)
    kernel = kernels(np.float32 if place.dtype.char == "f" else np.float64).find_taps
    kinds = MODES.index(mode), PADDINGS.index(padding), align
    arrays = [x.reshape(len(index), -1) for x in (index, weight, slope)]
    parallel(kernel, place.size, *arrays, flat(place), side, *kinds, grain=PIECE // len(index))
    return Taps(index, weight, slope)


def _suits(x: Array, other: Array) -> bool:
    return x.dtype.char in "fd" and x.dtype == other.dtype


@compiled
def gather_planes(
    out: Array, x: Array, index: Array, weight: Array, sizes: tuple[int, int, int, int, int], start: int, stop: int
) -> None:
    """Channels of images, from start to stop."""
    n, channels, size, taps, places = sizes
    for plane in range(start, stop):
        sample = plane // channels
        result, elements = out[plane * places : (plane + 1) * places], x[plane * size : (plane + 1) * size]
        result[:] = 0
        for k in range(taps):
            row = (k * n + sample) * places
            at, factor = index[row : row + places], weight[row : row + places]
            for p in range(places):
                if at[p] >= 0:
                    result[p] += factor[p] * elements[np.uint64(at[p])]


@compiled
def scatter_planes(
    out: Array, g: Array, index: Array, weight: Array, sizes: tuple[int, int, int, int, int], start: int, stop: int
) -> None:
    """Channels of images, from start to stop."""
    n, channels, size, taps, places = sizes
    for plane in range(start, stop):
        sample = plane // channels
        result, cotangent = out[plane * size : (plane + 1) * size], g[plane * places : (plane + 1) * places]
        result[:] = 0
        for k in range(taps):
            row = (k * n + sample) * places
            at, factor = index[row : row + places], weight[row : row + places]
            for p in range(places):
                if at[p] >= 0:
                    result[np.uint64(at[p])] += factor[p] * cotangent[p]


@compiled
def contract_rows(
    out: Array, g: Array, x: Array, index: Array, sizes: tuple[int, int, int, int, int], start: int, stop: int
) -> None:
    """Taps of images, from start to stop."""
    n, channels, size, _, places = sizes
    for row in range(start, stop):
        sample = row % n
        result, at = out[row * places : (row + 1) * places], index[row * places : (row + 1) * places]
        result[:] = 0
        for plane in range(sample * channels, (sample + 1) * channels):
            elements, cotangent = x[plane * size : (plane + 1) * size], g[plane * places : (plane + 1) * places]
            for p in range(places):
                if at[p] >= 0:
                    result[p] += cotangent[p] * elements[np.uint64(at[p])]


@cache
def kernels(f: Any) -> SimpleNamespace:
    """The kernel for places of a dtype."""
    zero, one, two, half, cubic = f(0), f(1), f(2), f(0.5), f(CUBIC)

    @compiled
    def padded(at: float, side: int, padding: int, align: bool) -> tuple[float, float]:
        """A position brought into the side, and the factor by which it moves there: see `grid_sampling.padded`."""
        last, turn = f(side - 1), one
        if padding == 0:
            return at, one
        if padding == 2:
            low, span = (zero, last) if align else (-half, f(side))
            if span == 0:
                return zero, zero
            distance = abs(at - low)
            rest = f(np.fmod(distance, span))
            flips = np.rint((distance - rest) / span)
            odd = flips % two == one
            turn = one if odd == (at < low) else -one
            at = (span - rest if odd else rest) + low
        if not at > zero:  # NaN is one of these
            return zero, zero
        if not at < last:
            return last, zero
        return at, turn

    @compiled
    def weigh(t: float, tap: int, mode: int) -> tuple[float, float]:
        """The weight of a tap for a place at distance t behind the first element, and its slope."""
        if mode == 0:
            return one, zero
        if mode == 1:
            return (one - t, -one) if tap == 0 else (t, one)
        d = t + one if tap == 0 else t if tap == 1 else one - t if tap == 2 else two - t
        sign = one if tap < 2 else -one
        if tap in (1, 2):
            weight = ((cubic + two) * d - (cubic + f(3))) * d * d + one
            return weight, sign * (f(3) * (cubic + two) * d - two * (cubic + f(3))) * d
        weight = ((cubic * d - f(5) * cubic) * d + f(8) * cubic) * d - f(4) * cubic
        return weight, sign * ((f(3) * cubic * d - f(10) * cubic) * d + f(8) * cubic)

    @compiled
    def find_taps(
        index: Array, weight: Array, slope: Array, place: Array, side: int, mode: int, padding: int, align: bool,
        start: int, stop: int,
    ) -> None:  # fmt: skip
        factor = f(side - 1) / two if align else f(side) / two
        back, before = zero if align else half, 1 if mode == 2 else 0
        for p in range(start, stop):
            x = place[p] if place[p] == place[p] else -one
            at, moves = (x + one) * factor - back, factor
            if mode != 2:
                at, turn = padded(at, side, padding, align)
                moves = moves * turn
            at = (at if abs(at) < np.inf else zero) if padding == 2 else min(max(at, f(-4)), f(side + 4))
            first = np.rint(at) if mode == 0 else np.floor(at)
            for tap in range(len(index)):
                element = first + f(tap - before)
                if mode == 2:
                    element = padded(element, side, padding, align)[0]
                index[tap, p] = np.intp(element) if zero <= element < f(side) else -1
                w, s = weigh(at - first, tap, mode)
                weight[tap, p], slope[tap, p] = w, s * moves

    return SimpleNamespace(find_taps=find_taps)

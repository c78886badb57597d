"""Sampling of images and volumes at places between their elements: a weighted sum of the elements around each place.

Along each axis a few elements count, the taps: one for "nearest", two for "bilinear", four for "bicubic". Along all
axes together it is each combination of them, with the product of the weights.

Images are (N, C, *sides) and grids (N, *out, D), where D is the number of sides and the last number of a place is along
the last side. From -1 to 1 a place goes from one end of a side to the other.
"""

import functools
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from minigrad.typing import Array

from .array_utils import accumulation_dtype

CUBIC = -0.75
"""The slope of the cubic kernel at distance 1, as PyTorch and OpenCV have it."""

OFFSETS = {"nearest": (0,), "bilinear": (0, 1), "bicubic": (-1, 0, 1, 2)}
"""By mode: the elements that count, from the one at or before the place."""


@dataclass(frozen=True)
class Taps:
    """Of one axis, each (taps, N, P): which elements count (-1 for none), their weights, and d weight / d place."""

    index: Array
    weight: Array
    slope: Array


def grid_sample(x: Array, grid: Array, *, mode: str, padding_mode: str, align_corners: bool) -> Array:
    """x (N, C, *sides), grid (N, *out, D) -> (N, C, *out)."""
    taps = all_taps(x.shape[2:], grid, mode, padding_mode, align_corners)
    rows = channels_last(x, accumulation_dtype(np.result_type(x, grid)))
    out = np.zeros((taps[0].index[0].size, x.shape[1]), rows.dtype)
    for _, index, weights in combinations(taps, x.shape):
        out += product(weights)[:, None] * rows[index]
    return channels_first(out, x.shape[0], grid.shape[1:-1]).astype(np.result_type(x, grid), copy=False)


def grid_sample_input(
    g: Array, x_shape: tuple[int, ...], grid: Array, *, mode: str, padding_mode: str, align_corners: bool
) -> Array:
    """The transpose in x: g (N, C, *out) -> (N, C, *sides)."""
    n, channels, *sides = x_shape
    taps = all_taps(sides, grid, mode, padding_mode, align_corners)
    rows = channels_last(g, accumulation_dtype(np.result_type(g, grid)))[:-1]
    out = np.zeros((channels, n * math.prod(sides) + 1))
    for _, index, weights in combinations(taps, x_shape):
        for channel, terms in enumerate((product(weights)[:, None] * rows).T):
            out[channel] += np.bincount(index, terms, out.shape[1])
    return channels_first(out[:, :-1].T, n, tuple(sides)).astype(g.dtype)


def grid_sample_grid(g: Array, x: Array, grid: Array, *, mode: str, padding_mode: str, align_corners: bool) -> Array:
    """The cotangent of the grid: g (N, C, *out) -> (N, *out, D)."""
    taps = all_taps(x.shape[2:], grid, mode, padding_mode, align_corners)
    dtype = accumulation_dtype(np.result_type(g, x, grid))
    rows, g_rows = channels_last(x, dtype), channels_last(g, dtype)[:-1]
    of_weights = [np.zeros((len(t.index), len(g_rows)), dtype) for t in taps]
    for choice, index, weights in combinations(taps, x.shape):
        values = np.einsum("pc,pc->p", g_rows, rows[index])
        for axis, tap in enumerate(choice):
            of_weights[axis][tap] += values * product([w for k, w in enumerate(weights) if k != axis])
    slopes = [(w * t.slope.reshape(w.shape)).sum(axis=0) for w, t in zip(of_weights, taps, strict=True)]
    return np.stack(slopes[::-1], -1).reshape(grid.shape).astype(grid.dtype, copy=False)


def combinations(taps: list[Taps], x_shape: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Array, list[Array]]]:
    """Each combination of taps, the row of each place, (N*P), and its weight along each axis.

    What lies outside has the row behind the last one, which is 0.
    """
    n, _, *sides = x_shape
    size = math.prod(sides)
    first = np.arange(n)[:, None] * size
    for choice in itertools.product(*[range(len(t.index)) for t in taps]):
        parts = [t.index[k] for t, k in zip(taps, choice, strict=True)]
        inside = np.logical_and.reduce([part >= 0 for part in parts])
        flat = np.zeros(first.shape, np.intp)
        for part, side in zip(parts, sides, strict=True):
            flat = flat * side + part
        index = np.where(inside, first + flat, n * size).reshape(-1)
        yield choice, index, [t.weight[k].reshape(-1) for t, k in zip(taps, choice, strict=True)]


def product(weights: list[Array]) -> Array:
    """The product of weights along several axes."""
    return functools.reduce(np.multiply, weights)


def channels_last(x: Array, dtype: np.dtype) -> Array:
    """(N, C, ...) as rows of channels, (N*P + 1, C), the last of which is 0."""
    n, channels = x.shape[:2]
    size = math.prod(x.shape[2:])
    rows = np.zeros((n * size + 1, channels), dtype)
    rows[:-1].reshape(n, size, channels)[...] = np.moveaxis(x.reshape(n, channels, size), 1, 2)
    return rows


def channels_first(rows: Array, n: int, sides: tuple[int, ...]) -> Array:
    """Rows of channels (N*P, C) as (N, C, *sides)."""
    return np.ascontiguousarray(np.moveaxis(rows.reshape(n, *sides, rows.shape[1]), -1, 1))


# ---- one axis --------------------------------------------------------------------------------------------------------


def all_taps(sides: tuple[int, ...] | list[int], grid: Array, mode: str, padding: str, align: bool) -> list[Taps]:
    """The taps of each axis, in the order of the sides."""
    places = grid.reshape(grid.shape[0], math.prod(grid.shape[1:-1]), len(sides)).astype(
        accumulation_dtype(grid.dtype), copy=False
    )
    return [taps_of(places[..., -1 - k], side, mode, padding, align) for k, side in enumerate(sides)]


def taps_of(place: Array, side: int, mode: str, padding: str, align: bool) -> Taps:
    """The taps along a side for places (N, P) from -1 to 1."""
    at, half = positions(place, side, align)
    slope = np.full_like(at, half)
    if mode != "bicubic":
        at, turn = padded(at, side, padding, align)
        slope *= turn
    at = kept_in_range(at, side, padding)
    offsets = np.array(OFFSETS[mode]).reshape(-1, 1, 1)
    first = np.rint(at) if mode == "nearest" else np.floor(at)
    index = first + offsets
    if mode == "bicubic":
        index = padded(index, side, padding, align)[0]
    weight, change = WEIGHTS[mode](at - first)
    index = np.where((index >= 0) & (index < side), index, -1).astype(np.intp)
    return Taps(index, weight.astype(place.dtype), (change * slope).astype(place.dtype))


def kept_in_range(at: Array, side: int, padding: str) -> Array:
    """Positions that integers can count, with the same elements around them."""
    return np.where(np.isfinite(at), at, 0) if padding == "reflection" else np.clip(at, -4, side + 4)


def positions(place: Array, side: int, align: bool) -> tuple[Array, float]:
    """Places from -1 to 1 as positions of elements, from 0 on, and their slope. NaN counts as -1."""
    half = (side - 1) / 2 if align else side / 2
    return (np.where(np.isnan(place), -1, place) + 1) * half - (0.0 if align else 0.5), half


def padded(at: Array, side: int, padding: str, align: bool) -> tuple[Array, Array]:
    """Positions brought into the side, as the padding has it, and the factor by which they move there."""
    if padding == "zeros":
        return at, np.ones_like(at)
    turn = np.ones_like(at)
    if padding == "reflection":
        low, span = (0.0, side - 1) if align else (-0.5, side)
        if span == 0:
            return np.zeros_like(at), turn * 0
        with np.errstate(invalid="ignore"):  # infinity has no remainder
            flips, rest = np.divmod(np.abs(at - low), span)
            odd = flips % 2 == 1
        turn = np.where(odd == (at < low), 1.0, -1.0)
        at = np.where(odd, span - rest, rest) + low
    turn = turn * ((at > 0) & (at < side - 1))
    return np.clip(np.where(np.isnan(at), 0, at), 0, side - 1), turn


def nearest_weights(t: Array) -> tuple[Array, Array]:
    """One element counts, wherever the place is."""
    return np.ones_like(t)[None], np.zeros_like(t)[None]


def linear_weights(t: Array) -> tuple[Array, Array]:
    """The weights of two elements around a place at distance t from the first, and their slopes."""
    one = np.ones_like(t)
    return np.stack([1 - t, t]), np.stack([-one, one])


def cubic_weights(t: Array) -> tuple[Array, Array]:
    """The same of four: a cubic polynomial of the distance on each interval."""
    a, near, far = CUBIC, np.stack([t, 1 - t]), np.stack([t + 1, 2 - t])
    inner, outer = ((a + 2) * near - (a + 3)) * near * near + 1, ((a * far - 5 * a) * far + 8 * a) * far - 4 * a
    inner_slope, outer_slope = (3 * (a + 2) * near - 2 * (a + 3)) * near, (3 * a * far - 10 * a) * far + 8 * a
    return np.stack([outer[0], inner[0], inner[1], outer[1]]), np.stack(
        [outer_slope[0], inner_slope[0], -inner_slope[1], -outer_slope[1]]
    )


WEIGHTS = {"nearest": nearest_weights, "bilinear": linear_weights, "bicubic": cubic_weights}

"""Sampling of images and volumes at places between their elements: a weighted sum of the elements around each place.

Along each axis a few elements count, the taps: one for "nearest", two for "bilinear", four for "bicubic". Along all
axes together it is each combination of them, with the product of the weights.

Images are (N, C, *sides) and grids (N, *out, D), where D is the number of sides and the last number of a place is along
the last side. From -1 to 1 a place goes from one end of a side to the other.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from minigrad.typing import Array, Shape

from .array_utils import accumulation_dtype
from .jit import with_compiled_variant

CUBIC = -0.75
"""The slope of the cubic kernel at distance 1, as PyTorch and OpenCV have it."""

NONE = -(1 << 48)
"""The offset of what lies outside: with any others, the sum is negative."""

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
    dtype = accumulation_dtype(np.result_type(x, grid))
    points = Points.of(x.shape, grid, mode, padding_mode, align_corners)
    out = gather(planes(x, dtype), points.index, points.weight(dtype))
    return out.reshape(*x.shape[:2], *grid.shape[1:-1]).astype(np.result_type(x, grid), copy=False)


def grid_sample_input(
    g: Array, x_shape: Shape, grid: Array, *, mode: str, padding_mode: str, align_corners: bool
) -> Array:  # fmt: skip
    """The transpose in x: g (N, C, *out) -> (N, C, *sides)."""
    dtype = accumulation_dtype(np.result_type(g, grid))
    points = Points.of(x_shape, grid, mode, padding_mode, align_corners)
    out = scatter(planes(g, dtype), points.index, points.weight(dtype), math.prod(x_shape[2:]))
    return out.reshape(x_shape).astype(g.dtype, copy=False)


def grid_sample_grid(g: Array, x: Array, grid: Array, *, mode: str, padding_mode: str, align_corners: bool) -> Array:
    """The cotangent of the grid: g (N, C, *out) -> (N, *out, D)."""
    dtype = accumulation_dtype(np.result_type(g, x, grid))
    points = Points.of(x.shape, grid, mode, padding_mode, align_corners)
    values = contract(planes(g, dtype), planes(x, dtype), points.index)
    slopes = [points.along(axis, values) for axis in range(len(points.taps))]
    return np.stack(slopes[::-1], -1).reshape(grid.shape).astype(grid.dtype, copy=False)


def planes(x: Array, dtype: np.dtype) -> Array:
    """(N, C, ...) as (N, C, P)."""
    return x.reshape(*x.shape[:2], math.prod(x.shape[2:])).astype(dtype, copy=False)


@dataclass(frozen=True)
class Points:
    """The elements that count for each place: all combinations of the taps of the axes.

    Attributes:
        taps: those of each axis.
        index: (K, N, P), for each of K combinations the element of the flat sides, a negative number for none.
    """

    taps: list[Taps]
    index: Array

    @classmethod
    def of(cls, x_shape: Shape, grid: Array, mode: str, padding: str, align: bool) -> Points:
        """Those of images of a shape."""
        sides = x_shape[2:]
        taps = all_taps(sides, grid, mode, padding, align)
        steps = [math.prod(sides[k + 1 :]) for k in range(len(sides))]
        offsets = [np.where(t.index < 0, NONE, t.index * step) for t, step in zip(taps, steps, strict=True)]
        index = functools.reduce(np.add, _combined(offsets))
        return cls(taps, index.reshape(math.prod(index.shape[:-2]), *index.shape[-2:]))

    def weight(self, dtype: np.dtype) -> Array:
        """(K, N, P): the products of the weights along the axes."""
        product = functools.reduce(np.multiply, _combined([t.weight for t in self.taps]))
        return product.reshape(self.index.shape).astype(dtype, copy=False)

    def along(self, axis: int, values: Array) -> Array:
        """(N, P): the sum of values (K, N, P) times d weight / d place along an axis.

        The other axes are summed up first: in an image that does not change along the axis, the rest then cancels.
        """
        total = values.reshape(*[len(t.index) for t in self.taps], *values.shape[1:])
        for k, weight in enumerate(_combined([t.weight for t in self.taps])):
            if k != axis:
                total = (total * weight).sum(axis=k, keepdims=True)
        taps = self.taps[axis]
        found: Array = (total.reshape(taps.slope.shape) * taps.slope).sum(axis=0)
        return found


def _combined(parts: list[Array]) -> list[Array]:
    """Arrays (taps, N, P) of each axis, so that they broadcast to all combinations."""
    count = len(parts)
    return [
        part.reshape(*(len(part) if k == axis else 1 for k in range(count)), *part.shape[1:])
        for axis, part in enumerate(parts)
    ]


@with_compiled_variant
def gather(x: Array, index: Array, weight: Array) -> Array:
    """out[n, c, p] = sum over k of weight[k, n, p] x[n, c, index[k, n, p]].

    Shapes: x (N, C, S), index and weight (K, N, P) -> (N, C, P).
    """
    out = np.zeros((*x.shape[:2], index.shape[2]), x.dtype)
    for at, factor in zip(index, weight, strict=True):
        out += factor[:, None] * np.where((at < 0)[:, None], 0, _elements(x, at))
    return out


@with_compiled_variant
def scatter(g: Array, index: Array, weight: Array, size: int) -> Array:
    """The transpose of `gather` in x: out[n, c, index[k, n, p]] += weight[k, n, p] g[n, c, p].

    Shapes: g (N, C, P), index and weight (K, N, P), size S -> (N, C, S).
    """
    out = np.zeros((*g.shape[:2], size))
    for at, factor in zip(index, weight, strict=True):
        for planes_of_one, place, terms in zip(out, at, factor[:, None] * g, strict=True):
            inside = place >= 0
            for plane, term in zip(planes_of_one, terms, strict=True):
                plane += np.bincount(place[inside], term[inside], size)
    return out.astype(g.dtype, copy=False)


@with_compiled_variant
def contract(g: Array, x: Array, index: Array) -> Array:
    """The transpose of `gather` in the weights: out[k, n, p] = sum over c of g[n, c, p] x[n, c, index[k, n, p]].

    Shapes: g (N, C, P), x (N, C, S), index (K, N, P) -> (K, N, P).
    """
    terms = [np.einsum("ncp,ncp->np", g, np.where((at < 0)[:, None], 0, _elements(x, at))) for at in index]
    return np.stack(terms)


def _elements(x: Array, index: Array) -> Array:
    """x[n, c, index[n, p]], any element where the index is negative."""
    if not x.shape[2]:
        return np.zeros((*x.shape[:2], index.shape[1]), x.dtype)
    index = np.maximum(index, 0)
    return np.take_along_axis(x, np.broadcast_to(index[:, None], (*x.shape[:2], index.shape[1])), axis=2)


# ---- one axis --------------------------------------------------------------------------------------------------------


def all_taps(sides: Shape, grid: Array, mode: str, padding: str, align: bool) -> list[Taps]:
    """The taps of each axis, in the order of the sides."""
    places = grid.reshape(grid.shape[0], math.prod(grid.shape[1:-1]), len(sides)).astype(
        accumulation_dtype(grid.dtype), copy=False
    )
    return [taps_of(places[..., -1 - k], side, mode, padding, align) for k, side in enumerate(sides)]


@with_compiled_variant
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

"""Sampling of images and volumes at places between their elements, differentiable by the elements and by the places."""

from __future__ import annotations

import itertools
import math

import numpy as np

from minigrad.autograd.registry import op
from minigrad.errors import ShapeError, UsageError
from minigrad.kernels import grid_sampling as kernels
from minigrad.ops.convolution import require_floating
from minigrad.ops.elementwise import abs, add, clip, floor, multiply, remainder, round, where
from minigrad.ops.fill import zeros_like
from minigrad.ops.index import getitem, take_along_axis
from minigrad.ops.logic import greater, isfinite, isnan, less, logical_and
from minigrad.ops.shape import astype, concat, expand_dims, reshape
from minigrad.shapes import Shape, shape_of
from minigrad.typing import ArrayLike, Settings, Value

MODES = ("bilinear", "nearest", "bicubic")
PADDING_MODES = ("zeros", "border", "reflection")


def _settings(
    x: ArrayLike, grid: ArrayLike, *, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool = False
) -> Settings:
    require_floating(x)
    require_floating(grid)
    if mode not in MODES or padding_mode not in PADDING_MODES:
        raise UsageError(
            f"grid_sample: mode is one of {', '.join(MODES)} and padding_mode one of {', '.join(PADDING_MODES)}, not "
            f"{mode!r} and {padding_mode!r}"
        )
    shape, places = shape_of(x), shape_of(grid)
    if len(shape) not in (4, 5) or len(places) != len(shape) or places[0] != shape[0] or places[-1] != len(shape) - 2:
        raise ShapeError(
            "grid_sample: expected x (N, C, H, W) with grid (N, I, J, 2), or x (N, C, D, H, W) with grid "
            f"(N, I, J, K, 3), got x {shape} and grid {places}"
        )
    if mode == "bicubic" and len(shape) == 5:
        raise UsageError("grid_sample: bicubic is for images (N, C, H, W) only: use bilinear for volumes")
    if 0 in shape[2:]:
        raise ShapeError(f"grid_sample: x of shape {shape} has no elements to sample")
    return {"mode": mode, "padding_mode": padding_mode, "align_corners": bool(align_corners)}


def _flops(x_shape: Shape, out_shape: Shape, mode: str = "bilinear") -> int:
    """Multiply-adds: one for each element of the result and each element that counts for it."""
    taps: int = len(kernels.OFFSETS[mode]) ** (len(x_shape) - 2)
    return math.prod(out_shape) * taps


# ---- made of other ops -----------------------------------------------------------------------------------------------


def _sample_by_gathering(x: Value, grid: Value, *, mode: str, padding_mode: str, align_corners: bool) -> Value:
    """The elements that count, gathered, times weights that are functions of the places."""
    n, channels, *sides = shape_of(x)
    places = reshape(grid, shape=(n, math.prod(shape_of(grid)[1:-1]), len(sides)))
    axes = [_taps(places[..., -1 - k], side, mode, padding_mode, align_corners) for k, side in enumerate(sides)]
    size = math.prod(sides)
    flat = reshape(x, shape=(n, channels, size))
    rows = concat([flat, zeros_like(getitem(flat, index=(..., slice(0, 1))))], -1)  # what lies outside is 0
    total = zeros_like(rows[:, :, :1])
    for choice in itertools.product(*axes):
        (flat_index, weight), *others = choice
        inside = flat_index >= 0
        for (index, factor), side in zip(others, sides[1:], strict=True):
            inside = logical_and(inside, index >= 0)
            flat_index = add(multiply(flat_index, side), index)
            weight = multiply(weight, factor)
        index = expand_dims(where(inside, flat_index, size), axis=1)
        total = total + multiply(expand_dims(weight, axis=1), take_along_axis(rows, index, axis=2))
    return reshape(total, shape=(n, channels, *shape_of(grid)[1:-1]))


def _taps(place: Value, side: int, mode: str, padding: str, align: bool) -> list[tuple[Value, Value]]:
    """The elements that count along a side, -1 for none, and their weights."""
    half = (side - 1) / 2 if align else side / 2
    at = add(multiply(add(where(isnan(place), -1, place), 1), half), 0.0 if align else -0.5)
    if mode != "bicubic":
        at = _padded(at, side, padding, align)
    at = where(isfinite(at), at, 0) if padding == "reflection" else clip(at, -4, side + 4)
    first = round(at) if mode == "nearest" else floor(at)
    found = []
    for offset, weight in zip(kernels.OFFSETS[mode], _weights(at - first, mode), strict=True):
        index = first + offset
        if mode == "bicubic":
            index = _padded(index, side, padding, align)
        outside = logical_and(greater(index, -0.5), less(index, side - 0.5))
        found.append((astype(where(outside, index, -1), dtype=np.intp), weight))
    return found


def _padded(at: Value, side: int, padding: str, align: bool) -> Value:
    if padding == "zeros":
        return at
    if padding == "reflection":
        low, span = (0.0, side - 1) if align else (-0.5, side)
        if span == 0:
            return zeros_like(at)
        folded = remainder(abs(at - low), 2 * span)
        at = where(folded > span, 2 * span - folded, folded) + low
    inner = logical_and(greater(at, 0), less(at, side - 1))  # at the ends already there is no gradient
    return where(inner, at, where(greater(at, 0), side - 1, 0))


def _weights(t: Value, mode: str) -> list[Value]:
    if mode == "nearest":
        return [zeros_like(t) + 1]
    if mode == "bilinear":
        return [1 - t, t]
    a = kernels.CUBIC

    def near(d: Value) -> Value:
        return ((a + 2) * d - (a + 3)) * d * d + 1

    def far(d: Value) -> Value:
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


# ---- the op ----------------------------------------------------------------------------------------------------------


@op(canonical=_settings, reference=_sample_by_gathering, linear=("x",), onnx="GridSample", flops=_flops,
    source="Jaderberg et al. 2015, arXiv:1506.02025")  # fmt: skip
def grid_sample(x: Value, grid: Value, *, mode: str, padding_mode: str, align_corners: bool) -> Value:
    """out[n, c, p] = x[n, c] at the place grid[n, p]: a weighted sum of the elements around it.

    Places go from -1 to 1 along each side; the last number of a place is along the last side. The gradient by the
    places is that of the piece on which the place lies, and 0 for "nearest".

    Args:
        x: images or volumes.
        grid: the places; NaN counts as -1.
        mode: "bilinear" (of volumes: by 8 elements), "nearest", or "bicubic" (default "bilinear").
        padding_mode: what lies outside: "zeros", the "border", or a "reflection" (default "zeros").
        align_corners: whether -1 and 1 are the centers of the first and last elements, rather than their outer ends
            (default False).

    Shapes: x (N, C, H, W), grid (N, I, J, 2) -> (N, C, I, J); or x (N, C, D, H, W), grid (N, I, J, K, 3) ->
    (N, C, I, J, K).

    Raises:
        DTypeError: x or grid is not floating.
        ShapeError: the shapes do not fit, or x has no elements.
        UsageError: another mode or padding_mode; bicubic of volumes.
    """
    return kernels.grid_sample(x, grid, mode=mode, padding_mode=padding_mode, align_corners=align_corners)


@grid_sample.fast_vjp("x")
def _(g: Value, grid: Value, x_shape: Shape, *, mode: str, padding_mode: str, align_corners: bool) -> Value:
    return kernels.grid_sample_input(
        g, x_shape, grid, mode=mode, padding_mode=padding_mode, align_corners=align_corners
    )


@grid_sample.fast_vjp("grid")
def _(g: Value, x: Value, grid: Value, *, mode: str, padding_mode: str, align_corners: bool) -> Value:
    return kernels.grid_sample_grid(g, x, grid, mode=mode, padding_mode=padding_mode, align_corners=align_corners)

"""Resizing: each side is resampled by a table of places and weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from minigrad import ops
from minigrad.errors import DataError
from minigrad.io.onnx.importer.node import Node, raw
from minigrad.io.onnx.importer.registry import onnx_operator
from minigrad.shapes import shape_of
from minigrad.typing import Array, Value

NEAREST: Final = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
TRANSFORMS: Final = (
    "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize",
    "tf_half_pixel_for_nn",
)  # fmt: skip
POLICIES: Final = ("stretch", "not_larger", "not_smaller")


@dataclass(frozen=True)
class Settings:
    """How one side is resized, as ONNX names it."""

    mode: str
    transform: str
    nearest: str
    cubic: float
    exclude_outside: bool
    antialias: bool


@onnx_operator("Upsample", constants=("scales",))
def _(node: Node, x: Value, scales: Value = None) -> Value:
    factors = node.numbers("scales") if scales is None else tuple(map(float, raw(scales).reshape(-1)))
    mode = node.text("mode", "nearest", ("nearest", "linear", "bilinear"))
    settings = Settings("nearest" if mode == "nearest" else "linear", "asymmetric", "floor", 0.0, False, False)
    shape = shape_of(x)
    _check_factors(node, factors, len(shape))
    sizes = tuple(int(n * factor) for n, factor in zip(shape, factors, strict=True))
    return _resized(node, x, sizes, factors, settings, ())


def _check_factors(node: Node, factors: Sequence[float], count: int) -> None:
    if len(factors) != count or not all(0 < factor < 2**31 for factor in factors):
        raise DataError(f"{node.data}: scales {tuple(factors)[:9]} do not fit {count} dimensions")


@onnx_operator("Resize", constants=("roi", "scales", "sizes"))
def _(node: Node, x: Value, roi: Value = None, scales: Value = None, sizes: Value = None) -> Value:
    old = node.opset < 11
    if old:
        roi, scales = None, roi
    shape = shape_of(x)
    axes = node.axes(node.integers("axes", range(len(shape))), len(shape))
    settings = Settings(
        node.text("mode", "nearest", ("nearest", "linear", "cubic")),
        node.text("coordinate_transformation_mode", "asymmetric" if old else "half_pixel", TRANSFORMS),
        node.text("nearest_mode", "floor" if old else "round_prefer_floor", NEAREST),
        node.number("cubic_coeff_a", -0.75), node.flag("exclude_outside"), node.flag("antialias"),
    )  # fmt: skip
    region = () if roi is None else tuple(map(float, raw(roi).reshape(-1)))
    if settings.transform == "tf_crop_and_resize":
        if len(region) != 2 * len(axes):
            raise DataError(f"{node.data}: a region of {len(region)} numbers does not fit {len(axes)} dimensions")
        region = _whole(region, axes, len(shape))
    else:
        region = ()
    if sizes is not None and raw(sizes).size:
        targets, factors = _by_sizes(node, shape, axes, node.ints(sizes, "the sizes"))
    elif scales is not None and raw(scales).size:
        given = tuple(map(float, raw(scales).reshape(-1)))
        _check_factors(node, given, len(axes))
        factors = [1.0] * len(shape)
        for axis, factor in zip(axes, given, strict=True):
            factors[axis] = factor
        extent = [region[i + len(shape)] - region[i] if region else 1.0 for i in range(len(shape))]
        targets = [math.floor(n * e * factor) for n, e, factor in zip(shape, extent, factors, strict=True)]
    else:
        raise DataError(f"{node.data}: either sizes or scales must be given")
    return _resized(node, x, targets, factors, settings, region)


def _whole(region: tuple[float, ...], axes: Sequence[int], ndim: int) -> tuple[float, ...]:
    """A region with a beginning and an end for every dimension."""
    found = [0.0] * ndim + [1.0] * ndim
    for k, axis in enumerate(axes):
        found[axis], found[axis + ndim] = region[k], region[k + len(axes)]
    return tuple(found)


def _by_sizes(
    node: Node, shape: Sequence[int], axes: Sequence[int], sizes: Sequence[int]
) -> tuple[list[int], list[float]]:
    """The sizes of all dimensions, and their factors."""
    if len(sizes) != len(axes):
        raise DataError(f"{node.data}: {len(sizes)} sizes do not fit {len(axes)} dimensions")
    policy = node.text("keep_aspect_ratio_policy", "stretch", POLICIES)
    targets, factors = list(shape), [1.0] * len(shape)
    each = [size / max(shape[axis], 1) for axis, size in zip(axes, sizes, strict=True)]
    if policy != "stretch":
        each = [min(each) if policy == "not_larger" else max(each)] * len(each)
        sizes = [math.floor(shape[axis] * factor + 0.5) for axis, factor in zip(axes, each, strict=True)]
    for axis, size, factor in zip(axes, sizes, each, strict=True):
        targets[axis], factors[axis] = size, factor
    return targets, factors


def _resized(
    node: Node, x: Value, sizes: Sequence[int], factors: Sequence[float], settings: Settings, region: Sequence[float]
) -> Value:
    """x with each side resampled."""
    node.require_size(sizes)
    shape, ndim = shape_of(x), len(sizes)
    outside: Value = None
    for axis, (old, new, factor) in enumerate(zip(shape, sizes, factors, strict=True)):
        start, end = (region[axis], region[axis + ndim]) if region else (0.0, 1.0)
        if old == new and factor == 1 and (start, end) == (0.0, 1.0):
            continue
        if old == 0:
            raise DataError(f"{node.data}: an empty side of x cannot be resized, its shape is {shape}")
        place = _places(new, old, factor, settings.transform, start, end)
        node.require_size((*shape_of(x)[:axis], new, *shape_of(x)[axis + 1 :]))
        index, weight = _table(node, place, old, factor, settings)
        x = ops.resample(x, axis=axis, index=index, weight=weight.astype(raw(x).dtype))
        if settings.transform == "tf_crop_and_resize":
            here = ((place < 0) | (place > old - 1)).reshape([-1 if k == axis else 1 for k in range(ndim)])
            outside = here if outside is None else outside | here
    if outside is None:
        return x
    return ops.where(outside, raw(x).dtype.type(node.number("extrapolation_value", 0.0)), x)


def _places(new: int, old: int, factor: float, transform: str, start: float, end: float) -> Array:
    """Where the elements of the result lie in x."""
    j = np.arange(new, dtype=np.float64)
    if transform == "asymmetric":
        return j / factor
    if transform == "align_corners":
        return j * (old - 1) / (old * factor - 1) if old * factor != 1 else j * 0
    if transform == "tf_half_pixel_for_nn":
        return (j + 0.5) / factor
    if transform == "pytorch_half_pixel":
        return (j + 0.5) / factor - 0.5 if new > 1 else j * 0 - 0.5
    if transform == "tf_crop_and_resize":
        if new > 1:
            return start * (old - 1) + j * (end - start) * (old - 1) / (new - 1)
        return j * 0 + 0.5 * (start + end) * (old - 1)
    if transform == "half_pixel_symmetric":
        adjustment = new / (factor * old)
        center = old / 2
        return center * (1 - adjustment) + (j + 0.5) / factor - 0.5
    return (j + 0.5) / factor - 0.5


def _table(node: Node, place: Array, old: int, factor: float, settings: Settings) -> tuple[Array, Array]:
    """The table for `resample`: places, which rise along each row, and their weights."""
    if settings.mode == "nearest":
        return np.clip(_nearest(place, settings.nearest), 0, old - 1).astype(int)[None], np.ones((1, len(place)))
    narrow = min(factor, 1.0) if settings.antialias else 1.0
    reach = (1.0 if settings.mode == "linear" else 2.0) / narrow
    if not reach < 2**15:
        node.refuse("a factor that small has no antialiasing")
    taps = np.arange(-math.ceil(reach) + 1, math.ceil(reach) + 1)
    node.require_size((len(taps), len(place)))
    first = np.floor(place)
    distance = np.abs(place - first - taps[:, None]) * narrow
    weight = np.maximum(1 - distance, 0) if settings.mode == "linear" else _cubic(distance, settings.cubic)
    index = first + taps[:, None]
    if settings.exclude_outside:
        weight = np.where((index < 0) | (index > old - 1), 0, weight)
    if settings.exclude_outside or settings.antialias:
        weight = weight / weight.sum(axis=0)
    return np.clip(index, 0, old - 1).astype(int), weight


def _nearest(place: Array, mode: str) -> Array:
    if mode == "floor":
        return np.floor(place)
    if mode == "ceil":
        return np.ceil(place)
    return np.ceil(place - 0.5) if mode == "round_prefer_floor" else np.floor(place + 0.5)


def _cubic(d: Array, a: float) -> Array:
    """Keys' cubic weights at a distance."""
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


@onnx_operator("GridSample")
def _(node: Node, x: Value, grid: Value) -> Value:
    mode = node.text("mode", "bilinear", ("bilinear", "linear", "nearest", "bicubic", "cubic"))
    padding = node.text("padding_mode", "zeros", ("zeros", "border", "reflection"))
    if mode in ("linear", "cubic"):  # the names from opset 20 on
        mode = f"bi{mode}"
    return ops.grid_sample(x, grid, mode=mode, padding_mode=padding, align_corners=node.flag("align_corners"))

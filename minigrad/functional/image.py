"""Resizing of sequences, images and volumes, and the exchange of channels for pixels (pixel shuffle)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError, UsageError
from minigrad.functional.adaptive_pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from minigrad.kernels.array_utils import of_sizes
from minigrad.kernels.grid_sampling import CUBIC
from minigrad.shapes import shape_of
from minigrad.typing import Array, ArrayLike, Shape

MODES = {
    "nearest": (3, 4, 5), "nearest-exact": (3, 4, 5), "linear": (3,), "bilinear": (4,), "trilinear": (5,),
    "bicubic": (4,), "area": (3, 4, 5),
}  # fmt: skip
"""By mode, how many dimensions x may have."""


def interpolate(
    x: ArrayLike,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """out[n,c,j] = a weighted sum of elements of x around place scale*(j + 1/2) - 1/2, one side after the other.

    Here scale = 1/scale_factor, or else old size / new size. By mode it is

        nearest                      the element floor(scale*j)
        nearest-exact                the element floor(scale*(j + 1/2))
        linear, bilinear, trilinear  a weighted sum of 2 elements along each side
        bicubic                      a weighted sum of 4 elements along each side
        area                         the mean of cell j, as `adaptive_avg_pool2d`

    Args:
        x: sequences, images or volumes.
        size: the new sizes of the sides, or one for all; None if scale_factor is given.
        scale_factor: by how much the sides grow, or one number for all; None if size is given.
        mode: as above; "linear" is for sequences, "bilinear" and "bicubic" are for images, "trilinear" is for volumes
            (default "nearest").
        align_corners: for the linear modes and "bicubic": whether the first and last elements keep their places, so
            that place j*(old - 1)/(new - 1) of x counts; they do not unless given.
        recompute_scale_factor: whether scale is computed from the sizes although scale_factor is given; not unless
            given.
        antialias: not supported (default False).

    Shapes: x (N, C, T), (N, C, H, W) or (N, C, D, H, W) -> (N, C, J), (N, C, I, J) or (N, C, K, I, J).

    Raises:
        ShapeError: the mode is not for so many dimensions, or a side is or would be empty.
        UsageError: size and scale_factor are both given or both missing, a size is no integer, a factor is not a finite
            number above 0, a setting is not for the mode, antialias.

    Source: Keys 1981, "Cubic convolution interpolation for digital image processing" (bicubic).

    >>> interpolate(Tensor([[[0.0, 1.0]]]), 4, mode="linear").tolist()
    [[[0.0, 0.25, 0.75, 1.0]]]
    """
    sides = _check_mode(x, mode, align_corners, antialias)
    sizes, scales = _target(sides, size, scale_factor, recompute_scale_factor)
    if min((*sides, *sizes)) < 1:
        raise ShapeError(f"interpolate: sides of {sides} cannot become {sizes}: each must have an element")
    if mode == "area":
        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[len(sizes) - 1](x, sizes)
    for axis, (old, new, scale) in enumerate(zip(sides, sizes, scales, strict=True), start=2):
        if new == old and (mode.endswith("linear") or (mode == "nearest" and len(sizes) == 2)):
            scale = (
                1.0  # as in PyTorch: a factor too small to change the size changes nothing (nearest: of images only)
            )
        index, weight = map(of_sizes, _table(mode, old, new, scale, bool(align_corners)))
        x = ops.resample(x, axis=axis, index=index, weight=weight)
    return x  # type: ignore[return-value]  # the loop has made it a Tensor


def _check_mode(x: ArrayLike, mode: str, align_corners: bool | None, antialias: bool) -> Shape:
    """The sides of x, if the mode is for such as it."""
    shape = shape_of(x)
    if mode not in MODES:
        raise UsageError(f"interpolate: mode is one of {', '.join(MODES)}, not {mode!r}")
    if len(shape) not in MODES[mode]:
        *most, last = map(str, MODES[mode])
        dimensions = f"{', '.join(most)} or {last}" if most else last
        raise ShapeError(f"interpolate: mode {mode!r} is for {dimensions} dimensions (N, C, ...), got shape {shape}")
    if align_corners is not None and "linear" not in mode and mode != "bicubic":
        raise UsageError(f"interpolate: align_corners is for linear, bilinear, trilinear and bicubic, not for {mode!r}")
    if antialias:
        raise UsageError("interpolate: antialias is not supported: blur first, or use mode 'area' to make smaller")
    return shape[2:]


def _target(
    sides: Shape, size: int | Sequence[int] | None, scale_factor: float | Sequence[float] | None, recompute: bool | None
) -> tuple[Shape, tuple[float, ...]]:
    """The new sides, and for each how far apart neighbors of the result lie in x."""
    if (size is None) == (scale_factor is None):
        raise UsageError("interpolate: give either size or scale_factor")
    given = size if scale_factor is None else scale_factor
    each: tuple[Any, ...] = tuple(given) if isinstance(given, Sequence) else (given,) * len(sides)
    if len(each) != len(sides):
        raise UsageError(f"interpolate: {given} does not fit sides of {sides}: give one number, or one for each")
    if size is not None:
        if not all(hasattr(n, "__index__") for n in each):
            raise UsageError(f"interpolate: size is made of integers, got {size!r}: use scale_factor for a factor")
        sizes = tuple([n.__index__() for n in each])
    else:
        if not all(isinstance(factor, (int, float, np.number)) and 0 < factor < math.inf for factor in each):
            raise UsageError(f"interpolate: scale_factor is a finite number above 0, got {scale_factor!r}: 2 doubles")
        sizes = tuple([math.floor(float(n) * factor) for n, factor in zip(sides, each, strict=True)])
        if not recompute:
            return sizes, tuple([1 / factor for factor in each])
    return sizes, tuple([old / max(new, 1) for old, new in zip(sides, sizes, strict=True)])


@lru_cache(256)  # a network asks for the same few, in every step
def _table(mode: str, old: int, new: int, scale: float, align_corners: bool) -> tuple[Array, Array]:
    """The table for `resample` that makes `new` elements of `old` ones."""
    j = np.arange(new, dtype=np.float64)
    if mode.startswith("nearest"):
        place = np.floor(scale * (j + 0.5 if mode == "nearest-exact" else j)).astype(int)
        return np.minimum(place, old - 1)[None], np.ones((1, new))
    place = j * (old - 1) / max(new - 1, 1) if align_corners else scale * (j + 0.5) - 0.5
    if mode == "bicubic":
        first, tap = np.floor(place), np.arange(-1, 3)[:, None]
        return np.clip(first + tap, 0, old - 1).astype(int), _cubic(np.abs(place - first - tap))
    place = np.clip(place, 0, old - 1)
    first = np.floor(place).astype(int)
    rest = place - first
    return np.stack([first, np.minimum(first + 1, old - 1)]), np.stack([1 - rest, rest])


def _cubic(d: Array) -> Array:
    """The weight of an element at distance d < 2: a cubic polynomial on each interval, 1 at 0, and 0 at 1 and 2."""
    near = ((CUBIC + 2) * d - (CUBIC + 3)) * d * d + 1
    far = ((CUBIC * d - 5 * CUBIC) * d + 8 * CUBIC) * d - 4 * CUBIC
    return np.where(d <= 1, near, far)


def pixel_shuffle(x: ArrayLike, upscale_factor: int) -> Tensor:
    """out[..., c, h*r + a, w*r + b] = x[..., c*r*r + a*r + b, h, w]: r*r channels turned into r x r pixels.

    Args:
        x: images.
        upscale_factor: the number r.

    Shapes: x (..., C*r*r, H, W) -> (..., C, H*r, W*r).

    Raises:
        ShapeError: the channels are no multiple of r*r.
        UsageError: r is no integer of at least 1.

    Source: Shi et al. 2016, "Real-time single image and video super-resolution using an efficient sub-pixel
    convolutional neural network", arXiv:1609.05158.
    """
    r, shape = _factor("pixel_shuffle", upscale_factor), shape_of(x)
    if len(shape) < 3 or shape[-3] % (r * r):
        raise ShapeError(f"pixel_shuffle: expected x (..., C*{r * r}, H, W), got shape {shape}")
    *lead, c, h, w = shape
    n = len(lead)
    apart = ops.reshape(x, shape=(*lead, c // (r * r), r, r, h, w))
    interleaved = ops.permute_dims(apart, axes=(*range(n + 1), n + 3, n + 1, n + 4, n + 2))
    return ops.reshape(interleaved, shape=(*lead, c // (r * r), h * r, w * r))


def pixel_unshuffle(x: ArrayLike, downscale_factor: int) -> Tensor:
    """out[..., c*r*r + a*r + b, h, w] = x[..., c, h*r + a, w*r + b]: r x r pixels turned into r*r channels.

    The inverse of `pixel_shuffle`.

    Args:
        x: images.
        downscale_factor: the number r.

    Shapes: x (..., C, H*r, W*r) -> (..., C*r*r, H, W).

    Raises:
        ShapeError: height or width is no multiple of r.
        UsageError: r is no integer of at least 1.
    """
    r, shape = _factor("pixel_unshuffle", downscale_factor), shape_of(x)
    if len(shape) < 3 or shape[-2] % r or shape[-1] % r:
        raise ShapeError(f"pixel_unshuffle: expected x (..., C, H*{r}, W*{r}), got shape {shape}")
    *lead, c, h, w = shape
    n = len(lead)
    apart = ops.reshape(x, shape=(*lead, c, h // r, r, w // r, r))
    sorted_out = ops.permute_dims(apart, axes=(*range(n + 1), n + 2, n + 4, n + 1, n + 3))
    return ops.reshape(sorted_out, shape=(*lead, c * r * r, h // r, w // r))


def _factor(name: str, r: int) -> int:
    if not hasattr(r, "__index__") or r < 1:
        raise UsageError(f"{name}: the factor must be an integer of at least 1, not {r!r}")
    return r.__index__()

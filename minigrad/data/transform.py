"""Transforms of whole batches of images (N, C, H, W), whose randomness comes from an explicit generator."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from minigrad.errors import DataError

BLOCK_PIXELS = 32768
"""Values resampled at once: the temporaries fit the cache, and the work outweighs the calls of NumPy."""


class Transform(Protocol):
    """A function of a batch that returns a new batch of the same dtype and leaves its input as it was."""

    def __call__(self, images: NDArray[Any], rng: Generator, /) -> NDArray[Any]:
        """Transform `images` (N, C, H, W), drawing all randomness from `rng`."""
        ...


@dataclass(frozen=True)
class Compose:
    """Several transforms in a row, sharing one generator."""

    transforms: Sequence[Transform]

    def __call__(self, images: NDArray[Any], rng: Generator) -> NDArray[Any]:
        """Apply the transforms from first to last."""
        for transform in self.transforms:
            images = transform(images, rng)
        return images


@dataclass(frozen=True)
class Normalize:
    """Shift and scale the channels: `out[n,c,i,j] = (images[n,c,i,j] - mean[c]) / std[c]`.

    Args:
        mean, std: one number for all channels, or one a channel, in the units of the images.

    Raises:
        DataError: a `std` is not positive, or their number is not 1 and not that of the channels.
    """

    mean: float | tuple[float, ...]
    std: float | tuple[float, ...]

    def __post_init__(self) -> None:
        if np.any(np.asarray(self.std) <= 0):
            raise DataError(
                f"Normalize: std must be positive, got {self.std}. Use 1.0 for a channel that never varies."
            )

    def __call__(self, images: NDArray[Any], rng: Generator | None = None) -> NDArray[Any]:
        """Normalize `images` (N, C, H, W); `rng` is not used."""
        _check_images("Normalize", images)
        normalized: NDArray[Any] = images - self._per_channel("mean", images)
        normalized /= self._per_channel("std", images)
        return normalized

    def _per_channel(self, name: str, images: NDArray[Any]) -> NDArray[Any]:
        values = np.atleast_1d(np.asarray(getattr(self, name), dtype=images.dtype))
        if values.size not in (1, images.shape[1]):
            raise DataError(
                f"Normalize: {name} must have one number or one a channel (C = {images.shape[1]}), got {values.size}."
            )
        return values[:, None, None]


@dataclass(frozen=True)
class RandomAffine:
    """Rotate, scale, shear and shift each image by its own random amounts, in one bilinear resampling.

    A pixel at p (x to the right, y downward, from the image's center) moves to
    `scale * rotation(angle) @ [[1, tan(shear)], [0, 1]] @ p + shift`; every amount is uniform.

    Args:
        degrees: the angle is in [-degrees, degrees]; positive is counterclockwise.
        translate: each shift is in [-translate, translate], as a fraction of the width or height.
        scale: the lower and upper bound of the factor.
        shear: the shear angle is in [-shear, shear] degrees.
        fill: the value outside of the image; None repeats the nearest pixel of the border.

    Raises:
        DataError: a bound is negative, or `scale` is not 0 < lower <= upper.
    """

    degrees: float = 10.0
    translate: float = 0.1
    scale: tuple[float, float] = (0.9, 1.1)
    shear: float = 0.0
    fill: float | None = None

    def __post_init__(self) -> None:
        for name in ("degrees", "translate", "shear"):
            if (bound := getattr(self, name)) < 0:
                raise DataError(
                    f"RandomAffine: {name} is the bound of [-{name}, {name}] and must be at least 0, "
                    f"got {bound}. Use {name}={-bound}."
                )
        if not 0 < self.scale[0] <= self.scale[1]:
            raise DataError(
                f"RandomAffine: scale must be (lower, upper) with 0 < lower <= upper, got {self.scale}. "
                f"Use (1.0, 1.0) to keep the size."
            )

    def __call__(self, images: NDArray[Any], rng: Generator) -> NDArray[Any]:
        """Move each of `images` (N, C, H, W) by amounts drawn from `rng`."""
        _check_images("RandomAffine", images)
        return affine(images, self._draw_maps(images, rng), self.fill)

    def _draw_maps(self, images: NDArray[Any], rng: Generator) -> NDArray[np.float64]:
        """The inverse of each random motion: from output pixel to source pixel, (N, 2, 3)."""
        count, _, height, width = images.shape
        angle = np.deg2rad(rng.uniform(-self.degrees, self.degrees, count))
        slope = np.tan(np.deg2rad(rng.uniform(-self.shear, self.shear, count)))
        scale = rng.uniform(*self.scale, count)
        shift = rng.uniform(-self.translate, self.translate, (count, 2)) * (width, height)
        cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
        # [[1, -slope], [0, 1]] @ [[cos, -sin], [sin, cos]]: un-rotate, then un-shear.
        inverse = np.array([[cos - slope * sin, -sin - slope * cos], [sin, cos]]).transpose(2, 0, 1)
        return np.concatenate([inverse, -inverse @ shift[:, :, None]], axis=2)


def affine(images: NDArray[Any], maps: NDArray[Any], fill: float | None = None) -> NDArray[Any]:
    """Resample every image along its own affine map, bilinearly.

    `out[n,c,i,j] = images[n,c,y,x]` at `(x, y) = maps[n] @ (j, i, 1)`, with pixels counted from the image's
    center, x to the right and y downward; between pixels, the four neighbors are averaged by distance.

    Args:
        images: floating-point, (N, C, H, W).
        maps: from output position to source position, in pixels, (N, 2, 3).
        fill: the value outside of the image; None repeats the nearest pixel of the border.

    Raises:
        DataError: the images or maps have another shape, or the images are not floating-point.
    """
    _check_images("affine", images)
    if maps.shape != (len(images), 2, 3):
        raise DataError(
            f"affine: needs a 2 x 3 map for each of the N = {len(images)} images, maps (N, 2, 3), "
            f"got {maps.shape}. Use np.broadcast_to(map, (N, 2, 3)) to move all of them alike."
        )
    resampled = np.empty_like(images)
    block = max(1, BLOCK_PIXELS // max(1, images[0:1].size))
    for start in range(0, len(images), block):
        part = slice(start, start + block)
        resampled[part] = _resample(images[part], maps[part], fill)
    return resampled


def resize(images: NDArray[Any], size: int) -> NDArray[Any]:
    """Resize images to `size` x `size` by bilinear interpolation (no smoothing when made smaller).

    `out[n,c] = R_H @ images[n,c] @ R_W.T`, where row i of R weighs the two pixels around the center of output
    pixel i; beyond the outermost centers, the border pixel counts.

    Args:
        images: floating-point, (N, C, H, W).
        size: the new height and width, in pixels.

    Raises:
        DataError: the images have another shape or are not floating-point.
    """
    _check_images("resize", images)
    rows, columns = (_interpolation(length, size, images.dtype) for length in images.shape[2:])
    resized: NDArray[Any] = rows @ images @ columns.T
    return resized


def _resample(images: NDArray[Any], maps: NDArray[Any], fill: float | None) -> NDArray[Any]:
    count, channels, height, width = images.shape
    # A frame of `fill`, one pixel before and two behind: every neighbor exists, so that no case needs a mask.
    framed = np.full((count, channels, height + 3, width + 3), fill or 0, dtype=images.dtype)
    framed[:, :, 1:-2, 1:-2] = images
    pixels, row = framed.reshape(-1), width + 3
    x, right = _sources(maps[:, 0], images.shape, width, fill is None)
    y, below = _sources(maps[:, 1], images.shape, height, fill is None)
    y *= row
    y += x
    corner = y + np.arange(0, pixels.size, (height + 3) * row).reshape(count, channels, 1, 1)

    def between_columns(offset: int) -> NDArray[Any]:
        # "clip" skips the check of every index; all of them are inside because the positions are.
        left = pixels[offset:].take(corner, mode="clip")
        return _lerp(left, pixels[offset + 1 :].take(corner, mode="clip"), right)

    return _lerp(between_columns(0), between_columns(row), below)


def _sources(
    row: NDArray[Any], shape: tuple[int, ...], length: int, edge: bool
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """One source coordinate of every output pixel, (N, 1, H, W), as framed pixel and fraction behind it.

    `row` (N, 3) is the line of the maps that gives this coordinate, `length` the images' size along it.
    """
    per_x, per_y, shift = row.astype(np.float32).T[:, :, None, None, None]
    y, x = (np.arange(n, dtype=np.float32) - np.float32((n - 1) / 2) for n in shape[2:])
    position = per_x * x + (per_y * y[:, None] + (shift + np.float32((length + 1) / 2)))
    np.clip(position, 1 if edge else 0, length if edge else length + 1, out=position)
    pixel = position.astype(np.intp)  # truncation is floor: no position is negative
    position -= pixel.astype(np.float32)
    return pixel, position


def _lerp(start: NDArray[Any], stop: NDArray[Any], weight: NDArray[Any]) -> NDArray[Any]:
    """start + weight * (stop - start), written into `stop`."""
    np.subtract(stop, start, out=stop)
    np.multiply(stop, weight, out=stop)
    np.add(stop, start, out=stop)
    return stop


def _interpolation(length: int, size: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """R (size, length): the weights of `length` pixels in each of `size`; each row sums to 1."""
    position = np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)
    distance = np.abs(position[:, None] - np.arange(length))
    weights: NDArray[Any] = np.maximum(0, 1 - distance).astype(dtype)
    return weights


def _check_images(name: str, images: NDArray[Any]) -> None:
    if images.ndim != 4 or not np.issubdtype(images.dtype, np.floating):
        raise DataError(
            f"{name}: needs floating-point images (N, C, H, W), got {images.dtype} {images.shape}. "
            f"Use images[:, None] to add a channel axis, images.astype(np.float32) / 255 for bytes."
        )

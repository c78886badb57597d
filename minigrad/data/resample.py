"""Images resampled between their pixels: moved, turned, and resized."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from minigrad.data.transform import check_images, pair
from minigrad.errors import DataError
from minigrad.typing import Array

BLOCK_PIXELS = 32768
"""Values resampled at once: the temporaries fit the cache, and the work outweighs the calls of NumPy."""


@dataclass(frozen=True)
class RandomAffine:
    """Rotate, scale, shear and shift each image by its own random amounts, in one bilinear resampling.

    A pixel at p (x to the right, y downward, from the image's center) moves to
    `scale * rotation(angle) @ [[1, tan(shear)], [0, 1]] @ p + shift`; every amount is uniform.

    Args:
        degrees: the angle is in [-degrees, degrees]; positive is counterclockwise (default 10.0).
        translate: each shift is in [-translate, translate], as a fraction of the width or height (default 0.1).
        scale: the lower and upper bound of the factor (default (0.9, 1.1)).
        shear: the shear angle is in [-shear, shear] degrees (default 0.0).
        fill: the value outside of the image (default None: the nearest pixel of the border is repeated).

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
        bounds = [bound for bound in self.scale if isinstance(bound, (int, float, np.number))]
        if len(self.scale) != 2 or len(bounds) != 2 or not 0 < bounds[0] <= bounds[1]:
            raise DataError(
                f"RandomAffine: scale must be (lower, upper) with 0 < lower <= upper, got {self.scale}. "
                f"Use (1.0, 1.0) to keep the size."
            )

    def __call__(self, images: Array, rng: Generator) -> Array:
        """Move each of `images` (N, C, H, W) by amounts drawn from `rng`."""
        check_images("RandomAffine", images)
        return affine(images, self._draw_maps(images, rng), self.fill)

    def _draw_maps(self, images: Array, rng: Generator) -> NDArray[np.float64]:
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


def affine(images: Array, maps: Array, fill: float | None = None) -> Array:
    """Resample every image along its own affine map, bilinearly.

    `out[n,c,i,j] = images[n,c,y,x]` at `(x, y) = maps[n] @ (j, i, 1)`, with pixels counted from the image's
    center, x to the right and y downward; between pixels, the four neighbors are averaged by distance.

    Args:
        images: floating-point, (N, C, H, W).
        maps: from output position to source position, in pixels, (N, 2, 3).
        fill: the value outside of the image (default None: the nearest pixel of the border is repeated).

    Raises:
        DataError: the images or maps have another shape, or the images are not floating-point.
    """
    check_images("affine", images)
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


@dataclass(frozen=True)
class Resize:
    """Resize images bilinearly, as `resize` does: (N, C, H, W) -> (N, C, *size), floating-point.

    Args:
        size: the new height and width, in pixels; one number for both.

    Raises:
        DataError: when called, the images have another shape or are not floating-point, or the size is not positive.
    """

    size: int | tuple[int, int]

    def __call__(self, images: Array, rng: Generator | None = None) -> Array:
        """Resize `images`; `rng` is not used."""
        return resize(images, self.size)


def resize(images: Array, size: int | tuple[int, int]) -> Array:
    """Resize images by bilinear interpolation (no smoothing when made smaller).

    Along each axis, output pixel i of S lies at y = (i + 1/2) L / S - 1/2 among the L pixels of the image, and
    averages the two around it by distance; beyond the outermost centers, the border pixel counts.

    Args:
        images: floating-point, (N, C, H, W).
        size: the new height and width, in pixels; one number for both.

    Raises:
        DataError: the images have another shape or are not floating-point, or the size is not positive.
    """
    check_images("resize", images)
    height, width = pair("resize", size)
    return _resized(_resized(images, height, axis=2), width, axis=3)


def _resample(images: Array, maps: Array, fill: float | None) -> Array:
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

    def between_columns(offset: int) -> Array:
        # "clip" skips the check of every index; all of them are inside because the positions are.
        left = pixels[offset:].take(corner, mode="clip")
        return _lerp(left, pixels[offset + 1 :].take(corner, mode="clip"), right)

    return _lerp(between_columns(0), between_columns(row), below)


def _sources(
    row: Array, shape: tuple[int, ...], length: int, edge: bool
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


def _lerp(start: Array, stop: Array, weight: Array) -> Array:
    """start + weight * (stop - start), written into `stop`."""
    np.subtract(stop, start, out=stop)
    np.multiply(stop, weight, out=stop)
    np.add(stop, start, out=stop)
    return stop


def _resized(images: Array, size: int, axis: int) -> Array:
    # Not as a product with a matrix of weights: BLAS would wait for its threads, image by image on a busy machine.
    length = images.shape[axis]
    position = np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)
    before = position.astype(np.intp)
    after = np.minimum(before + 1, length - 1)
    weight = (position - before).astype(images.dtype).reshape(-1, *[1] * (3 - axis))
    return _lerp(images.take(before, axis), images.take(after, axis), weight)

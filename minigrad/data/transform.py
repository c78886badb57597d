"""Transforms of whole batches of images (N, C, H, W), whose randomness comes from an explicit generator."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.random import Generator

from minigrad.errors import DataError
from minigrad.typing import Array


class Transform(Protocol):
    """A function of a batch that returns a new batch of the same dtype and leaves its input as it was."""

    def __call__(self, images: Array, rng: Generator, /) -> Array:
        """Transform `images` (N, C, H, W), drawing all randomness from `rng`."""
        ...


@dataclass(frozen=True)
class Compose:
    """Several transforms one after the other, sharing one generator: (N, C, H, W) -> as the last one gives it.

    Args:
        transforms: from the first to the last.

    >>> scale = Compose([Normalize(0.5, 0.5), Normalize(0.0, 2.0)])
    >>> float(scale(np.ones((1, 1, 1, 1)), np.random.default_rng(0))[0, 0, 0, 0])
    0.5
    """

    transforms: Sequence[Transform]

    def __call__(self, images: Array, rng: Generator) -> Array:
        """Apply the transforms from first to last."""
        for transform in self.transforms:
            images = transform(images, rng)
        return images


@dataclass(frozen=True)
class Normalize:
    """Shift and scale the channels: `out[n,c,i,j] = (images[n,c,i,j] - mean[c]) / std[c]`.

    Args:
        mean: one number for all channels, or one a channel, in the units of the images.
        std: likewise, above 0.

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

    def __call__(self, images: Array, rng: Generator | None = None) -> Array:
        """Normalize `images` (N, C, H, W); `rng` is not used."""
        check_images("Normalize", images)
        normalized: Array = images - self._per_channel("mean", images)
        normalized /= self._per_channel("std", images)
        return normalized

    def _per_channel(self, name: str, images: Array) -> Array:
        values = np.atleast_1d(np.asarray(getattr(self, name), dtype=images.dtype))
        if values.size not in (1, images.shape[1]):
            raise DataError(
                f"Normalize: {name} must have one number or one a channel (C = {images.shape[1]}), got {values.size}."
            )
        return values[:, None, None]


@dataclass(frozen=True)
class ToRGB:
    """Give gray images three equal channels: `out[n,c,i,j] = images[n,0,i,j]`; color images stay as they are.

    (N, 1, H, W) or (N, 3, H, W) -> (N, 3, H, W), of any dtype.

    Raises:
        DataError: the images have another number of channels.
    """

    def __call__(self, images: Array, rng: Generator | None = None) -> Array:
        """Convert `images`; `rng` is not used."""
        check_images("ToRGB", images, floating=False)
        if images.shape[1] not in (1, 3):
            raise DataError(f"ToRGB: images must have 1 or 3 channels, got {images.shape[1]}.")
        return np.repeat(images, 3, axis=1) if images.shape[1] == 1 else images.copy()


def check_images(name: str, images: Array, floating: bool = True) -> None:
    """Refuse what is no batch of images (N, C, H, W), naming the transform that needs it."""
    if isinstance(images, (tuple, list)):
        raise DataError(
            f"{name}: changes the inputs alone, and got {len(images)} arrays. Use transform= of the DataLoader, in "
            "place of batch_transform=."
        )
    if images.ndim != 4 or (floating and not np.issubdtype(images.dtype, np.floating)):
        raise DataError(
            f"{name}: needs {'floating-point ' if floating else ''}images (N, C, H, W), got {images.dtype} "
            f"{images.shape}. Use images[:, None] to add a channel axis, images.astype(np.float32) / 255 for bytes."
        )


def pair(name: str, size: int | tuple[int, int]) -> tuple[int, int]:
    """Height and width from one number for both, or from both."""
    height, width = size if isinstance(size, tuple) else (size, size)
    if height < 1 or width < 1:
        raise DataError(f"{name}: the size must be at least 1 pixel, got {size}.")
    return height, width

"""Transforms that move or cover pixels without changing their values: padding, cropping, flipping, cutting out."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.random import Generator
from numpy.typing import NDArray

from minigrad.data.transform import check_images, pair
from minigrad.errors import DataError
from minigrad.typing import Array


@dataclass(frozen=True)
class Pad:
    """Surround images: (N, C, H, W) -> (N, C, H + 2 padding, W + 2 padding), of any dtype.

    Args:
        padding: on each side, in pixels.
        fill: the value outside of the image (default 0.0); None repeats the nearest pixel of the border.

    Raises:
        DataError: `padding` is negative.
    """

    padding: int
    fill: float | None = 0.0

    def __post_init__(self) -> None:
        _check_padding("Pad", self.padding)

    def __call__(self, images: Array, rng: Generator | None = None) -> Array:
        """Pad `images`; `rng` is not used."""
        check_images("Pad", images, floating=False)
        return _padded(images, self.padding, self.fill)


@dataclass(frozen=True)
class CenterCrop:
    """Keep the middle of images: (N, C, H, W) -> (N, C, *size), of any dtype.

    Args:
        size: the new height and width, in pixels; one number for both. Of an odd rest, the smaller half is cut off
            above and at the left.

    Raises:
        DataError: the size is not positive, or the images are smaller.
    """

    size: int | tuple[int, int]

    def __post_init__(self) -> None:
        pair("CenterCrop", self.size)

    def __call__(self, images: Array, rng: Generator | None = None) -> Array:
        """Crop `images`; `rng` is not used."""
        height, width = _fitting("CenterCrop", images, self.size)
        top, left = (images.shape[2] - height) // 2, (images.shape[3] - width) // 2
        return images[:, :, top : top + height, left : left + width].copy()


@dataclass(frozen=True)
class RandomCrop:
    """Keep a window of each image, all places equally likely: (N, C, H, W) -> (N, C, *size), of any dtype.

    Args:
        size: the new height and width, in pixels; one number for both.
        padding: added on each side before, in pixels (default 0). `RandomCrop(32, padding=4)` is usual for images of
            32 x 32.
        fill: the value of the padding (default 0.0); None repeats the nearest pixel of the border.

    Raises:
        DataError: the size is not positive, `padding` is negative, or the padded images are smaller than the size.

    Source: A. Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", 2012, section
    4.1; with padding, K. He et al., "Deep residual learning for image recognition", 2016, section 4.2.
    """

    size: int | tuple[int, int]
    padding: int = 0
    fill: float | None = 0.0

    def __post_init__(self) -> None:
        pair("RandomCrop", self.size)
        _check_padding("RandomCrop", self.padding)

    def __call__(self, images: Array, rng: Generator) -> Array:
        """Crop each of `images` at a place drawn from `rng`."""
        check_images("RandomCrop", images, floating=False)
        images = _padded(images, self.padding, self.fill)
        size = _fitting("RandomCrop", images, self.size)
        windows = sliding_window_view(images, size, axis=(2, 3))  # (N, C, places down, places right, *size)
        top, left = (rng.integers(places, size=len(images)) for places in windows.shape[2:4])
        cropped: Array = windows[np.arange(len(images)), :, top, left]
        return cropped


@dataclass(frozen=True)
class RandomFlip:
    """Mirror each image with some probability: (N, C, H, W) -> (N, C, H, W), of any dtype.

    Args:
        horizontal: the probability that left and right are exchanged (default 0.5).
        vertical: the probability that top and bottom are exchanged, independently (default 0.0).

    Raises:
        DataError: a probability is not between 0 and 1.

    Source: A. Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", 2012, section 4.1.
    """

    horizontal: float = 0.5
    vertical: float = 0.0

    def __post_init__(self) -> None:
        for name in ("horizontal", "vertical"):
            if not 0 <= (value := getattr(self, name)) <= 1:
                raise DataError(f"RandomFlip: {name} is a probability, from 0 to 1, got {value}.")

    def __call__(self, images: Array, rng: Generator) -> Array:
        """Mirror those of `images` that `rng` chooses."""
        check_images("RandomFlip", images, floating=False)
        flipped = images.copy()
        for axis, probability in ((3, self.horizontal), (2, self.vertical)):
            chosen = rng.random(len(images)) < probability
            flipped[chosen] = np.flip(flipped[chosen], axis)
        return flipped


@dataclass(frozen=True)
class Cutout:
    """Cover a square of each image: (N, C, H, W) -> (N, C, H, W), of any dtype.

    The square's center is any pixel, all equally likely, so that up to three quarters of it lie outside.

    Args:
        size: the side of the square, in pixels.
        fill: its value (default 0.0); that of the images' mean is usual.

    Raises:
        DataError: `size` is negative.

    Source: T. DeVries and G. W. Taylor, "Improved regularization of convolutional neural networks with cutout", 2017.
    """

    size: int
    fill: float = 0.0

    def __post_init__(self) -> None:
        if self.size < 0:
            raise DataError(f"Cutout: size must be at least 0 pixels, got {self.size}.")

    def __call__(self, images: Array, rng: Generator) -> Array:
        """Cover a square of each of `images` at a place drawn from `rng`."""
        check_images("Cutout", images, floating=False)
        rows, columns = (self._covered(len(images), length, rng) for length in images.shape[2:])
        covered = rows[:, None, :, None] & columns[:, None, None, :]
        return np.where(covered, images.dtype.type(self.fill), images)

    def _covered(self, count: int, length: int, rng: Generator) -> NDArray[np.bool_]:
        """Which of `length` pixels along one axis the squares cover, (N, length)."""
        start = rng.integers(length, size=(count, 1)) - self.size // 2
        pixels = np.arange(length)
        covered: NDArray[np.bool_] = (start <= pixels) & (pixels < start + self.size)
        return covered


def _padded(images: Array, padding: int, fill: float | None) -> Array:
    frame = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    if fill is None:
        return np.pad(images, frame, mode="edge")
    return np.pad(images, frame, constant_values=images.dtype.type(fill))


def _check_padding(name: str, padding: int) -> None:
    if padding < 0:
        raise DataError(f"{name}: padding must be at least 0 pixels, got {padding}. Use CenterCrop to cut off.")


def _fitting(name: str, images: Array, size: int | tuple[int, int]) -> tuple[int, int]:
    check_images(name, images, floating=False)
    height, width = pair(name, size)
    if height > images.shape[2] or width > images.shape[3]:
        raise DataError(
            f"{name}: the images must be at least {height} x {width} pixels, got {images.shape[2]} x "
            f"{images.shape[3]}. Pad or resize them before."
        )
    return height, width

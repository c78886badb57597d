"""Transforms of brightness and contrast."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from minigrad.data.transform import check_images
from minigrad.errors import DataError
from minigrad.typing import Array


@dataclass(frozen=True)
class ColorJitter:
    """Change brightness and contrast of each image by its own random factors, within the range of values.

    `out[n] = clip(m[n] + c[n] * (b[n] * (images[n] - low) + low - m[n]))`, with b[n] uniform in [1 - brightness, 1 +
    brightness], c[n] in [1 - contrast, 1 + contrast], m[n] the mean of the brightened image and clip to [low, high].
    (N, C, H, W) -> (N, C, H, W), floating-point.

    Args:
        brightness: the largest relative change of brightness, from 0 to 1 (default 0.2).
        contrast: the largest relative change of contrast, from 0 to 1 (default 0.2).
        low: the value of black (default 0.0).
        high: the value of white, above low (default 1.0).

    Raises:
        DataError: a change is not between 0 and 1, low is not below high, or what is given are no such images.

    Source: A. G. Howard, "Some improvements on deep convolutional neural network based image classification", 2013,
    with the factors of both from 1 - a to 1 + a instead of 0.5 to 1.5, and without the color.
    """

    brightness: float = 0.2
    contrast: float = 0.2
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast"):
            if not 0 <= (value := getattr(self, name)) <= 1:
                raise DataError(f"ColorJitter: {name} is the largest change, from 0 to 1, got {value}. Use 0.2.")
        if not self.low < self.high:
            raise DataError(f"ColorJitter: low must be below high, got {self.low} and {self.high}.")

    def __call__(self, images: Array, rng: Generator) -> Array:
        """Change each of `images` by factors drawn from `rng`."""
        check_images("ColorJitter", images)
        bright, contrast = (
            (1 + rng.uniform(-bound, bound, (len(images), 1, 1, 1))).astype(images.dtype)
            for bound in (self.brightness, self.contrast)
        )
        low = images.dtype.type(self.low)
        changed: Array = (images - low) * bright + low
        mean = changed.mean(axis=(1, 2, 3), keepdims=True)
        changed -= mean
        changed *= contrast
        changed += mean
        return np.clip(changed, self.low, self.high, out=changed)

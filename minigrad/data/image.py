"""Image files as arrays."""

from __future__ import annotations

import os
from types import ModuleType
from typing import IO, TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from minigrad.data.transform import pair
from minigrad.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    from PIL.Image import Image

PathLike = str | os.PathLike[str]

SUFFIXES: Final = frozenset([".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"])
FORMATS: Final = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")

MODES: Final = {1: "L", 3: "RGB"}
"""Pillow's names for images of so many channels."""

MAX_PIXELS: Final = 2**26
"""A file of some kilobytes can say that it has any number of pixels: more than these, 200 MB in color, are refused."""


def read_image(path: PathLike, size: int | tuple[int, int], channels: int = 3) -> NDArray[np.float32]:
    """An image file as an array, from 0 (black) to 1 (white).

    The picture is turned as its EXIF entry says, laid on white where it is transparent, scaled (bicubically, smoothed
    when made smaller) until it covers the size, and cut to it around its center. Of an animation, the first picture.

    Args:
        path: the file: PNG, JPEG, BMP, GIF, WebP, TIFF, PPM or PGM.
        size: height H and width W, in pixels; one number for both.
        channels: C, 3 for color, 1 for gray (default 3).

    Returns:
        float32 (C, H, W).

    Raises:
        DataError: there is no such file, it is no image or damaged, or it has too many pixels to be honest.
        MissingExtraError: Pillow, of the extra `data`, is not installed.
    """
    shape = checked_channels("read_image", channels), *pair("read_image", size)
    try:
        with open(path, "rb") as file:
            return decode_image(file, str(path), np.empty(shape, np.float32))
    except FileNotFoundError as error:
        raise DataError(f"there is no file {path}") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def decode_image(file: IO[bytes], name: str, out: NDArray[np.float32]) -> NDArray[np.float32]:
    """Decode an image into an array, as `read_image` does.

    Args:
        file: the encoded image.
        name: what messages call it.
        out: float32 (C, H, W), which is filled: its shape decides size and channels.

    Returns:
        out.

    Raises:
        DataError: it is no image or damaged, or has too many pixels to be honest.
        MissingExtraError: Pillow, of the extra `data`, is not installed.
    """
    pillow = _pillow()
    channels, height, width = out.shape
    try:
        with pillow.open(file, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise pillow.DecompressionBombError(f"{image.width} x {image.height} pixels, more than {MAX_PIXELS:,}")
            pixels = np.asarray(_fitted(image, MODES[channels], (width, height)))
    except (pillow.DecompressionBombError, pillow.DecompressionBombWarning) as error:
        raise DataError(f"{name} is refused: {error}") from error
    except MemoryError:
        raise
    except Exception as error:  # damaged files make Pillow's readers raise almost anything
        raise DataError(f"{name} is damaged or no image ({error})") from error
    np.divide(pixels.reshape(height, width, channels).transpose(2, 0, 1), np.float32(255), out=out)
    return out


def _fitted(image: Image, mode: str, size: tuple[int, int]) -> Image:
    from PIL import ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode == "F":  # converting would clip it: a range from 0 to 1, which is usual, to black and almost black
        raise ValueError("its pixels are floating-point numbers, of which nothing says what is white")
    if image.mode.startswith("I"):  # 16 bits a pixel: converting would clip them instead of scaling
        image = _pillow().fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = _pillow().new("RGBA", image.size, "white")
        image = _pillow().alpha_composite(white, image)
    return ImageOps.fit(image.convert(mode), size)


def checked_channels(name: str, channels: int) -> int:
    """Refuse a number of channels that images do not have, naming who needs it."""
    if channels not in MODES:
        raise DataError(f"{name}: channels must be 3 for color or 1 for gray, got {channels}.")
    return channels


def _pillow() -> ModuleType:
    try:
        import PIL.Image
    except ImportError as error:
        raise MissingExtraError("Pillow", extra="data", purpose="reading images") from error
    return PIL.Image

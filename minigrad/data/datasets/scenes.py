"""Scenes for object detection: handwritten digits on photographs, with their boxes, without a download."""

from typing import Final

import numpy as np
from numpy.random import Generator, SeedSequence
from numpy.typing import NDArray

from minigrad.data.dataset import ArrayDataset
from minigrad.data.resample import resize
from minigrad.data.split import stratified_split
from minigrad.errors import DataError, MissingExtraError
from minigrad.typing import Array

SMALLEST, LARGEST = 0.3, 0.6
"""The side of a digit's square, as a fraction of the scene's."""

INK: Final = 0.4
"""A pixel counts as part of the digit where at least so much of the background is covered."""


def scenes(
    size: int = 64, seed: int = 0, test_fraction: float = 0.2, copies: int = 1
) -> tuple[ArrayDataset, ArrayDataset]:
    """Handwritten digits on photographs, in color, each with its class and its box.

    Each of scikit-learn's 1,797 digits is drawn, at a random size and place, over a random square of one of its two
    photographs (of a Chinese temple and of a flower), in a random color that is dark on bright ground and bright on
    dark ground. Training and test scenes have no digit in common, and no pixel of a photograph: test scenes show its
    right part only, training scenes the rest. `ArrayDataset(*train.arrays[:2])` is a dataset for classification alone.

    A loader's `transform` changes the images alone: one that moves pixels leaves the boxes where the digits were.

    Args:
        size: height and width S of the scenes, in pixels (default 64); at most the width of the photographs' narrower
            part, which is 128 of 640 with the default test_fraction.
        seed: chooses the digits of the test part, and all that is random in the scenes (default 0).
        test_fraction: the share of the test part, of the digits and of the photographs, in (0, 1) (default 0.2).
        copies: how many scenes each digit appears in (default 1).

    Returns:
        `(train, test)`, each with images float32 (N, 3, S, S) from 0 to 1, labels int64 (N,), and boxes float32 (N, 4):
        left, top, right and bottom of the digit's ink as fractions of S, so that a box of all is (0, 0, 1, 1).

    Raises:
        MissingExtraError: scikit-learn or Pillow, of the extra `data`, is not installed.
        DataError: an argument is out of range.

    Source: the digits as for `digits`; the photographs, scikit-learn's `load_sample_images`: "china.jpg" by
    danielbuechele and "flower.jpg" by vultilion, both CC BY 2.0, from flickr.com.
    """
    digits, labels, photos = sources("the scenes dataset")
    if copies < 1:
        raise DataError(f"scenes: copies must be at least 1, got {copies}.")
    parts = stratified_split(labels, test_fraction, seed)
    datasets = []
    for number, (part, regions) in enumerate(zip(parts, parted("scenes", photos, test_fraction, size), strict=True)):
        chosen = np.repeat(part, copies)
        rng = np.random.default_rng(SeedSequence(seed, spawn_key=(number,)))
        images, boxes = _draw(digits[chosen], regions, size, rng)
        datasets.append(ArrayDataset(images, labels[chosen], boxes, classes=map(str, range(10))))
    train, test = datasets
    return train, test


def sources(purpose: str) -> tuple[NDArray[np.float32], NDArray[np.int64], list[NDArray[np.float32]]]:
    """Digits (N, 8, 8) and photographs (3, H, W), all from 0 to 1, and the digits' classes (N,)."""
    try:
        import PIL.Image  # noqa: F401 - scikit-learn reads its photographs with it
        from sklearn.datasets import load_digits, load_sample_images
    except ImportError as error:
        package = "Pillow" if "PIL" in str(error) else "scikit-learn"
        raise MissingExtraError(package, extra="data", purpose=purpose) from error
    raw = load_digits()
    photos = [photo.transpose(2, 0, 1).astype(np.float32) / 255 for photo in load_sample_images().images]
    return raw.images.astype(np.float32) / 16, raw.target.astype(np.int64), photos


def parted(name: str, photos: list[Array], test_fraction: float, size: int) -> tuple[list[Array], list[Array]]:
    """The left and the right parts of photographs, of at least `size` pixels: for training and for testing."""
    borders = [round((1 - test_fraction) * photo.shape[2]) for photo in photos]
    left = [photo[:, :, :border] for photo, border in zip(photos, borders, strict=True)]
    right = [photo[:, :, border:] for photo, border in zip(photos, borders, strict=True)]
    largest = min(min(region.shape[1:]) for region in left + right)
    if not 16 <= size <= largest:
        raise DataError(
            f"{name}: size must be from 16 to {largest} pixels, as the photographs' narrower part has, got {size}. "
            f"Use size={min(64, largest)}."
        )
    return left, right


def _draw(
    digits: NDArray[np.float32], regions: list[NDArray[np.float32]], size: int, rng: Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    images = np.empty((len(digits), 3, size, size), np.float32)
    boxes = np.empty((len(digits), 4), np.float32)
    for image, box, digit in zip(images, boxes, digits, strict=True):
        image[:] = background(regions[rng.integers(len(regions))], size, rng)
        box[:] = _paint(digit, image, rng)
    return images, boxes


def background(region: NDArray[np.float32], size: int, rng: Generator) -> NDArray[np.float32]:
    """A random square of the region, of up to twice the size: more would need smoothing to be made smaller."""
    _, height, width = region.shape
    side = rng.integers(size, min(2 * size, height, width), endpoint=True)
    top, left = (rng.integers(length - side, endpoint=True) for length in (height, width))
    square: NDArray[np.float32] = resize(region[None, :, top : top + side, left : left + side], size)[0]
    return square


def _paint(digit: NDArray[np.float32], image: NDArray[np.float32], rng: Generator) -> tuple[float, ...]:
    """Draw a digit over an image, in place; its box."""
    size = image.shape[-1]
    side = round(rng.uniform(SMALLEST, LARGEST) * size)
    top, left = rng.integers(size - side, size=2, endpoint=True)
    # More than the ink: strokes that resizing made gray become solid, and keep soft edges.
    cover = np.clip(1.3 * resize(digit[None, None], side)[0, 0], 0, 1)
    ground = image[:, top : top + side, left : left + side]
    bright = ground[:, cover >= INK].mean() > 0.5
    color = rng.uniform(0, 0.35, 3) if bright else rng.uniform(0.65, 1, 3)
    ground += cover * (color[:, None, None].astype(np.float32) - ground)
    rows, columns = (np.flatnonzero((cover >= INK).any(axis=axis)) for axis in (1, 0))
    pixels = (left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1)
    return tuple(float(pixel / size) for pixel in pixels)

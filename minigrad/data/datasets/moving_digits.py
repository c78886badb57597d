"""Short videos for classification by motion: handwritten digits that move over photographs, without a download."""

import math
from typing import Final

import numpy as np
from numpy.random import Generator, SeedSequence
from numpy.typing import NDArray

from minigrad.data.dataset import ArrayDataset
from minigrad.data.datasets.scenes import background, parted, sources
from minigrad.data.resample import resize
from minigrad.data.split import stratified_split
from minigrad.errors import DataError

DIRECTIONS: Final = ("right", "up-right", "up", "up-left", "left", "down-left", "down", "down-right")

SMALLEST, LARGEST = 0.35, 0.5
"""The side of a digit's square, as a fraction of the video's."""

SLOWEST, FASTEST = 1.0, 2.5
"""How many pixels a digit moves from one frame to the next."""


def moving_digits(
    size: int = 24, frames: int = 8, seed: int = 0, test_fraction: float = 0.2, copies: int = 1, channels: int = 1
) -> tuple[ArrayDataset, ArrayDataset]:
    """Handwritten digits that move over photographs, each video with the direction of its motion.

    Each of scikit-learn's 1,797 digits moves straight on, at a random speed, over a random square of one of its two
    photographs, which stays. What leaves a video on one side comes in again on the opposite one, so that a digit is
    everywhere as often, and no single frame tells the direction: it is one of eight, all about equally frequent.
    Training and test videos have no digit in common, and no pixel of a photograph.

    Args:
        size: height and width S of the videos, in pixels (default 24); at most the width of the photographs' narrower
            part, which is 128 of 640 with the default test_fraction.
        frames: the number D of frames, at least 2 (default 8).
        seed: chooses the digits of the test part, and all that is random in the videos (default 0).
        test_fraction: the share of the test part, of the digits and of the photographs, in (0, 1) (default 0.2).
        copies: how many videos each digit appears in (default 1).
        channels: C, 1 for gray videos or 3 for photographs in color (default 1).

    Returns:
        `(train, test)`, each with videos float32 (N, C, D, S, S) from 0 to 1, and directions int64 (N,), numbered from
        0 (right) counterclockwise to 7.

    Raises:
        MissingExtraError: scikit-learn or Pillow, of the extra `data`, is not installed.
        DataError: an argument is out of range.

    Source: digits and photographs as for `scenes`. Moving digits as a task: Srivastava et al. 2015, "Unsupervised
    learning of video representations using LSTMs", arXiv:1502.04681.
    """
    digits, labels, photos = sources("the moving-digits dataset")
    if copies < 1 or frames < 2:
        raise DataError(f"moving_digits: copies must be at least 1 and frames at least 2, got {copies} and {frames}.")
    parts = stratified_split(labels, test_fraction, seed)
    if channels not in (1, 3):
        raise DataError(f"moving_digits: channels is 1 (gray) or 3 (color), got {channels}.")
    if channels == 1:
        photos = [photo.mean(axis=0, keepdims=True) for photo in photos]
    regions = parted("moving_digits", photos, test_fraction, size)
    datasets = []
    for number, (part, ground) in enumerate(zip(parts, regions, strict=True)):
        rng = np.random.default_rng(SeedSequence(seed, spawn_key=(number,)))
        chosen = digits[np.repeat(part, copies)]
        directions = rng.permutation(np.arange(len(chosen)) % len(DIRECTIONS))
        videos = [
            _film(digit, background(ground[rng.integers(len(ground))], size, rng), direction, frames, rng)
            for digit, direction in zip(chosen, directions, strict=True)
        ]
        datasets.append(ArrayDataset(np.stack(videos), directions, classes=DIRECTIONS))
    train, test = datasets
    return train, test


def _film(
    digit: NDArray[np.float32], ground: NDArray[np.float32], direction: int, frames: int, rng: Generator
) -> NDArray[np.float32]:
    """A digit (8, 8) that moves over the ground (C, S, S): (C, D, S, S)."""
    size = ground.shape[-1]
    side = round(rng.uniform(SMALLEST, LARGEST) * size)
    cover = np.zeros((size, size), np.float32)
    cover[:side, :side] = np.clip(1.3 * resize(digit[None, None], side)[0, 0], 0, 1)  # strokes become solid
    ink = rng.uniform(0, 0.15) if ground.mean() > 0.5 else rng.uniform(0.85, 1)
    angle = 2 * math.pi * direction / len(DIRECTIONS)
    step = rng.uniform(SLOWEST, FASTEST) * np.array([-math.sin(angle), math.cos(angle)])  # rows go down
    start = rng.uniform(0, size, 2)
    video = np.empty((len(ground), frames, size, size), np.float32)
    for k in range(frames):
        top, left = np.floor(start + k * step).astype(int)
        video[:, k] = ground + np.roll(cover, (top, left), (0, 1)) * (np.float32(ink) - ground)
    return video

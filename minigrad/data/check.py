"""Checking: every sample is read once, and what cannot be read is told."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.data.dataset import Dataset
from minigrad.data.folder import ImageFolder
from minigrad.data.image import PathLike, read_image
from minigrad.data.memmap import Memmap
from minigrad.data.parquet import Parquet, parquet_paths
from minigrad.data.shards import TarShards
from minigrad.errors import DataError


@dataclass
class CheckedSamples:
    """What a check has found.

    Args:
        samples: how many can be read (default 0).
        classes: the number of samples of each class, by its name (default: there are no classes).
        broken: what cannot be read: a file, the offset in it, and why (default: nothing).
    """

    samples: int = 0
    classes: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)


def check_samples(path: PathLike, *, size: int = 32, target: str = "cls") -> CheckedSamples:
    """Read every sample of a folder of images, of tar shards, or of a `.npy`, safetensors or Parquet file.

    Args:
        path: the folder or file.
        size: to which images are scaled, in pixels: as for a training (default 32).
        target: the extension of the target in tar shards (default "cls").

    Returns:
        How many there are, and what is broken.

    Raises:
        DataError: there is no such data.
    """
    found = CheckedSamples()
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        dataset = _opened(Path(path), size, target)
    if isinstance(dataset, TarShards):
        dataset.skip_broken = False
        found.broken += dataset.problems.reasons
        if more := dataset.problems.count - len(dataset.problems.reasons):
            found.broken.append(f"and {more:,} more of this kind")
    counts = dict.fromkeys(dataset.classes, 0)
    for number in range(len(dataset)):
        try:
            label = np.asarray(_target(dataset, number))
        except DataError as error:
            found.broken.append(str(error))
            continue
        found.samples += 1
        if counts and label.ndim == 0 and label.dtype.kind in "iu" and 0 <= label < len(counts):
            counts[dataset.classes[int(label)]] += 1
    found.classes = counts
    return found


def _opened(path: Path, size: int, target: str) -> Dataset:
    if path.suffix in (".npy", ".safetensors"):
        return Memmap(path)
    if path.suffix == ".parquet" or (path.is_dir() and any(path.glob("*.parquet"))):
        return Parquet(parquet_paths(path), size=size)
    if path.suffix == ".tar" or (path.is_dir() and any(path.glob("*.tar"))):
        return TarShards(path, size, target=target, skip_broken=True)
    if not path.exists():
        raise DataError(f"there is no file or folder {path}")
    return ImageFolder(path, size)


def _target(dataset: Dataset, number: int) -> Any:
    """Read a sample, and return its target."""
    if isinstance(dataset, ImageFolder):  # which would tell of all broken files at the first one
        read_image(dataset.files[number], dataset.size, dataset.channels)
        return dataset.labels[number]
    return dataset[number][-1]

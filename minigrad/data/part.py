"""A part of a batch: what one of several processes needs of it, with the random numbers of the whole.

Which samples a batch has, and how they are transformed, does not depend on the number of processes. A process reads its
own samples only, wherever a transform changes each image by itself; the others, `Mixup` for instance and functions of
the user's, may look at the whole batch, which is then read whole by each.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from minigrad.data.collation import Arrays
from minigrad.data.color import ColorJitter
from minigrad.data.crop import CenterCrop, Cutout, Pad, RandomCrop, RandomFlip
from minigrad.data.dataset import ArrayDataset, Dataset
from minigrad.data.folder import ImageFolder
from minigrad.data.mixup import BatchTransform
from minigrad.data.resample import RandomAffine, Resize
from minigrad.data.split import Subset
from minigrad.data.transform import Compose, Normalize, ToRGB, Transform
from minigrad.typing import Array

DETERMINISTIC: Final = (Normalize, ToRGB, Pad, CenterCrop, Resize)
"""Transforms of each image by itself that draw no random numbers."""

RANDOM: Final = (RandomCrop, RandomFlip, Cutout, ColorJitter, RandomAffine)
"""Transforms of each image by itself, with random numbers drawn for all images of the batch at once."""


def rows_of_part(rank: int, size: int, samples: int) -> slice:
    """Which samples of a batch a process has: the first processes have one more where they do not come out even.

    >>> [rows_of_part(rank, 3, 8) for rank in range(3)]
    [slice(0, 3, None), slice(3, 6, None), slice(6, 8, None)]
    """
    each, more = divmod(samples, size)
    start = rank * each + min(rank, more)
    return slice(start, start + each + (rank < more))


def read_part(
    dataset: Dataset,
    indices: NDArray[np.int64],
    rows: slice,
    rng: Generator,
    transform: Transform | None,
    batch_transform: BatchTransform | None,
) -> Arrays:
    """Some samples of a batch, as they are in the whole batch.

    Args:
        dataset: where the samples are.
        indices: those of the whole batch.
        rows: which of them are wanted, perhaps none.
        rng: the generator of the batch.
        transform, batch_transform: those of the loader.
    """
    if batch_transform is None and _each_by_itself(transform) and _reads_samples(dataset):
        read = rows if rows.stop > rows.start else slice(0, 1)  # of no samples, shapes and dtypes are read off one
        first, *rest = dataset.batch(indices[read], rng)
        first = first if transform is None else _transformed(transform, first, read, len(indices), rng)
        arrays: Arrays = (first, *rest)
        return arrays if read == rows else tuple(array[:0] for array in arrays)
    first, *rest = dataset.batch(indices, rng)
    arrays = (first if transform is None else transform(first, rng), *rest)
    return tuple(array[rows] for array in (arrays if batch_transform is None else batch_transform(arrays, rng)))


def _each_by_itself(transform: Transform | None) -> bool:
    if type(transform) is Compose:
        return all(map(_each_by_itself, transform.transforms))
    return transform is None or type(transform) in (*DETERMINISTIC, *RANDOM)


def _draws_nothing(transform: Transform | None) -> bool:
    if type(transform) is Compose:
        return all(map(_draws_nothing, transform.transforms))
    return transform is None or type(transform) in DETERMINISTIC


def _reads_samples(dataset: Dataset) -> bool:
    """Whether a dataset gives the same samples whatever else is asked for with them."""
    if type(dataset) is Subset:
        return _draws_nothing(dataset.transform) and _reads_samples(dataset.dataset)
    if type(dataset) in (ArrayDataset, ImageFolder):
        return _draws_nothing(getattr(dataset, "transform", None))
    return dataset.reads_samples or type(dataset).batch is Dataset.batch


def _transformed(transform: Transform, images: Array, rows: slice, samples: int, rng: Generator) -> Array:
    """The rows of a transformed batch, from its rows alone."""
    if type(transform) is Compose:
        for each in transform.transforms:
            images = _transformed(each, images, rows, samples, rng)
        return images
    if _draws_nothing(transform):
        return transform(images, rng)
    if len(images) < rows.stop - rows.start:  # samples that cannot be read were left out: nothing is the same any more
        return transform(images, rng)
    whole = np.zeros((samples, *images.shape[1:]), images.dtype)  # so that as many numbers are drawn
    whole[rows] = images
    return transform(whole, rng)[rows]

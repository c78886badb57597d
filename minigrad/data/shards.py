"""Samples in tar archives: the layout of WebDataset, read in order and never into memory."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from minigrad.data.blocks import Blocks
from minigrad.data.collation import Arrays, collate
from minigrad.data.dataset import Dataset
from minigrad.data.image import PathLike, checked_channels
from minigrad.data.skipping import Skipped, skip
from minigrad.data.split import Subset, stratified_split
from minigrad.data.tar_index import BLOCK, TarIndex, index_tar, read_at
from minigrad.data.tar_samples import (
    CLASSES,
    INPUTS,
    LARGEST_SAMPLE,
    decoded_input,
    decoded_target,
    shard_paths,
    stored_classes,
)
from minigrad.data.transform import Transform, pair
from minigrad.errors import DataError
from minigrad.typing import Array


class TarShards(Dataset):
    """Samples in tar archives (shards), as WebDataset has them: files that follow each other and share a base name::

        shards/train-00000.tar      cat/00000000-tom.jpg     an image, or a .npy array
                                    cat/00000000-tom.cls     the number of its class, or .json, or .npy
                                    dog/00000001-rex.jpg
                                    ...

    Opened, each archive is read once from header to header, past the contents: 48 bytes a sample and a number are all
    that memory holds. A batch then reads its samples from their places, so a run goes on after exactly the samples that
    it has seen. Shuffling permutes the shards and moves samples within `window`, so that disks are read forward.
    Nothing of a file is executed: arrays of objects are refused, as are links and paths that lead elsewhere.

    Args:
        path: a folder whose `.tar` files are the shards, in the order of their names; one such file; or several.
        size: height and width of the images, in pixels; one number for both (default 32). See `read_image`.
        channels: 3 for color, 1 for gray (default 3).
        target: the extension of the target: "cls" for class numbers, "npy" or "target.npy" for arrays, "json" for a
            number or nested lists of them, "json.age" for what is under "age" in an object (default "cls").
        transform: changes the inputs of each batch that is drawn (default None: none).
        classes: the names of the classes (default None: those in `classes.json` beside the shards, or else "0", "1"
            and so on).
        skip_broken: leave out what cannot be read, and warn of it: when the shards are opened, and when the batches
            are drawn (default False: it is an error).
        window: how far shuffling moves a sample, in samples (default 10_000).

    Attributes:
        paths: the shards.
        labels: the class of each sample, int64 (N,); () where the target is no class number.
        problems: what was left out when the shards were opened.

    Raises:
        DataError: there are no shards or no samples in them; a shard is truncated, compressed or damaged, or a sample
            has no target: the message has name and offset; or an argument is out of range.

    Source: A. Aizman, G. Maltby and T. Breuel, "High performance I/O for large scale deep learning", 2019: the layout.
    """

    def __init__(
        self,
        path: PathLike | Sequence[PathLike],
        size: int | tuple[int, int] = 32,
        channels: int = 3,
        *,
        target: str = "cls",
        transform: Transform | None = None,
        classes: Iterable[str] | None = None,
        skip_broken: bool = False,
        window: int = 10_000,
    ) -> None:
        self.paths = shard_paths(path)
        self.shape = checked_channels("TarShards", channels), *pair("TarShards", size)
        self.transform = transform
        self.skip_broken = skip_broken
        self._extension, _, self._key = target.partition(".") if target.startswith("json.") else (target, "", "")
        indices = [index_tar(shard, INPUTS, self._extension) for shard in self.paths]
        self.problems = Skipped()
        self.problems.add(problem for index in indices for problem in index.problems)
        self._take(indices)
        if self.problems.count and not skip_broken:
            fix = "make the shards again, or leave it out by skip_broken=True, or --skip-broken of the command"
            raise DataError(f"{'; '.join(self.problems.reasons)}{f': {fix}' if len(self) else ''}")
        if not len(self):
            raise DataError(f"TarShards: there are no samples in {', '.join(map(str, self.paths[:5]))}")
        if self.problems.count:
            warnings.warn(f"TarShards: {self.problems}", UserWarning, stacklevel=2)
        self.blocks = Blocks([len(index) for index in indices], window)
        self.classes = _classes(self.paths[0].parent, classes, self.labels)

    def _take(self, indices: Sequence[TarIndex]) -> None:
        """Keep what the indices hold, as arrays."""
        self._places = np.concatenate([np.array(index.places, np.int64).reshape(-1, 4) for index in indices])
        self._suffixes = np.concatenate([np.array(index.suffixes, np.uint8) for index in indices])
        self.labels = np.concatenate([np.array(index.labels, np.int64) for index in indices])
        self._ends = np.cumsum([len(index) for index in indices])
        facts = [(index.path.name, index.length, len(index)) for index in indices]
        self.fingerprint = zlib.crc32(repr(facts).encode()) or 1

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: Any) -> Arrays:
        """The input (images as float32) and the target at an index, a slice or an array of indices: no transform."""
        numbers = np.arange(len(self))[index]
        return self._read(int(numbers)) if numbers.ndim == 0 else self._read_all(numbers)

    def batch(self, indices: NDArray[np.int64], rng: Generator) -> Arrays:
        """The inputs (N, ...) at `indices`, transformed, and their targets (N, ...)."""
        inputs, targets = self._read_all(indices)
        return inputs if self.transform is None or not len(inputs) else self.transform(inputs, rng), targets

    def _read_all(self, numbers: NDArray[np.int64]) -> Arrays:
        samples, kept = [], []
        for number in map(int, numbers):
            try:
                samples.append(self._read(number))
                kept.append(number)
            except DataError as error:
                if not self.skip_broken:
                    raise
                skip(str(error))
        if not samples:
            return np.empty((0, *self.shape), np.float32), np.empty(0, np.int64)
        return collate(samples, kept)

    def _read(self, number: int) -> tuple[Array, Any]:
        """A sample: its input, and its target as it is stored."""
        begin, length, target_begin, target_length = map(int, self._places[number])
        path = self.paths[int(np.searchsorted(self._ends, number, side="right"))]
        suffix = INPUTS[self._suffixes[number]]
        content = _content(path, begin, length)
        with _named(path, begin):
            image = decoded_input(content, suffix, self.shape)
        if len(self.labels):
            return image, self.labels[number]
        content = _content(path, target_begin, target_length)
        with _named(path, target_begin):
            return image, decoded_target(content, self._extension, self._key)

    def __repr__(self) -> str:
        classes = f", {len(self.classes)} classes" if self.classes else ""
        where = str(self.paths[0].parent if len(self.paths) > 1 else self.paths[0])
        return f"TarShards({where!r}: {len(self)} samples in {len(self.paths)} shards{classes})"


def tar_shards(
    path: PathLike,
    size: int | tuple[int, int] = 32,
    channels: int = 3,
    seed: int = 0,
    test_fraction: float = 0.2,
    skip_broken: bool = False,
    target: str = "cls",
    window: int = 10_000,
) -> tuple[Dataset, Dataset]:
    """Samples in tar archives, for training and for testing; see `TarShards`.

    If the names of the archives begin with `train` and `test` (or `val`), each kind is one part. Otherwise the samples
    are divided, the same share of every class.

    Args:
        path: a folder with archives, or one archive.
        size: height and width of the images, in pixels; one number for both (default 32).
        channels: 3 for color, 1 for gray (default 3).
        seed: chooses the samples of the test part, an integer of at least 0 (default 0).
        test_fraction: the share of the test part, between 0 and 1 (default 0.2).
        skip_broken: leave out what cannot be read (default False).
        target: the extension of the target (default "cls").
        window: how far shuffling moves a sample, in samples (default 10_000).

    Returns:
        `(train, test)`, whose batches are inputs (N, ...) and targets (N, ...).

    Raises:
        DataError: see `TarShards`, or `test_fraction` is not between 0 and 1.
    """
    shards = shard_paths(path)
    train = [shard for shard in shards if shard.name.startswith("train")]
    test = [shard for shard in shards if shard.name.startswith(("test", "val"))]

    def opened(paths: Sequence[Path], classes: Iterable[str] | None = None) -> TarShards:
        return TarShards(paths, size, channels, target=target, classes=classes, skip_broken=skip_broken, window=window)

    if train and test:
        first = opened(train)
        return first, opened(test, first.classes or None)
    whole = opened(shards)
    labels = whole.labels if len(whole.labels) else np.zeros(len(whole), np.int64)
    parts = stratified_split(labels, test_fraction, seed)
    return Subset(whole, parts[0]), Subset(whole, parts[1])


def _content(path: Path, begin: int, length: int) -> bytes:
    if length > LARGEST_SAMPLE:
        raise DataError(f"{_name(path, begin)} is refused: it has {length:,} bytes, more than {LARGEST_SAMPLE:,}")
    return read_at(path, begin, length)


@contextmanager
def _named(path: Path, begin: int) -> Iterator[None]:
    """Put the name of a member before the errors of what reads it: only then is the name read."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{_name(path, begin)}{error}") from error


def _name(path: Path, begin: int) -> str:
    """What messages call a member: the archive, its name there, and the offset of its content."""
    import tarfile

    try:
        name = tarfile.TarInfo.frombuf(read_at(path, begin - BLOCK, BLOCK), "utf-8", "surrogateescape").name
    except (DataError, tarfile.HeaderError):
        name = "a member"
    return f"{path}: {name} at byte {begin:,}"


def _classes(folder: Path, given: Iterable[str] | None, labels: NDArray[np.int64]) -> tuple[str, ...]:
    """The names of the classes."""
    if not len(labels):
        return tuple(given or ())
    number = int(labels.max()) + 1
    names = tuple(given) if given is not None else stored_classes(folder / CLASSES)
    if names and len(names) < number:
        raise DataError(f"TarShards: the shards in {folder} have class {number - 1}, and there are {len(names)} names")
    return names or tuple(map(str, range(number)))

"""Images in folders: each folder is a class."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from minigrad.data.collation import Arrays
from minigrad.data.dataset import Dataset
from minigrad.data.image import SUFFIXES, PathLike, checked_channels, read_image
from minigrad.data.split import Subset, stratified_split
from minigrad.data.transform import Transform, pair
from minigrad.errors import DataError


class ImageFolder(Dataset):
    """The images in the folders of a folder, read when a batch is drawn::

        pets/cat/1.png
        pets/cat/2.jpg
        pets/dog/1.png

    Classes are the folders in the order of their names, samples are sorted by class and path; folders within a class
    belong to it. Files that do not end as images do, and whatever begins with a dot, are left out. For how a file
    becomes an array, see `read_image`.

    Args:
        path: the folder.
        size: height and width of the images, in pixels; one number for both (default 32).
        channels: 3 for color, 1 for gray (default 3).
        transform: changes the images (N, C, H, W) of each batch that is drawn (default None: none).
        classes: the folders' names, numbered in this order, some of them perhaps without images (default None: all
            folders, in the order of their names).
        skip_broken: leave out files that cannot be read, and warn of them; each file is read once for that (default
            False: drawing one is an error, which names all of them).

    Attributes:
        files: the path of each sample.
        labels: the class of each sample, int64 (N,).

    Raises:
        DataError: there is no such folder, there are no images in it, or a folder is not among the `classes`.
        MissingExtraError: when a batch is drawn and Pillow, of the extra `data`, is not installed.
    """

    def __init__(
        self,
        path: PathLike,
        size: int | tuple[int, int] = 32,
        channels: int = 3,
        transform: Transform | None = None,
        classes: Sequence[str] | None = None,
        skip_broken: bool = False,
    ) -> None:
        self.path = Path(path)
        self._parts: tuple[ImageFolder, ...] = (self,)  # those of one set, whose broken files are told together
        self.size = pair("ImageFolder", size)
        self.channels = checked_channels("ImageFolder", channels)
        self.transform = transform
        folders = _folders(self.path)
        self.classes = tuple(folder.name for folder in folders) if classes is None else tuple(classes)
        if unknown := [folder.name for folder in folders if folder.name not in self.classes]:
            raise DataError(f"ImageFolder: {self.path} has folders that are no class: {', '.join(unknown)}")
        images = {folder.name: images_in(folder) for folder in folders}
        if skip_broken and (broken := self._broken(file for files in images.values() for file in files)):
            warnings.warn(f"ImageFolder: left out {_listed(broken)}", UserWarning, stacklevel=2)
            images = {name: [file for file in files if file not in broken] for name, files in images.items()}
        if empty := [name for name, files in images.items() if not files]:
            raise DataError(f"ImageFolder: there are no images in {', '.join(str(self.path / name) for name in empty)}")
        self.files = tuple(file for name in self.classes for file in images.get(name, []))
        self.labels = np.repeat(np.arange(len(self.classes)), [len(images.get(name, [])) for name in self.classes])

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: Any) -> Arrays:
        """The images (as float32) and labels at an index, a slice or an array of indices: no transform."""
        numbers = np.arange(len(self))[index]
        if numbers.ndim == 0:
            return self._read(numbers), self.labels[index]
        images = np.empty((len(numbers), self.channels, *self.size), np.float32)
        for place, number in enumerate(numbers):
            images[place] = self._read(number)
        return images, self.labels[numbers]

    def _read(self, number: int) -> NDArray[np.float32]:
        try:
            return read_image(self.files[number], self.size, self.channels)
        except DataError as error:
            broken = self._broken(file for part in self._parts for file in part.files)
            if not broken:  # it could be read this time
                raise
            skip = "skip_broken=True, or --skip-broken of the command"
            raise DataError(f"{_listed(broken)}: take away what is broken, or leave it out by {skip}") from error

    def _broken(self, files: Iterable[Path]) -> dict[Path, str]:
        """What cannot be read, and why."""
        problems = {}
        for file in files:
            try:
                read_image(file, self.size, self.channels)
            except DataError as error:
                problems[file] = str(error)
        return problems

    def batch(self, indices: NDArray[np.int64], rng: Generator) -> Arrays:
        """The images float32 (N, C, H, W) at `indices`, transformed, and their labels int64 (N,)."""
        images, labels = self[indices]
        return images if self.transform is None else self.transform(images, rng), labels

    def __repr__(self) -> str:
        shape = (self.channels, *self.size)
        return f"ImageFolder({str(self.path)!r}: {len(self)} images {shape}, {len(self.classes)} classes)"


def image_folder(
    path: PathLike,
    size: int | tuple[int, int] = 32,
    channels: int = 3,
    seed: int = 0,
    test_fraction: float = 0.2,
    skip_broken: bool = False,
) -> tuple[Dataset, Dataset]:
    """Images in the folders of a folder, for training and for testing.

    If `path` holds the folders `train` and `test` and no other, each of them is an `ImageFolder`, with the classes of
    `train`. Otherwise the images of `path` are divided, the same share of every class.

    Args:
        path: the folder.
        size: height and width of the images, in pixels; one number for both (default 32).
        channels: 3 for color, 1 for gray (default 3).
        seed: chooses the samples of the test part, an integer of at least 0 (default 0).
        test_fraction: the share of the test part, between 0 and 1 (default 0.2).
        skip_broken: leave out files that cannot be read; see `ImageFolder` (default False).

    Returns:
        `(train, test)`, whose batches are images float32 (N, C, H, W) from 0 to 1 and labels int64 (N,).

    Raises:
        DataError: see `ImageFolder`, there is one class only, or `test_fraction` is not between 0 and 1.
    """
    if [folder.name for folder in _folders(Path(path))] == ["test", "train"]:
        train = _several_classes(ImageFolder(Path(path) / "train", size, channels, skip_broken=skip_broken))
        test = ImageFolder(Path(path) / "test", size, channels, classes=train.classes, skip_broken=skip_broken)
        train._parts = test._parts = train, test
        return train, test
    whole = _several_classes(ImageFolder(path, size, channels, skip_broken=skip_broken))
    first, second = stratified_split(whole.labels, test_fraction, seed)
    return Subset(whole, first), Subset(whole, second)


def _folders(path: Path) -> list[Path]:
    if not path.is_dir():
        raise DataError(f"ImageFolder: there is no folder {path}")
    folders = sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if not folders:
        raise DataError(
            f"ImageFolder: {path} has no folders in it. Put the images of each class into a folder of its own."
        )
    return folders


def _several_classes(images: ImageFolder) -> ImageFolder:
    if len(images.classes) == 1:
        only = images.path / images.classes[0]
        inside = [entry.name for entry in only.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
        fix = f"did you mean {only}, which has {_shortened(sorted(inside))}?" if inside else "put each class into one."
        raise DataError(f"image_folder: {images.path} has one folder, {images.classes[0]}, and so one class: {fix}")
    return images


def _listed(broken: dict[Path, str]) -> str:
    files = "1 file" if len(broken) == 1 else f"{len(broken)} files"
    return f"{files} that cannot be read: " + _shortened(list(broken.values()), "; ")


def _shortened(texts: Sequence[str], separator: str = ", ") -> str:
    more = f" ... and {len(texts) - 20} more" if len(texts) > 20 else ""
    return separator.join(texts[:20]) + more


def images_in(folder: Path) -> list[Path]:
    """The image files in a folder and in those in it, sorted; what begins with a dot is left out."""
    files = (file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    return sorted(file for file in files if not any(part.startswith(".") for part in file.relative_to(folder).parts))

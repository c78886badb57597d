"""Data by name: the library's datasets, folders and files by their paths, `package.module:callable` of the user's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Self

import numpy as np

from minigrad import data
from minigrad.cli.registry import Registry
from minigrad.cli.spec import Spec
from minigrad.cli.user_code import call, import_callable, is_import_path
from minigrad.data import ArrayDataset, Dataset, Subset, ToRGB
from minigrad.data.dataset import SampleDataset
from minigrad.data.datasets.digits import BACKGROUND, FOREGROUND
from minigrad.errors import DataError, StateError, UsageError
from minigrad.typing import Array, Settings, Shape

Parts = tuple[Dataset, Dataset]
"""What is trained on, and what is tested on."""


@dataclass(frozen=True)
class DataEntry:
    """Data that can be chosen by name.

    Attributes:
        load: loads its two parts.
        summary: what it is.
        low, high: the values of black and of white.
        fill: what is outside of an image that is moved; None (default) for the nearest pixel of its border.
    """

    load: Callable[..., Parts]
    summary: str
    low: float = 0.0
    high: float = 1.0
    fill: float | None = None


def scenes_with_classes(size: int = 64, copies: int = 1) -> Parts:
    """The scenes without their boxes, which no loss by name could use.

    Args:
        size: height and width in pixels (default: 64).
        copies: how many scenes each digit is in (default: 1).
    """
    train, test = (ArrayDataset(*part.arrays[:2], classes=part.classes) for part in data.scenes(size, copies=copies))
    return train, test


def scenes_with_boxes(size: int = 64, copies: int = 1) -> Parts:
    """The scenes, each with one target: the class, and left, top, right and bottom of the box. Shape: (N, 5).

    Args:
        size: height and width in pixels (default: 64).
        copies: how many scenes each digit is in (default: 1).
    """
    parts = data.scenes(size, copies=copies)
    arrays = [(images, np.column_stack([labels, boxes])) for images, labels, boxes in (part.arrays for part in parts)]
    train, test = (ArrayDataset(images, target.astype(np.float32)) for images, target in arrays)
    return train, test


def digits_as_targets(size: int = 32) -> Parts:
    """The digits, each with itself as its target.

    Args:
        size: height and width in pixels (default: 32).
    """
    train, test = (ArrayDataset(part.arrays[0], part.arrays[0]) for part in data.digits(size))
    return train, test


_ink_on_paper = partial(DataEntry, low=BACKGROUND, high=FOREGROUND, fill=BACKGROUND)

DATA: Final[dict[str, DataEntry]] = {
    "digits": _ink_on_paper(data.digits, "1,797 handwritten digits"),
    "mnist": _ink_on_paper(data.mnist, "70,000 handwritten digits, downloaded"),
    "fashion-mnist": _ink_on_paper(data.fashion_mnist, "70,000 gray photographs of clothes, downloaded"),
    "cifar10": DataEntry(data.cifar10, "60,000 color photographs in 10 classes, downloaded"),
    "cifar100": DataEntry(data.cifar100, "60,000 color photographs in 100 classes, downloaded"),
    "scenes": DataEntry(scenes_with_classes, "1,797 digits on photographs, in color"),
    "scenes-boxes": DataEntry(scenes_with_boxes, "the scenes, to find class and box of the digit"),
    "moving-digits": DataEntry(data.moving_digits, "1,797 digits that move over photographs, in 8 directions"),
    "digits-images": _ink_on_paper(digits_as_targets, "the digits, to make the same image again"),
    "tones": DataEntry(data.tones, "2,000 sounds of ten kinds, synthesized"),
    "docstrings": DataEntry(data.docstrings, "minigrad's own documentation, to be continued"),
    "spirals": DataEntry(data.spirals, "1,000 points of two spiral arms"),
    "moons": DataEntry(data.moons, "1,000 points of two half circles"),
    "circles": DataEntry(data.circles, "1,000 points of two circles"),
}
"""The library's datasets by name."""


def _other_data(chosen: Spec) -> DataEntry | None:
    """What a folder or file holds, or what a function of the user's gives."""
    name = chosen.name
    if is_import_path(name):
        return DataEntry(partial(_load_with, name, import_callable(name, settings=chosen.settings)), "")
    load = _load_stored(Path(name))
    return None if load is None else DataEntry(partial(load, name), "")


def _load_stored(path: Path) -> Callable[..., Parts] | None:
    """What loads a folder or file of the user's: tar shards, Parquet files, or folders of images."""
    for suffix, load in ((".tar", data.tar_shards), (".parquet", data.parquet_files)):
        if (path.is_file() and path.suffix == suffix) or (path.is_dir() and any(path.glob(f"*{suffix}"))):
            return load
    return data.image_folder if path.is_dir() else None


DATA_REGISTRY: Final = Registry(
    "data",
    DATA,
    function=lambda entry: entry.load,
    hidden=("folder",),
    other=_other_data,
    not_found=", nor such a folder",
)


def _load_with(name: str, function: Callable[..., object], **settings: object) -> Parts:
    made = call(name, function, **settings)
    if not isinstance(made, (tuple, list)) or len(made) != 2:
        raise UsageError(f"{name} gives a value of type {type(made).__name__}, and should give (train, test)")
    train, test = (_as_dataset(name, part) for part in made)
    return train, test


def _as_dataset(name: str, part: Sized) -> Dataset:
    if isinstance(part, Dataset):
        return part
    try:
        if isinstance(part, (tuple, list)):
            return ArrayDataset(*part)
        len(part)
    except (DataError, TypeError) as error:
        raise UsageError(f"{name}: {error}") from error
    return SampleDataset(part)


@dataclass(frozen=True)
class SampleFormat:
    """What a model's samples look like, so that an image of one's own can be made into one.

    Attributes:
        shape: that of one sample.
        classes: the names of the classes; () where targets are no class numbers, or have no names.
        low, high: the values of black and white; one number, or one a channel.
    """

    shape: Shape
    classes: tuple[str, ...]
    low: float | Sequence[float] = 0.0
    high: float | Sequence[float] = 1.0

    def normalized(self, image: Array) -> Array:
        """Give the pixels of an image, from 0 to 1, the values that the model knows. Shape: (C, H, W), kept."""
        low, high = (np.array(value, np.float32).reshape(-1, 1, 1) for value in (self.low, self.high))
        normalized: Array = image * (high - low) + low
        return normalized

    def to_json(self) -> Settings:
        """What a run folder keeps of it."""
        return {"shape": list(self.shape), "classes": list(self.classes), "range": [self.low, self.high]}

    @classmethod
    def from_json(cls, settings: Mapping[str, object]) -> Self:
        """Read what `to_json` gave.

        Args:
            settings: those of a run; it is under "samples".

        Raises:
            StateError: it is not there.
        """
        kept = settings.get("samples")
        try:
            if isinstance(kept, Mapping):
                low, high = map(float, kept["range"])
                return cls(tuple(map(int, kept["shape"])), tuple(map(str, kept["classes"])), low, high)
        except (KeyError, TypeError, ValueError):
            pass
        raise StateError("not a run of `minigrad train`: it does not tell what its samples look like")


@dataclass(frozen=True)
class Samples:
    """Data that was loaded.

    Attributes:
        train, test: its two parts.
        format: what their samples look like.
        fill: what is outside of an image that is moved; None for the nearest pixel of its border.
    """

    train: Dataset
    test: Dataset
    format: SampleFormat
    fill: float | None


def load_samples(chosen: Spec, shape: Shape) -> Samples:
    """Load data in the size and with the channels that a model takes, unless settings ask for others.

    Args:
        chosen: from `DATA_REGISTRY.resolve`.
        shape: (C, H, W) of the model's samples, (C, D, H, W) of videos; () if it takes several, and then the data's own
            size is taken.

    Raises:
        UsageError, DataError, MissingExtraError: the data cannot be had.
    """
    entry = DATA_REGISTRY.find(chosen)
    settings, accepted = dict(chosen.settings), inspect.signature(entry.load).parameters
    sides = {"channels": shape[:1], "frames": shape[1:2] if len(shape) == 4 else (), "size": shape[-1:]}
    for name, value in [(name, size[0]) for name, size in sides.items() if size]:
        if name in accepted:
            settings.setdefault(name, value)
    train, test = entry.load(**settings)
    if shape[:1] == (3,) and not is_import_path(chosen.name):
        train, test = _in_color(train), _in_color(test)
    return Samples(train, test, _format_of(chosen.name, train, test, entry.low, entry.high), entry.fill)


def _format_of(name: str, train: Dataset, test: Dataset, low: float, high: float) -> SampleFormat:
    if not len(train) or not len(test):
        raise UsageError(f"{name} has {len(train)} samples to train on and {len(test)} to test on: it needs both")
    sample = test.batch(np.arange(1), np.random.default_rng(0))
    if len(sample) < 2:
        raise UsageError(f"{name}: its samples have no target: it needs pairs of an input and a target")
    labeled = sample[-1].ndim == 1 and sample[-1].dtype.kind in "iu"
    return SampleFormat(sample[0].shape[1:], (train.classes or test.classes) if labeled else (), low, high)


def _in_color(part: Dataset) -> Dataset:
    gray = part.batch(np.arange(1), np.random.default_rng(0))[0].shape[1:2] == (1,)
    return Subset(part, np.arange(len(part)), transform=ToRGB()) if gray else part

"""Data by name: the library's data sets, image folders by their paths, and `package.module:callable` of the user's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from minigrad import data
from minigrad.cli.own import call, import_callable, is_import_path
from minigrad.cli.value import Spec, checked, hint
from minigrad.data import ArrayDataset, Dataset, Subset, ToRGB
from minigrad.data.dataset import SampleDataset
from minigrad.data.datasets.digits import BACKGROUND, FOREGROUND
from minigrad.errors import DataError, StateError, UsageError
from minigrad.typing import Array


@dataclass(frozen=True)
class Source:
    """A data set of the table.

    Attributes:
        load: gives a training and a test set.
        summary: what it is.
        low, high: the values of black and of white.
        fill: what is outside of an image that is moved; None for the nearest pixel of its border.
    """

    load: Callable[..., Any]
    summary: str
    low: float = 0.0
    high: float = 1.0
    fill: float | None = None


def _scenes_with_classes(size: int = 64, copies: int = 1) -> tuple[Dataset, Dataset]:
    """The scenes without their boxes, which no loss by name could use."""
    train, test = (ArrayDataset(*part.arrays[:2], classes=part.classes) for part in data.scenes(size, copies=copies))
    return train, test


def _scenes_with_boxes(size: int = 64, copies: int = 1) -> tuple[Dataset, Dataset]:
    """The scenes, each with one target: the class, and left, top, right and bottom of the box. Shape: (N, 5)."""
    parts = data.scenes(size, copies=copies)
    arrays = [(images, np.column_stack([labels, boxes])) for images, labels, boxes in (part.arrays for part in parts)]
    train, test = (ArrayDataset(images, target.astype(np.float32)) for images, target in arrays)
    return train, test


def _digits_as_targets(size: int = 32) -> tuple[Dataset, Dataset]:
    """The digits, each with itself as its target."""
    train, test = (ArrayDataset(part.arrays[0], part.arrays[0]) for part in data.digits(size))
    return train, test


LIKE_LENET: Final[Mapping[str, Any]] = {"low": BACKGROUND, "high": FOREGROUND, "fill": BACKGROUND}

SOURCES: Final[dict[str, Source]] = {
    "digits": Source(data.digits, "1,797 handwritten digits", **LIKE_LENET),
    "mnist": Source(data.mnist, "70,000 handwritten digits, downloaded", **LIKE_LENET),
    "fashion-mnist": Source(data.fashion_mnist, "70,000 gray photographs of clothes, downloaded", **LIKE_LENET),
    "cifar10": Source(data.cifar10, "60,000 color photographs in 10 classes, downloaded"),
    "cifar100": Source(data.cifar100, "60,000 color photographs in 100 classes, downloaded"),
    "scenes": Source(_scenes_with_classes, "1,797 digits on photographs, in color"),
    "scenes-boxes": Source(_scenes_with_boxes, "the scenes, to find class and box of the digit"),
    "digits-images": Source(_digits_as_targets, "the digits, to make the same image again", **LIKE_LENET),
    "spirals": Source(data.spirals, "1,000 points of two spiral arms"),
    "moons": Source(data.moons, "1,000 points of two half circles"),
    "circles": Source(data.circles, "1,000 points of two circles"),
}
"""The library's data sets by name."""


@dataclass(frozen=True)
class Form:
    """What a model's samples look like, so that an image of one's own can be made into one.

    Attributes:
        shape: that of one sample.
        classes: the names of the classes; () where targets are no class numbers, or have no names.
        low, high: the values of black and white; one number, or one a channel.
    """

    shape: tuple[int, ...]
    classes: tuple[str, ...]
    low: float | Sequence[float] = 0.0
    high: float | Sequence[float] = 1.0

    def normalized(self, image: Array) -> Array:
        """An image with pixels from 0 to 1, as the model wants it. Shapes: (C, H, W), kept."""
        low, high = (np.array(value, np.float32).reshape(-1, 1, 1) for value in (self.low, self.high))
        normalized: Array = image * (high - low) + low
        return normalized

    def to_json(self) -> dict[str, Any]:
        """As a run folder keeps it."""
        return {"shape": list(self.shape), "classes": list(self.classes), "range": [self.low, self.high]}

    @classmethod
    def from_json(cls, settings: Mapping[str, Any]) -> Self:
        """What `to_json` gave, from the settings of a run.

        Raises:
            StateError: it is not there.
        """
        try:
            kept = settings["samples"]
            return cls(tuple(map(int, kept["shape"])), tuple(map(str, kept["classes"])), *map(float, kept["range"]))
        except (KeyError, TypeError, ValueError) as error:
            raise StateError("not a run of `minigrad train`: it does not tell what its samples look like") from error


@dataclass(frozen=True)
class Samples:
    """Data that was loaded: two parts, what their samples look like, and what is outside of an image that is moved."""

    train: Dataset
    test: Dataset
    form: Form
    fill: float | None = None


def checked_data(given: Spec) -> Spec:
    """Data by name with its settings, after a look at both; nothing is loaded.

    Raises:
        UsageError: there is no such data or setting.
    """
    name, own = given["name"], {key: value for key, value in given.items() if key != "name"}
    if is_import_path(name):
        return dict(given)
    load = _loader(name)
    defaults = {key: parameter.default for key, parameter in inspect.signature(load).parameters.items()}
    defaults = {key: value for key, value in defaults.items() if key not in ("path", "folder")}
    return {"name": name, **checked(f"the data {name}", own, defaults)}


def load_data(chosen: Spec, shape: tuple[int, ...]) -> Samples:
    """Load data in the size and with the channels that a model takes, unless settings ask for others.

    Args:
        chosen: see `checked_data`.
        shape: (C, H, W) of the model's samples; () if it takes several, and then the data's own size is taken.

    Raises:
        UsageError, DataError, MissingExtraError: the data cannot be had.
    """
    name, settings = chosen["name"], {key: value for key, value in chosen.items() if key != "name"}
    if is_import_path(name):
        return _described(name, *_users(name, settings))
    load = _loader(name)
    if shape and "size" in inspect.signature(load).parameters:
        settings.setdefault("size", shape[-1])
    if name not in SOURCES:
        if shape:
            settings.setdefault("channels", shape[0])
        return _described(name, *load(name, **settings))
    source = SOURCES[name]
    parts = load(**settings)
    train, test = (_in_color(part) if shape[:1] == (3,) else part for part in parts)
    samples = _described(name, train, test)
    return replace(samples, form=replace(samples.form, low=source.low, high=source.high), fill=source.fill)


def _loader(name: str) -> Callable[..., Any]:
    if name in SOURCES:
        return SOURCES[name].load
    if Path(name).is_dir():
        return data.image_folder
    raise UsageError(f"there is no data {name!r}, nor such a folder{hint(name, SOURCES, 'there are')}")


def _users(name: str, settings: Mapping[str, Any]) -> tuple[Dataset, Dataset]:
    made = call(name, import_callable(name, settings=settings), **settings)
    if not isinstance(made, (tuple, list)) or len(made) != 2:
        raise UsageError(f"{name} gives a value of type {type(made).__name__}, and should give (train, test)")
    train, test = (_as_dataset(name, part) for part in made)
    return train, test


def _as_dataset(name: str, part: Any) -> Dataset:
    if isinstance(part, Dataset):
        return part
    try:
        if isinstance(part, (tuple, list)):
            return ArrayDataset(*part)
        len(part)
    except (DataError, TypeError) as error:
        raise UsageError(f"{name}: {error}") from error
    return SampleDataset(part)


def _described(name: str, train: Dataset, test: Dataset) -> Samples:
    if not len(train) or not len(test):
        raise UsageError(f"{name} has {len(train)} samples to train on and {len(test)} to test on: it needs both")
    sample = test.batch(np.arange(1), np.random.default_rng(0))
    if len(sample) < 2:
        raise UsageError(f"{name}: its samples have no target: it needs pairs of an input and a target")
    labeled = sample[-1].ndim == 1 and sample[-1].dtype.kind in "iu"
    classes = (train.classes or test.classes) if labeled else ()
    return Samples(train, test, Form(tuple(sample[0].shape[1:]), tuple(classes)))


def _in_color(part: Dataset) -> Dataset:
    gray = part.batch(np.arange(1), np.random.default_rng(0))[0].shape[1:2] == (1,)
    return Subset(part, np.arange(len(part)), transform=ToRGB()) if gray else part

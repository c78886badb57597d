"""The networks by name, each with the settings that train it well."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from minigrad.errors import UsageError
from minigrad.nn import Module
from minigrad.optim.schedule import Constant, Cosine, Linear, Schedule
from models.lenet import LeNet5, LeNet5Original

__all__ = ["MODELS", "Entry", "Recipe", "create", "entry"]


@dataclass(frozen=True)
class Recipe:
    """How to train a network.

    Attributes:
        epochs, batch_size: how long, and how many samples a step.
        optimizer: its name, that of a class in `minigrad.optim` in small letters, with its arguments, `lr` among them.
        schedule: scales the learning rate at each step.
        degrees, translate, scale: random motions of the training images; see `minigrad.data.RandomAffine`.
    """

    epochs: int
    batch_size: int
    optimizer: Mapping[str, Any]
    schedule: Schedule = Constant()  # noqa: RUF009  (it is frozen)
    degrees: float = 0.0
    translate: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True)
class Entry:
    """A network of the table.

    Attributes:
        name: what the command line calls it.
        make: makes the network, with fresh weights. If it has a method `loss(output, target)`, that is its loss;
            otherwise it is cross entropy. Its answer is the class with the largest output in both cases.
        input_shape: (C, H, W) of one sample; () if it takes samples of several shapes.
        classes: the number of its outputs; 0 if it is not known.
        summary: what it is, in a line.
        recipe: how to train it.
    """

    name: str
    make: Callable[[], Module]
    input_shape: tuple[int, ...]
    classes: int
    summary: str
    recipe: Recipe


_ENTRIES = (
    Entry(
        name="lenet5",
        make=LeNet5,
        input_shape=(1, 32, 32),
        classes=10,
        summary="LeNet-5 as it is built today: tanh, average pooling, a linear output",
        recipe=Recipe(
            epochs=30, batch_size=64, optimizer={"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4},
            schedule=Linear(), degrees=10, translate=0.1, scale=(0.9, 1.1),
        ),
    ),
    Entry(
        name="lenet5-original",
        make=LeNet5Original,
        input_shape=(1, 32, 32),
        classes=10,
        summary="LeNet-5 as its paper has it: trainable subsampling, partial connection, an output of distances",
        recipe=Recipe(
            epochs=20, batch_size=32, optimizer={"name": "sgd", "lr": 0.002, "momentum": 0.9},
            schedule=Cosine(warmup=0.05), degrees=10, translate=0.05, scale=(0.9, 1.1),
        ),
    ),
)  # fmt: skip

MODELS: Final[dict[str, Entry]] = {entry.name: entry for entry in _ENTRIES}


def entry(name: str) -> Entry:
    """The entry of a name.

    Raises:
        UsageError: there is none; it tells the closest names.
    """
    if name in MODELS:
        return MODELS[name]
    close = difflib.get_close_matches(name, MODELS, cutoff=0.4)
    guess = f": did you mean {' or '.join(close)}?" if close else f"; there are {', '.join(MODELS)}"
    raise UsageError(f"there is no model {name!r}{guess}")


def create(name: str) -> Module:
    """A network by its name, with fresh weights from the default generator (see `minigrad.rng.seed`).

    Raises:
        UsageError: there is no such network.

    >>> type(create("lenet5")).__name__
    'LeNet5'
    """
    return entry(name).make()

"""The networks by name, each with the settings that train it well: a file a family, and a table of all."""

from __future__ import annotations

import difflib
from typing import Final

from minigrad.errors import UsageError
from minigrad.nn import Module
from minigrad_models import (
    alexnet,
    c3d,
    conv1d,
    convnet,
    generator,
    googlenet,
    gpt,
    inception,
    lenet,
    local,
    localizer,
    lstm,
    mlp,
    neocognitron,
    resnet,
    resnet_cifar,
    resnet_v2,
    sppnet,
    vgg,
    vit,
    zfnet,
)
from minigrad_models.registry import Entry, Recipe

__all__ = ["MODELS", "Entry", "Recipe", "create", "entry"]

FAMILIES: Final = (
    mlp,
    neocognitron,
    lenet,
    alexnet,
    zfnet,
    vgg,
    googlenet,
    inception,
    sppnet,
    c3d,
    resnet,
    resnet_cifar,
    resnet_v2,
    vit,
    convnet,
    local,
    localizer,
    generator,
    lstm,
    conv1d,
    gpt,
)
"""The files, in the order of history."""

MODELS: Final[dict[str, Entry]] = {entry.name: entry for family in FAMILIES for entry in family.ENTRIES}
"""The networks by name."""


def entry(name: str) -> Entry:
    """The entry of a name.

    Raises:
        UsageError: there is none; it tells the closest names.
    """
    if name in MODELS:
        return MODELS[name]
    longer = [known for known in MODELS if known.startswith(name)]
    close = longer[:2] or difflib.get_close_matches(name, MODELS, n=2, cutoff=0.5)
    guess = f": did you mean {' or '.join(close)}?" if close else "; `minigrad summary` lists all"
    raise UsageError(f"there is no model {name!r}{guess}")


def create(name: str) -> Module:
    """A network by its name, with fresh weights from the default generator (see `minigrad.rng.seed`).

    Raises:
        UsageError: there is no such network.

    >>> type(create("lenet5")).__name__
    'LeNet5'
    """
    return entry(name).make()

"""`Entry` and `Recipe`: what the table of networks says of each, and how it is trained well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from minigrad.nn import Module
from minigrad.optim.schedule import Constant, Schedule


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


IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pixels, red, green and blue, from 0 to 1: published weights expect (pixel - mean) / std."""

IMAGENET: Final[dict[str, Any]] = {
    "black": tuple(-m / s for m, s in zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)),
    "white": tuple((1 - m) / s for m, s in zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)),
}
"""For the `Entry` of a network whose published weights expect that."""


@dataclass(frozen=True)
class Entry:
    """A network of the table.

    What `make` makes may have, beside `forward`, and then it is used:

    - `loss(output, target)`, a mean over the batch; otherwise the loss is cross entropy,
    - `metrics`, a mapping from names to `minigrad.training.Metric`s,
    - `prepare(dataset)`, called once before a training: what it learns without gradients.

    Its answer is the class with the largest output, where it is a classifier.

    Attributes:
        name: what the command line calls it.
        make: makes the network, with fresh weights.
        input_shape: (C, H, W) of one sample; () if it takes samples of several shapes.
        classes: the number of its outputs; 0 if it is not known, or they are no classes.
        summary: what it is, in a line.
        recipe: how to train it.
        parameters: how many numbers are trained; 0 if it is not known.
        source: the paper, such as "LeCun et al. 1998".
        data: what it is trained on, unless told otherwise; a name of the command line.
        small: whether it trains in minutes on two cores.
        metric: the measure of it on test data: "accuracy", "loss", or one of its own `metrics`.
        black, white: the values of black and of white pixels, one a channel, that its published weights were trained
            with; () if there are none, and then those of its data.
    """

    name: str
    make: Callable[[], Module]
    input_shape: tuple[int, ...]
    classes: int
    summary: str
    recipe: Recipe
    parameters: int = 0
    source: str = ""
    data: str = "digits"
    small: bool = False
    metric: str = "accuracy"
    black: tuple[float, ...] = ()
    white: tuple[float, ...] = ()

"""`Entry` and `Recipe`: what the table of networks says of each, and how it is trained well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, TypedDict

import numpy as np
from numpy.random import Generator

from minigrad.nn import Module
from minigrad.optim.schedule import Constant, Schedule
from minigrad.typing import Array, Settings, Shape

Rng: TypeAlias = Generator | None
"""What random numbers are drawn from; None for minigrad's default generator."""


class Motions(TypedDict):
    """Random motions of training images: the arguments of `minigrad.data.RandomAffine` that a `Recipe` has."""

    degrees: float
    translate: float
    scale: tuple[float, float]


AUGMENTATION: Final[Motions] = {"degrees": 10, "translate": 0.1, "scale": (0.9, 1.1)}
"""Motions that leave a digit what it is."""


@dataclass(frozen=True)
class Recipe:
    """How to train a network.

    Attributes:
        epochs: how often to go through the training data.
        batch_size: how many samples there are to a step.
        optimizer: its name under "name", that of a class in `minigrad.optim` in small letters, and its arguments, `lr`
            among them.
        schedule: scales the learning rate at each step (default: `Constant`).
        degrees, translate, scale: random motions of the training images; see `minigrad.data.RandomAffine` (default:
            none).
    """

    epochs: int
    batch_size: int
    optimizer: Settings
    schedule: Schedule = Constant()  # noqa: RUF009  (it is frozen)
    degrees: float = 0.0
    translate: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)


IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pixels, red, green and blue, from 0 to 1: published weights expect (pixel - mean) / std."""


class PixelRange(TypedDict):
    """The values of black and of white pixels, one a channel."""

    black: tuple[float, ...]
    white: tuple[float, ...]


IMAGENET: Final[PixelRange] = {
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
        input_shape: (C, H, W) of one sample, (C, D, H, W) of a video; () if it takes samples of several shapes.
        classes: the number of its outputs; 0 if it is not known, or they are no classes.
        summary: what it is, in a line.
        recipe: how to train it.
        parameters: how many numbers are trained; 0 if it is not known.
        source: the paper, such as "LeCun et al. 1998".
        data: what it is trained on, unless told otherwise; a name of the command line.
        small: whether it trains in minutes on two cores.
        metric: the measure of it on test data: "accuracy", "loss", or one of its own `metrics`.
        vocabulary: V, where a sample is a sequence of token ids, integers from 0 to V - 1; 0 where it is of numbers.
        black, white: the values of black and of white pixels, one a channel, that its published weights were trained
            with; () if there are none, and then those of its data.
    """

    name: str
    make: Callable[[], Module]
    input_shape: Shape
    classes: int
    summary: str
    recipe: Recipe
    parameters: int = 0
    source: str = ""
    data: str = "digits"
    small: bool = False
    metric: str = "accuracy"
    vocabulary: int = 0
    black: tuple[float, ...] = ()
    white: tuple[float, ...] = ()

    def draw(self, shape: Shape, rng: Generator) -> Array:
        """A random batch, such as what `make` makes takes.

        Args:
            shape: (N, *input_shape), N the number of samples.
            rng: draws it, uniform in [0, 1), or token ids.

        Returns:
            float32 or int64, in the shape.
        """
        return rng.integers(self.vocabulary, size=shape) if self.vocabulary else rng.random(shape, np.float32)

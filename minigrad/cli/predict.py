"""`minigrad predict`: classify image files with a trained model."""

from __future__ import annotations

import argparse
from typing import Final

import numpy as np
from minigrad_models import MODELS

from minigrad import Tensor, no_grad
from minigrad.cli.output import Output, table_text
from minigrad.cli.parsing import shape_text
from minigrad.cli.run_loading import LoadedRun, load_run
from minigrad.config import set_threads
from minigrad.data import read_image
from minigrad.errors import NonFiniteError, UsageError
from minigrad.functional import softmax
from minigrad.training.training_state import first_output
from minigrad.typing import Array

BATCH_SIZE: Final = 64
"""How many images go through the model together."""


def run(arguments: argparse.Namespace) -> Output:
    """Tell the classes of image files.

    Raises:
        UsageError, DataError, StateError, NonFiniteError, MissingExtraError: what the user can put right.
    """
    loaded = load_run(arguments.run, arguments.weights)
    name = loaded.settings.model
    if name in MODELS and not MODELS[name].classes:
        raise UsageError(f"{name} is no classifier: predict tells classes, and `minigrad evaluate` how good it is")
    set_threads(arguments.threads or loaded.settings.threads)
    probabilities: list[Array] = []
    for start in range(0, len(arguments.images), BATCH_SIZE):
        files = arguments.images[start : start + BATCH_SIZE]
        images = np.stack([_sample(loaded, file, arguments.invert) for file in files])
        probabilities.extend(_probabilities(loaded, images))
    best = [_best(loaded.format.classes, each, arguments.top) for each in probabilities]
    images_with_best = list(zip(arguments.images, best, strict=True))
    document = {
        "run": loaded.folder.as_posix(),
        "model": name,
        "predictions": [
            {"image": file, "classes": [{"class": label, "probability": p} for label, p in classes]}
            for file, classes in images_with_best
        ],
    }

    def show() -> None:
        rows = [
            [file if place == 0 else "", label, f"{probability:.2%}"]
            for file, classes in images_with_best
            for place, (label, probability) in enumerate(classes)
        ]
        print(table_text(["image", "class", "probability"], rows))

    return Output(document, show)


def _sample(loaded: LoadedRun, file: str, invert: bool) -> Array:
    """An image file as the model has seen its training data: in size, channels and range."""
    known = loaded.format
    if len(known.shape) != 3 or known.shape[0] not in (1, 3):
        shape = shape_text(known.shape)
        raise UsageError(f"{loaded.folder} was trained on samples of shape {shape}, and they are no images")
    channels, height, width = known.shape
    image = read_image(file, (height, width), channels)
    return known.normalized(1 - image if invert else image)


def _probabilities(loaded: LoadedRun, images: Array) -> Array:
    """The softmax of the outputs. Shapes: images (N, C, H, W) -> (N, D)."""
    name = loaded.settings.model
    with no_grad():
        outputs = first_output(loaded.model(Tensor(images)))
        if outputs.ndim != 2 or outputs.shape[1] < 2:  # the softmax of one output is always 1
            raise UsageError(f"{name} gives outputs of shape {outputs.shape}, and no scores of classes")
        probabilities: Array = softmax(outputs, 1).data
    if not np.isfinite(probabilities).all():
        raise NonFiniteError(f"{loaded.folder}: the outputs of {name} are not finite")
    return probabilities


def _best(classes: tuple[str, ...], probabilities: Array, count: int) -> list[tuple[str, float]]:
    """The most probable classes with their probabilities, the first one first."""
    order = np.argsort(-probabilities, kind="stable")[:count]
    return [(classes[i] if i < len(classes) else str(i), float(probabilities[i])) for i in order]

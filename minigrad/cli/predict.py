"""`minigrad predict`."""

from __future__ import annotations

import argparse
from typing import Any, Final

import numpy as np
from minigrad_models import MODELS

from minigrad.autograd.tensor import Tensor, no_grad
from minigrad.cli.answer import Answer, table_text
from minigrad.cli.trained import Trained, open_trained
from minigrad.config import set_threads
from minigrad.data import read_image
from minigrad.errors import NonFiniteError, UsageError
from minigrad.functional import softmax
from minigrad.training.training_state import first_output
from minigrad.typing import Array

TOGETHER: Final = 64  # images in a batch


def run(arguments: argparse.Namespace) -> Answer:
    """Tell the classes of image files.

    Raises:
        UsageError, DataError, StateError, NonFiniteError, MissingExtraError: what the user can put right.
    """
    trained = open_trained(arguments.run, arguments.weights)
    name = trained.settings.model
    if name in MODELS and not MODELS[name].classes:
        raise UsageError(f"{name} is no classifier: predict tells classes, and `minigrad evaluate` how good it is")
    set_threads(arguments.threads or trained.settings.threads)
    answers = []
    for start in range(0, len(arguments.images), TOGETHER):
        files = arguments.images[start : start + TOGETHER]
        images = np.stack([_sample(trained, file, arguments.invert) for file in files])
        for file, probabilities in zip(files, _probabilities(trained, images), strict=True):
            answers.append({"image": file, "classes": _best(trained, probabilities, arguments.top)})
    document = {"run": trained.folder.as_posix(), "model": trained.settings.model, "predictions": answers}

    def show() -> None:
        rows = [
            [told["image"] if place == 0 else "", found["class"], f"{found['probability']:.2%}"]
            for told in answers
            for place, found in enumerate(told["classes"])
        ]
        print(table_text(["image", "class", "probability"], rows))

    return Answer(document, show)


def _sample(trained: Trained, file: str, invert: bool) -> Array:
    """An image file as the model has seen its training data: in size, channels and range."""
    form = trained.form
    if len(form.shape) != 3 or form.shape[0] not in (1, 3):
        shape = "x".join(map(str, form.shape))
        raise UsageError(f"{trained.folder} was trained on samples of shape {shape}, and they are no images")
    image = read_image(file, (form.shape[1], form.shape[2]), form.shape[0])
    if invert:
        image = 1 - image
    return form.normalized(image)


def _probabilities(trained: Trained, images: Array) -> Array:
    with no_grad():
        outputs = first_output(trained.model(Tensor(images)))
        if outputs.ndim != 2 or outputs.shape[1] < 2:  # the softmax of one output is always 1
            raise UsageError(
                f"{trained.settings.model} gives outputs of shape {outputs.shape}, and no scores of classes"
            )
        probabilities: Array = softmax(outputs, 1).data
    if not np.isfinite(probabilities).all():
        raise NonFiniteError(f"{trained.folder}: the outputs of {trained.settings.model} are not finite")
    return probabilities


def _best(trained: Trained, probabilities: Array, top: int) -> list[dict[str, Any]]:
    """The most probable classes, the first one first."""
    names = trained.form.classes
    order = np.argsort(-probabilities, kind="stable")[:top]
    return [
        {"class": names[number] if number < len(names) else str(number), "probability": float(probabilities[number])}
        for number in order
    ]

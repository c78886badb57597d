"""`minigrad predict`: classify images and sounds with a trained model, or continue texts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from minigrad_models import MODELS

from minigrad import Tensor, no_grad
from minigrad.cli.output import Output, table_text
from minigrad.cli.parsing import shape_text
from minigrad.cli.predict_text import continue_texts
from minigrad.cli.run_loading import LoadedRun, load_run
from minigrad.config import set_threads
from minigrad.data import read_image, read_wav
from minigrad.data.datasets.tones import SAMPLE_RATE
from minigrad.data.folder import images_in
from minigrad.errors import DataError, NonFiniteError, UsageError
from minigrad.functional import softmax
from minigrad.training.training_state import first_output
from minigrad.typing import Array

BATCH_SIZE: Final = 64
"""How many images go through the model together."""


def run(arguments: argparse.Namespace) -> Output:
    """Tell the classes of files, or continue texts where the model has tokens.

    Raises:
        UsageError, DataError, StateError, NonFiniteError, MissingExtraError: what the user can put right.
    """
    loaded = load_run(arguments.run, arguments.weights)
    name = loaded.settings.model
    if name in MODELS and MODELS[name].vocabulary:
        set_threads(arguments.threads or loaded.settings.threads)
        return continue_texts(loaded, arguments)
    if name in MODELS and not MODELS[name].classes:
        raise UsageError(f"{name} is no classifier: predict tells classes, and `minigrad evaluate` how good it is")
    set_threads(arguments.threads or loaded.settings.threads)
    probabilities: list[Array] = []
    read: list[str] = []
    broken: dict[str, str] = {}
    files = _files(arguments.inputs, sounds=len(loaded.format.shape) == 2)
    for start in range(0, len(files), BATCH_SIZE):
        images = []
        for file in files[start : start + BATCH_SIZE]:
            try:
                images.append(_sample(loaded, file, arguments.invert))
                read.append(file)
            except DataError as error:
                broken[file] = str(error)
        if images:
            probabilities.extend(_probabilities(loaded, np.stack(images)))
    if not read:
        raise DataError("; ".join(broken.values()))
    best = [_best(loaded.format.classes, each, arguments.top) for each in probabilities]
    images_with_best = list(zip(read, best, strict=True))
    kind = "sound" if len(loaded.format.shape) == 2 else "image"
    document = {
        "run": loaded.folder.as_posix(),
        "model": name,
        "predictions": [
            {kind: file, "classes": [{"class": label, "probability": p} for label, p in classes]}
            for file, classes in images_with_best
        ],
        "broken": [{kind: file, "error": error} for file, error in broken.items()],
    }

    def show() -> None:
        rows = [
            [file if place == 0 else "", label, f"{probability:.2%}"]
            for file, classes in images_with_best
            for place, (label, probability) in enumerate(classes)
        ]
        print(table_text([kind, "class", "probability"], rows))
        for error in broken.values():
            print(f"minigrad: {error}", file=sys.stderr)

    return Output(document, show, 2 if broken else 0)


def _files(paths: Sequence[str], sounds: bool) -> list[str]:
    """The files, and the images, or sounds, in the folders among them."""
    files: list[str] = []
    for path in paths:
        if not Path(path).is_dir():
            files.append(path)
            continue
        inside = sorted(Path(path).rglob("*.wav")) if sounds else images_in(Path(path))
        found = [file.as_posix() for file in inside]
        if not found:
            raise DataError(f"there are no {'sounds (.wav)' if sounds else 'images'} in the folder {path}")
        files += found
    return files


def _sample(loaded: LoadedRun, file: str, invert: bool) -> Array:
    """An image or sound as the model has seen its training data: in size, channels and range."""
    known = loaded.format
    if len(known.shape) == 2:
        return _sound(loaded, file)
    if len(known.shape) != 3 or known.shape[0] not in (1, 3):
        shape = shape_text(known.shape)
        raise UsageError(f"{loaded.folder} was trained on samples of shape {shape}: neither images nor sounds")
    channels, height, width = known.shape
    image = read_image(file, (height, width), channels)
    return known.normalized(1 - image if invert else image)


def _sound(loaded: LoadedRun, file: str) -> Array:
    """The middle of a sound file, or all of it between silence. Shape: (C, T)."""
    (channels, length), (sound, rate) = loaded.format.shape, read_wav(file)
    if loaded.settings.data.name == "tones" and rate != SAMPLE_RATE:
        raise DataError(
            f"{file} has {rate} samples a second, and {loaded.folder} was trained on {SAMPLE_RATE}: convert it"
        )
    if len(sound) != channels:
        if channels != 1:
            raise DataError(f"{file} has {len(sound)} channels, and {loaded.folder} was trained on {channels}")
        sound = sound.mean(axis=0, keepdims=True)
    missing = length - sound.shape[1]
    if missing > 0:
        return np.pad(sound, ((0, 0), (missing // 2, missing - missing // 2)))
    return sound[:, -missing // 2 : -missing // 2 + length]


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

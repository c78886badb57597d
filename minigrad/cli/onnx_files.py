"""Models of ONNX files, which the commands take by the path of the file: net.onnx."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from minigrad_models import Entry, Recipe

from minigrad.cli.data_registry import SampleFormat
from minigrad.nn import Module
from minigrad.typing import Array, Shape

if TYPE_CHECKING:
    from minigrad.io import OnnxModel

ENDING: Final = ".onnx"


def is_onnx_file(name: str) -> bool:
    """Whether a model's name is the path of an ONNX file."""
    return name.endswith(ENDING) and not Path(name).is_dir()


def onnx_entry(path: str, recipe: Recipe) -> Entry:
    """The entry of a file, as if it were in the table of networks.

    Args:
        path: that of the file.
        recipe: how it is trained unless options say otherwise.

    Raises:
        DataError, UsageError, MissingExtraError: the file cannot be read.
    """
    from minigrad.io import from_onnx  # only where a file is read

    loaded = [from_onnx(path)]
    known = sample_format(loaded[0])

    def make() -> Module:
        return loaded.pop() if loaded else from_onnx(path)

    return Entry(path, make, known.shape, len(known.classes), f"{path}, opset {loaded[0].opset}", recipe)


def sample_inputs(path: str, model: Module, shapes: Sequence[Shape]) -> tuple[Array, ...] | None:
    """Inputs of the dtypes that a file tells: zeros for integers, random numbers in [0, 1) for others.

    Args:
        path: the name of the model.
        model: that it names.
        shapes: those of the inputs.

    Returns:
        The inputs; None if the model is of no ONNX file, or has another number of inputs.
    """
    if not is_onnx_file(path):
        return None
    from minigrad.io import OnnxModel  # only where a file is read

    if not isinstance(model, OnnxModel) or len(model.inputs) != len(shapes):
        return None
    rng = np.random.default_rng(0)
    dtypes = [declared.dtype or np.dtype(np.float32) for declared in model.inputs]
    return tuple(
        rng.random(shape).astype(dtype) if dtype.kind == "f" else np.zeros(shape, dtype)
        for shape, dtype in zip(shapes, dtypes, strict=True)
    )


def sample_format(model: OnnxModel) -> SampleFormat:
    """What the samples of a model look like, by its inputs and what `minigrad export` noted."""
    low, high = _numbers(model.metadata, "black"), _numbers(model.metadata, "white")
    classes = _json(model.metadata, "classes")
    names = tuple(map(str, classes)) if isinstance(classes, list) else _numbered(model)
    return SampleFormat(model.input_shape, names, 0.0 if low is None else low, 1.0 if high is None else high)


def _numbered(model: OnnxModel) -> tuple[str, ...]:
    """Numbers as the names of classes, if the only output has a score for each of several."""
    shape = model.outputs[0].shape if len(model.outputs) == 1 else None
    count = shape[1] if shape is not None and len(shape) == 2 else None
    return tuple(map(str, range(count))) if count is not None and count > 1 else ()


def _numbers(metadata: Mapping[str, str], key: str) -> float | tuple[float, ...] | None:
    value = _json(metadata, key)
    if isinstance(value, list) and all(isinstance(x, (int, float)) for x in value):
        return tuple(map(float, value))
    return float(value) if isinstance(value, (int, float)) else None


def _json(metadata: Mapping[str, str], key: str) -> object:
    """A value of the metadata; None where another program has written something else there."""
    try:
        value: object = json.loads(metadata[key])
    except (KeyError, ValueError):
        return None
    return value

"""Load runs from their folders, and models as they were trained."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from minigrad import init
from minigrad.cli.data_registry import DATA_REGISTRY, SampleFormat
from minigrad.cli.onnx_files import is_onnx_file, sample_format
from minigrad.cli.registries import find_model
from minigrad.cli.training_settings import TrainingSettings, resolve
from minigrad.errors import StateError
from minigrad.nn import Module
from minigrad.typing import Shape

if TYPE_CHECKING:
    from minigrad.training import Run

RUNS: Final = Path("runs")
"""The folder that runs are in unless told otherwise."""


@dataclass(frozen=True)
class LoadedRun:
    """A trained model, in evaluation mode, and what is known of it.

    Attributes:
        folder: that of the run, or the file that the weights are from.
        settings: how it was trained, or would be.
        format: what its samples look like.
        model: it.
        epoch: after how many epochs; 0 for weights of a file.
    """

    folder: Path
    settings: TrainingSettings
    format: SampleFormat
    model: Module
    epoch: int


def open_run(folder: str) -> Run:
    """Open the run in a folder.

    Raises:
        StateError: there is none, or it is damaged.
    """
    from minigrad.training import Run  # only where there may be a run

    if not Path(folder).is_dir():
        there = sorted(path.parent.as_posix() for path in RUNS.glob("*/checkpoint.safetensors"))
        raise StateError(f"there is no run folder {folder}" + (f"; there are {', '.join(there)}" if there else ""))
    return Run.open(folder)


def load_run(name: str, weights: str | None = None) -> LoadedRun:
    """Load the model of a run, of an ONNX file, or of a name with the weights of a file.

    Args:
        name: the folder of the run, the path of an ONNX file, or with `weights` the name of a model.
        weights: the file; None (default) for the weights of the run.

    Raises:
        StateError: there is no such run, it is damaged, or its model has changed since.
        UsageError: its model cannot be made.
    """
    if weights is not None:
        return _with_weights(name, weights)
    if is_onnx_file(name):
        from minigrad.io import from_onnx  # only where a file is read

        read = from_onnx(name)
        return LoadedRun(Path(name), resolve([{"model": name}]), sample_format(read), read, 0)
    run = open_run(name)
    if run.checkpoint is None:
        raise StateError(f"{name} was begun, and nothing of it is saved yet")
    settings = TrainingSettings.from_json(run.settings)
    model = find_model(settings.model).make()
    try:
        model.load_state_dict(run.checkpoint.model)
    except StateError as error:
        raise StateError(f"{name} does not fit {settings.model}, which may have changed since: {error}") from error
    if run.checkpoint.metadata["step"] == 0:
        warnings.warn(f"{name} was saved before its first step: its weights are untrained", UserWarning, stacklevel=2)
    return LoadedRun(run.folder, settings, SampleFormat.from_json(run.settings), model.eval(), run.checkpoint.epoch)


def load_model(name: str) -> tuple[str, Module, Shape]:
    """Make a model by its name, or load that of a run by its folder.

    Returns:
        Its name, it, and the shape of one of its samples; () if that is not known.

    Raises:
        UsageError, StateError: there is none, or it cannot be made.
    """
    if Path(name).is_dir():
        run = load_run(name)
        return run.settings.model, run.model, run.format.shape
    entry = find_model(name)
    return name, entry.make(), entry.input_shape


def load_weights(model: Module, path: str) -> None:
    """Give a model the weights of a file: safetensors (PyTorch's, too), or .npz.

    Args:
        model: gets the weights.
        path: that of the file.

    Raises:
        StateError: there is no such file, it is damaged, or names or shapes do not fit; all misfits are listed.
    """
    from minigrad.io import load  # only where weights are read

    arrays, _ = load(path)
    try:
        model.load_state_dict(arrays)
    except StateError as error:
        raise StateError(f"{path} does not fit the model: {error}") from error


def _with_weights(name: str, path: str) -> LoadedRun:
    entry, settings = find_model(name), resolve([{"model": name}])
    with init.skip():
        model = entry.make()
    load_weights(model, path)
    pixels = DATA_REGISTRY.find(settings.data)
    classes = tuple(map(str, range(entry.classes)))
    known = SampleFormat(entry.input_shape, classes, entry.black or pixels.low, entry.white or pixels.high)
    return LoadedRun(Path(path), settings, known, model.eval(), 0)

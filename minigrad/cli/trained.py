"""Runs that are there: found by their folders, with the model as it was trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from minigrad import init
from minigrad.cli.catalog import model_entry
from minigrad.cli.settings import Settings, resolve
from minigrad.cli.source import SOURCES, Form
from minigrad.errors import StateError
from minigrad.io import load
from minigrad.nn import Module
from minigrad.training import Run

RUNS: Final = Path("runs")


@dataclass(frozen=True)
class Trained:
    """A model as a run left it, in evaluation mode, with what was known of its samples."""

    folder: Path
    settings: Settings
    form: Form
    model: Module
    epoch: int


def open_run(folder: str) -> Run:
    """The run in a folder.

    Raises:
        StateError: there is none, or it is damaged.
    """
    if not Path(folder).is_dir():
        there = sorted(path.parent.as_posix() for path in RUNS.glob("*/checkpoint.safetensors"))
        raise StateError(f"there is no run folder {folder}" + (f"; there are {', '.join(there)}" if there else ""))
    return Run.open(folder)


def open_trained(name: str, weights: str | None = None) -> Trained:
    """The model of a run with its weights, or a model by its name with the weights of a file.

    Raises:
        StateError: there is no such run, it is damaged, or its model has changed since.
        UsageError: its model cannot be made.
    """
    if weights is not None:
        return _with_weights(name, weights)
    run = open_run(name)
    if run.checkpoint is None:
        raise StateError(f"{name} was begun, and nothing of it is saved yet")
    settings = Settings.from_json(run.settings)
    model = model_entry(settings.model).make()
    try:
        model.load_state_dict(run.checkpoint.model)
    except StateError as error:
        raise StateError(f"{name} does not fit {settings.model}, which may have changed since: {error}") from error
    return Trained(run.folder, settings, Form.from_json(run.settings), model.eval(), run.checkpoint.epoch)


def load_weights(model: Module, path: str) -> None:
    """Give a model the weights of a file: safetensors (PyTorch's, too), or .npz.

    Raises:
        StateError: there is no such file, it is damaged, or names or shapes do not fit; all misfits are listed.
    """
    arrays, _ = load(path)
    try:
        model.load_state_dict(arrays)
    except StateError as error:
        raise StateError(f"{path} does not fit the model: {error}") from error


def _with_weights(name: str, path: str) -> Trained:
    entry, settings = model_entry(name), resolve([{"model": name}])
    with init.skip():
        model = entry.make()
    load_weights(model, path)
    source = SOURCES[settings.data["name"]]
    classes = tuple(map(str, range(entry.classes)))
    form = Form(entry.input_shape, classes, entry.black or source.low, entry.white or source.high)
    return Trained(Path(path), settings, form, model.eval(), 0)

"""Runs that are there: found by their folders, with the model as it was trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from minigrad.cli.catalog import model_entry
from minigrad.cli.settings import Settings
from minigrad.cli.source import Form
from minigrad.errors import StateError
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


def open_trained(folder: str) -> Trained:
    """The model of a run with its weights.

    Raises:
        StateError: there is no such run, it is damaged, or its model has changed since.
        UsageError: its model cannot be made.
    """
    run = open_run(folder)
    if run.checkpoint is None:
        raise StateError(f"{folder} was begun, and nothing of it is saved yet")
    settings = Settings.from_json(run.settings)
    model = model_entry(settings.model).make()
    try:
        model.load_state_dict(run.checkpoint.model)
    except StateError as error:
        raise StateError(f"{folder} does not fit {settings.model}, which may have changed since: {error}") from error
    return Trained(run.folder, settings, Form.from_json(run.settings), model.eval(), run.checkpoint.epoch)

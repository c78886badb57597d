"""`Run`: a folder that holds one training, from its settings to its weights."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any, Self

from minigrad.errors import StateError, UsageError
from minigrad.io import write_atomically
from minigrad.training.callback import Callback
from minigrad.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from minigrad.training.history import append_line, resume_history
from minigrad.training.state import Training

PathLike = str | os.PathLike[str]


class Run(Callback):
    """Keeps a training in a folder, so that it can go on after any interruption::

        settings.json            how it was started, for the reader; the checkpoint has its own copy
        history.jsonl            a line an epoch
        checkpoint.safetensors   where it stands: written at the beginning, after each epoch, and at a stop

    As a callback of `fit` it writes these files; one that was opened first puts the saved state back:

        run = Run.create("runs/mine", {"lr": 0.1})       # or, to go on: Run.open("runs/mine")
        fit(model, loader, ..., callbacks=[run])

    Attributes:
        folder: where.
        settings: JSON values of the caller's choice.
        checkpoint: where an opened run stands; None for a new one.
    """

    def __init__(self, folder: PathLike, settings: Mapping[str, Any], checkpoint: Checkpoint | None = None) -> None:
        self.folder = Path(folder)
        self.settings = dict(settings)
        self.checkpoint = checkpoint

    @classmethod
    def create(cls, folder: PathLike, settings: Mapping[str, Any]) -> Self:
        """A new run, in a folder that does not exist yet or is empty.

        Raises:
            UsageError: the folder cannot be made, or something is in the way.
        """
        folder = Path(folder)
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is a file: a run needs a folder of its own")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            occupied = any(folder.iterdir())
        except OSError as error:
            raise UsageError(f"cannot make the folder {folder}: {error.strerror or error}") from error
        if occupied:
            raise UsageError(f"the folder {folder} exists and is not empty: name another one, or go on with --resume")
        run = cls(folder, settings)
        run.write_settings()
        return run

    @classmethod
    def open(cls, folder: PathLike) -> Self:
        """The run in a folder, ready to go on.

        Raises:
            StateError: there is no run, or its checkpoint is missing or damaged.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise StateError(f"there is no run folder {folder}")
        checkpoint = load_checkpoint(folder / "checkpoint.safetensors")
        return cls(folder, checkpoint.settings, checkpoint)

    def write_settings(self) -> None:
        """Write settings.json."""
        write_atomically(self.folder / "settings.json", (json.dumps(self.settings, indent=2) + "\n").encode())

    def on_begin(self, training: Training) -> None:
        """Put the saved state back, or save the first one."""
        if self.checkpoint is None:
            self._save(training)
            return
        self.checkpoint.restore(training)
        training.history = resume_history(self.folder / "history.jsonl", training.epoch)

    def on_epoch(self, training: Training) -> None:
        """First the line, then the checkpoint: a line too many is dropped at resuming, one too few would be lost."""
        append_line(self.folder / "history.jsonl", training.history.last)
        self._save(training)

    def on_end(self, training: Training) -> None:
        """Save the middle of an epoch, when the training was stopped there."""
        if training.status == "stopped":
            self._save(training)

    def _save(self, training: Training) -> None:
        save_checkpoint(self.folder / "checkpoint.safetensors", training, self.settings)


def new_folder(parent: PathLike, name: str) -> Path:
    """The first of `name`, `name-2`, `name-3` ... that does not exist in `parent`."""
    names = (name if n == 1 else f"{name}-{n}" for n in count(1))
    return next(folder for folder in (Path(parent, name) for name in names) if not folder.exists())


def latest_run(parent: PathLike, name: str) -> Path:
    """The one of `name`, `name-2` ... in `parent` that was saved last.

    Raises:
        StateError: there is none.
    """
    checkpoints = [
        path
        for path in Path(parent).glob(f"{name}*/checkpoint.safetensors")
        if re.fullmatch(re.escape(name) + r"(-\d+)?", path.parent.name)
    ]
    if not checkpoints:
        raise StateError(f"there is no run of {name} in {parent} to go on with: begin without --resume")
    return max(checkpoints, key=lambda path: path.stat().st_mtime_ns).parent

"""`Run`: a folder that holds one training run, from its settings to its weights."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Self

from minigrad.errors import StateError, UsageError
from minigrad.io import FileLock, write_atomically
from minigrad.io.atomic import PathLike, is_temporary
from minigrad.training.callback import Callback
from minigrad.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from minigrad.training.history import append_record, resume_history
from minigrad.training.training_state import TrainingState
from minigrad.typing import StateDict

CHECKPOINT, HISTORY, SETTINGS, LOCK = "checkpoint.safetensors", "history.jsonl", "settings.json", ".lock"


class Run(Callback):
    """Save a training run in a folder, so that it can be resumed after any interruption::

        settings.json            how it was started, for the reader; the checkpoint has its own copy
        history.jsonl            a line an epoch
        checkpoint.safetensors   its state: saved at the beginning, after each epoch, and at a stop
        .lock                    there while a process trains: no second one can

    As a callback of `fit` it writes these files; one that was opened first restores the saved state:

        run = Run.create("runs/mine", {"lr": 0.1})       # or, to resume: Run.open("runs/mine")
        fit(model, loader, ..., callbacks=[run, ...])    # first, so that the others see the restored state

    A process may be killed at any moment: what is in the folder is valid, and the resumed run continues as if nothing
    had happened.

    Args:
        folder: where the files are.
        settings: JSON values of the caller's choice.
        checkpoint: what to resume from; None for a new run (default None).

    Attributes:
        folder: where the files are.
        settings: JSON values of the caller's choice.
        checkpoint: what to resume from; None for a new run.
    """

    main_rank_only = True

    def __init__(self, folder: PathLike, settings: Mapping[str, object], checkpoint: Checkpoint | None = None) -> None:
        self.folder = Path(folder)
        self.settings: StateDict = dict(settings)
        self.checkpoint = checkpoint
        self._lock = FileLock(self.folder / LOCK)
        self._lines = 0  # of the history's file

    @classmethod
    def create(cls, folder: PathLike, settings: Mapping[str, object]) -> Self:
        """Make a new run, in a folder that does not exist yet or is empty.

        Args:
            folder: made with its parents if it is not there.
            settings: JSON values of the caller's choice.

        Raises:
            UsageError: the folder cannot be made, or is not empty.
            DataError: the settings cannot be written.
        """
        folder = Path(folder)
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is a file: a run needs a folder of its own")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            occupied = any(path.name != LOCK and not is_temporary(path) for path in folder.iterdir())
        except OSError as error:
            raise UsageError(f"cannot make the folder {folder}: {error.strerror or error}") from error
        if occupied:
            raise UsageError(f"the folder {folder} exists and is not empty: name another one, or go on with --resume")
        run = cls(folder, settings)
        run.write_settings()
        return run

    @classmethod
    def open(cls, folder: PathLike) -> Self:
        """Open the run in a folder, to resume it.

        One that was killed before it saved anything starts again at its beginning.

        Args:
            folder: where `Run.create` made it.

        Raises:
            StateError: there is no run, or its checkpoint is damaged.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise StateError(f"there is no run folder {folder}")
        if not (folder / CHECKPOINT).exists() and (folder / SETTINGS).exists():
            return cls(folder, _read_settings(folder / SETTINGS))
        checkpoint = load_checkpoint(folder / CHECKPOINT)
        return cls(folder, checkpoint.settings, checkpoint)

    def write_settings(self) -> None:
        """Write settings.json.

        Raises:
            DataError: the file cannot be written.
        """
        write_atomically(self.folder / SETTINGS, (json.dumps(self.settings, indent=2) + "\n").encode())

    def on_begin(self, training: TrainingState) -> None:
        """Lock the folder; restore the saved state, or save the first one.

        Raises:
            UsageError: another process trains in this folder.
            DataError: the folder cannot be written to.
            StateError: the saved state does not fit.
        """
        self._lock.acquire()
        try:
            self._begin(training)
        except BaseException:
            self._lock.release()
            raise

    def _begin(self, training: TrainingState) -> None:
        for path in filter(is_temporary, self.folder.iterdir()):
            path.unlink(missing_ok=True)  # what a killed process was writing
        if self.checkpoint is None:
            if (self.folder / CHECKPOINT).exists():
                raise UsageError(
                    f"a run has begun in {self.folder} since: name another folder, or open it with Run.open"
                )
            self.write_settings()
            self._save(training)
            return
        changed = self.settings != self.checkpoint.settings
        if self.checkpoint.path == self.folder / CHECKPOINT:  # it may be newer than when it was opened
            self.checkpoint = load_checkpoint(self.checkpoint.path)
        self.checkpoint.restore(training)
        training.history = resume_history(self.folder / HISTORY, training.epoch)
        self._lines = len(training.history)
        if changed:  # more epochs, say: saved now, for the process may be killed at any moment
            self.write_settings()
            self._save(training)

    def on_save(self, training: TrainingState) -> None:
        """Append to the history, then save: a line too many is dropped at resuming, one too few would be lost."""
        if len(training.history) > self._lines:
            append_record(self.folder / HISTORY, training.history.last)
            self._lines = len(training.history)
        self._save(training)

    def on_end(self, training: TrainingState) -> None:
        """Unlock the folder."""
        self._lock.release()

    def _save(self, training: TrainingState) -> None:
        save_checkpoint(self.folder / CHECKPOINT, training, self.settings)


def new_run_folder(parent: PathLike, name: str) -> Path:
    """The first of `name`, `name-2`, `name-3` ... that does not exist in `parent`.

    Args:
        parent: the folder of all runs.
        name: what the new one is to be called.
    """
    names = (name if n == 1 else f"{name}-{n}" for n in count(1))
    return next(folder for folder in (Path(parent, name) for name in names) if not folder.exists())


def latest_run_folder(parent: PathLike, name: str) -> Path:
    """The one of `name`, `name-2` ... in `parent` that was saved last.

    Args:
        parent: the folder of all runs.
        name: what the runs are called.

    Raises:
        StateError: there is none.
    """
    checkpoints = [
        path
        for path in Path(parent).glob(f"{name}*/{CHECKPOINT}")
        if re.fullmatch(re.escape(name) + r"(-\d+)?", path.parent.name)
    ]
    if not checkpoints:
        raise StateError(f"there is no run of {name} in {parent} to go on with: begin without --resume")
    return max(checkpoints, key=lambda path: path.stat().st_mtime_ns).parent


def _read_settings(path: Path) -> StateDict:
    try:
        settings = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StateError(f"cannot read {path}: {error}") from error
    if not isinstance(settings, dict):
        raise StateError(f"{path} is damaged: it holds no settings")
    return settings

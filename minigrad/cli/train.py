"""`minigrad train`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from minigrad.cli import trainer
from minigrad.cli.options import LATEST
from minigrad.cli.output import Output
from minigrad.cli.overrides import Overrides, last, read_overrides
from minigrad.cli.registries import find_model, run_name
from minigrad.cli.run_loading import RUNS
from minigrad.errors import UsageError
from minigrad.training import latest_run_folder


def run(arguments: argparse.Namespace) -> Output:
    """Begin a run, go on with one, or train all small models.

    Raises:
        UsageError, DataError, StateError, MissingExtraError, NonFiniteError: what the user can put right.
    """
    if arguments.all_small:
        from minigrad.cli.all_small import train_all

        return train_all(arguments)
    overrides = read_overrides(arguments)
    if arguments.resume is None:
        return trainer.begin(overrides)
    return trainer.resume(_folder_to_resume(arguments.resume, overrides), overrides)


def _folder_to_resume(folder: str, overrides: Sequence[Overrides]) -> str:
    model, out = last(overrides, "model"), last(overrides, "out")
    if model is not None:
        find_model(model)
    if folder == LATEST:
        if model is None:
            raise UsageError("--resume needs a run folder, or the model whose latest run is meant")
        folder = str(latest_run_folder(RUNS, run_name(model)))
    if out is not None and Path(out) != Path(folder):
        raise UsageError(f"--out {out} contradicts --resume {folder}: a run goes on in its own folder")
    return folder

"""`minigrad train`."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import Any, Final

from minigrad import rng
from minigrad.cli.option import LATEST, command_line
from minigrad.cli.result import show_result, write_pictures
from minigrad.cli.settings import Settings, resolve, resolve_resumed
from minigrad.config import environment, set_threads
from minigrad.data import ArrayDataset, DataLoader, RandomAffine, digits
from minigrad.data.digits import BACKGROUND
from minigrad.errors import NonFiniteError, UsageError
from minigrad.functional import cross_entropy
from minigrad.nn import Module
from minigrad.optim import SGD, Adam, Optimizer
from minigrad.training import Callback, Progress, Run, Training, fit, latest_run, new_folder
from minigrad.training.state import Loss
from models import Entry, Recipe, entry

RUNS: Final = Path("runs")
DATASETS: Final = {"digits": digits}
"""Functions of an image size that give a training and a test set, by name."""


def run(arguments: argparse.Namespace) -> int:
    """Begin a run or go on with one, show what came out, and give the exit code.

    Raises:
        UsageError, DataError, StateError, MissingExtraError, NonFiniteError: what the user can put right.
    """
    opened, settings = _open_run(arguments) if arguments.resume is not None else (None, resolve(arguments))
    set_threads(settings.threads)
    model_entry = entry(settings.model)
    train_set, test_set = _load_data(settings.data, model_entry)
    rng.seed(settings.seed)
    model = model_entry.make()
    kept = opened or _new_run(arguments, settings)
    print(f"{settings.model} on {settings.data}: {len(train_set):,} samples to train on, {len(test_set):,} to test on")
    if opened and opened.checkpoint:
        print(f"{opened.folder} goes on after epoch {opened.checkpoint.epoch} of {settings.recipe.epochs}")
    interrupt = _Interrupt()
    try:
        history = fit(
            model,
            _make_loader(settings, train_set),
            loss=loss_of(model),
            optimizer=make_optimizer(settings.recipe, model),
            epochs=settings.recipe.epochs,
            schedule=settings.recipe.schedule,
            test=test_set,
            callbacks=[interrupt, kept, Progress()],
        )
    except NonFiniteError as error:
        raise NonFiniteError(f"{error}; the checkpoint in {kept.folder} is from before") from error
    except KeyboardInterrupt:
        _tell_how_to_go_on("ended at once, after the last checkpoint", settings, kept)
        return 128 + signal.SIGINT
    if interrupt.stopped:
        _tell_how_to_go_on("stopped and saved", settings, kept)
        return 128 + signal.SIGINT
    notes = write_pictures(kept.folder, model, loss_of(model), history, test_set)
    show_result(settings.model, kept.folder, model, history, notes)
    return 0


def loss_of(model: Module) -> Loss:
    """A model's own loss, or cross entropy."""
    return getattr(model, "loss", cross_entropy)


def make_optimizer(recipe: Recipe, model: Module) -> Optimizer:
    """The optimizer that a recipe describes."""
    if recipe.optimizer == "adam":
        return Adam(model.parameters(), recipe.lr, weight_decay=recipe.weight_decay)
    return SGD(model.parameters(), recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay)


def _make_loader(settings: Settings, samples: ArrayDataset) -> DataLoader:
    r = settings.recipe
    moving = (r.degrees, r.translate, *r.scale) != (0, 0, 1, 1)
    motion = RandomAffine(r.degrees, r.translate, r.scale, fill=BACKGROUND) if moving else None
    return DataLoader(samples, r.batch_size, shuffle=True, seed=settings.seed, transform=motion)


def _load_data(name: str, model: Entry) -> tuple[ArrayDataset, ArrayDataset]:
    if name not in DATASETS:
        raise UsageError(f"there is no data {name!r}; there is {', '.join(DATASETS)}")
    return DATASETS[name](size=model.input_shape[-1])


def _new_run(arguments: argparse.Namespace, settings: Settings) -> Run:
    folder = arguments.out if arguments.out is not None else new_folder(RUNS, settings.model)
    return Run.create(folder, {**settings.to_json(), "environment": environment()})


def _open_run(arguments: argparse.Namespace) -> tuple[Run, Settings]:
    """An interrupted run and its settings; the folder notes it when they changed."""
    entry(arguments.model)
    folder = latest_run(RUNS, arguments.model) if arguments.resume == LATEST else Path(arguments.resume)
    if arguments.out is not None and Path(arguments.out) != folder:
        raise UsageError(f"--out {arguments.out} contradicts --resume {folder}: a run goes on in its own folder")
    run = Run.open(folder)
    saved = Settings.from_json(run.settings)
    settings = resolve_resumed(arguments, saved, str(folder))
    for name, now in environment().items():
        then = run.settings.get("environment", {}).get(name, now)
        if then != now:
            print(f"minigrad: note: {name} was {then} and is {now} now: the last bits may differ", file=sys.stderr)
    if settings != saved:
        run.settings |= settings.to_json()
        run.write_settings()
    return run, settings


def _tell_how_to_go_on(what: str, settings: Settings, run: Run) -> None:
    command = command_line(["minigrad", "train", settings.model, "--resume", str(run.folder)])
    print(f"{what}; go on with: {command}")


class _Interrupt(Callback):
    """Ctrl-C: once, stop after the current step; twice, at once."""

    stopped = False

    def on_begin(self, training: Training) -> None:
        def stop(*_: Any) -> None:
            if training.stopping:
                raise KeyboardInterrupt
            training.stop()

        self._former = signal.signal(signal.SIGINT, stop)

    def on_end(self, training: Training) -> None:
        signal.signal(signal.SIGINT, self._former)
        self.stopped = training.status == "stopped"

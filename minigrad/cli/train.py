"""`minigrad train`."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import Any

from minigrad import rng
from minigrad.cli.all_small import run_all
from minigrad.cli.answer import Answer
from minigrad.cli.catalog import make_loss, make_optimizer, model_entry, short_name
from minigrad.cli.option import LATEST
from minigrad.cli.result import result_answer, write_pictures
from minigrad.cli.settings import Settings, resolve, resolve_resumed
from minigrad.cli.source import Samples, load_data
from minigrad.cli.trained import RUNS, load_weights, open_run
from minigrad.cli.trial import check_shape, check_trial
from minigrad.cli.value import command_line, spec_text
from minigrad.cli.wish import Wishes, wishes_of
from minigrad.config import environment, set_threads
from minigrad.data import DataLoader, RandomAffine
from minigrad.errors import NonFiniteError, UsageError
from minigrad.training import Callback, Progress, Run, TrainingState, fit, latest_run_folder, new_run_folder


def run(arguments: argparse.Namespace) -> Answer:
    """Begin a run, or go on with one.

    Raises:
        UsageError, DataError, StateError, MissingExtraError, NonFiniteError: what the user can put right.
    """
    if arguments.all_small:
        return run_all(
            arguments,
            train=lambda wish: _train(resolve([wish]), [wish], None),
            resume=lambda wish: resume(wish["out"], [wish]),
        )
    wishes = wishes_of(arguments)
    if arguments.resume is None:
        return _train(resolve(wishes), wishes, None)
    return resume(_run_to_resume(arguments.resume, wishes), wishes)


def resume(folder: str, wishes: list[Wishes]) -> Answer:
    """Go on with the run in a folder, unless a wish contradicts it; the folder notes it when its settings change."""
    opened = open_run(folder)
    saved = Settings.from_json(opened.settings)
    settings = resolve_resumed(wishes, saved, str(folder))
    for name, now in environment().items():
        then = opened.settings.get("environment", {}).get(name, now)
        if then != now:
            print(f"minigrad: note: {name} was {then} and is {now} now: the last bits may differ", file=sys.stderr)
    if settings != saved:
        opened.settings |= settings.to_json()
    return _train(settings, wishes, opened)


def _run_to_resume(folder: str, wishes: list[Wishes]) -> str:
    model = next((wish["model"] for wish in reversed(wishes) if "model" in wish), None)
    if model is not None:
        model_entry(model)
    if folder == LATEST:
        if model is None:
            raise UsageError("--resume needs a run folder, or the model whose latest run is meant")
        folder = str(latest_run_folder(RUNS, short_name(model)))
    out = next((wish["out"] for wish in reversed(wishes) if "out" in wish), folder)
    if Path(out) != Path(folder):
        raise UsageError(f"--out {out} contradicts --resume {folder}: a run goes on in its own folder")
    return folder


def _train(settings: Settings, wishes: list[Wishes], opened: Run | None) -> Answer:
    set_threads(settings.threads)
    entry = model_entry(settings.model)
    samples = load_data(settings.data, entry.input_shape)
    rng.seed(settings.seed)
    model = entry.make()
    if settings.weights is not None and opened is None:
        load_weights(model, settings.weights)
    loss = make_loss(settings.loss, model)
    optimizer = make_optimizer(settings.recipe.optimizer, model)
    data = spec_text(settings.data)
    check_shape(settings.model, entry.input_shape, data, samples)
    check_trial(settings.model, model, data, samples, loss)
    loader = _make_loader(settings, samples)
    kept = opened or _new_run(settings, samples, wishes)
    print(f"{settings.model} on {data}: {len(samples.train):,} samples to train on, {len(samples.test):,} to test on")
    if opened:
        epoch = opened.checkpoint.epoch if opened.checkpoint else 0
        print(f"{opened.folder} goes on after epoch {epoch} of {settings.recipe.epochs}")
    _prepare(model, samples, opened)
    interrupt = _Interrupt()
    try:
        history = fit(
            model,
            loader,
            loss=loss,
            optimizer=optimizer,
            epochs=settings.recipe.epochs,
            schedule=settings.recipe.schedule,
            test=samples.test,
            metrics=getattr(model, "metrics", {}),
            accumulate=settings.accumulate,
            clip_norm=settings.clip_norm,
            callbacks=[interrupt, kept, Progress()],
        )
    except NonFiniteError as error:
        raise NonFiniteError(f"{error}; the checkpoint in {kept.folder} is from before") from error
    except KeyboardInterrupt:
        return _stopped("ended at once, after the last checkpoint", settings, kept)
    if interrupt.stopped:
        return _stopped("stopped and saved", settings, kept)
    notes = write_pictures(kept.folder, model, loss, history, samples.test, samples.form.classes)
    return result_answer(settings, kept.folder, model, history, notes)


def _prepare(model: Any, samples: Samples, opened: Run | None) -> None:
    """What a network learns without gradients, before a training; a checkpoint has it already."""
    if hasattr(model, "prepare") and (opened is None or opened.checkpoint is None):
        model.prepare(samples.train)


def _make_loader(settings: Settings, samples: Samples) -> DataLoader:
    r = settings.recipe
    moving = (r.degrees, r.translate, *r.scale) != (0, 0, 1, 1)
    if moving and len(samples.form.shape) != 3:
        raise UsageError(f"--augment moves images, and {spec_text(settings.data)} has none: --augment none")
    motion = RandomAffine(r.degrees, r.translate, r.scale, fill=samples.fill) if moving else None
    return DataLoader(samples.train, r.batch_size, shuffle=True, seed=settings.seed, transform=motion)


def _new_run(settings: Settings, samples: Samples, wishes: list[Wishes]) -> Run:
    out = next((wish["out"] for wish in reversed(wishes) if "out" in wish), None)
    folder = out if out is not None else new_run_folder(RUNS, short_name(settings.model))
    facts = {"samples": samples.form.to_json(), "environment": environment()}
    return Run.create(folder, {**settings.to_json(), **facts})


def _stopped(what: str, settings: Settings, run: Run) -> Answer:
    command = command_line(["minigrad", "resume", run.folder.as_posix()])
    document = {"status": "stopped", "run": run.folder.as_posix(), "model": settings.model, "resume": command}
    return Answer(document, lambda: print(f"{what}; go on with: {command}"), 128 + signal.SIGINT)


class _Interrupt(Callback):
    """Ctrl-C: once, stop after the current step; twice, at once."""

    stopped = False

    def on_begin(self, training: TrainingState) -> None:
        def stop(*_: Any) -> None:
            if training.stopping:
                raise KeyboardInterrupt
            training.stop()

        self._former = signal.signal(signal.SIGINT, stop)

    def on_end(self, training: TrainingState) -> None:
        signal.signal(signal.SIGINT, self._former)
        self.stopped = training.status == "stopped"

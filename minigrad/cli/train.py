"""`minigrad train`: train a model in a run folder."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from minigrad import rng
from minigrad.cli.data_registry import Samples, load_samples
from minigrad.cli.options import LATEST
from minigrad.cli.output import Output, command_line
from minigrad.cli.overrides import Overrides, last, read_overrides
from minigrad.cli.parsing import shape_text
from minigrad.cli.registries import NO_AUGMENTATION, find_model, make_loss, make_optimizer, make_schedule, run_name
from minigrad.cli.result import result_output, write_pictures
from minigrad.cli.run_loading import RUNS, load_weights, open_run
from minigrad.cli.sanity_check import check_fit
from minigrad.cli.training_settings import TrainingSettings, resolve, resolve_resumed
from minigrad.config import THREAD_VARIABLES, available_threads, environment, set_threads
from minigrad.data import DataLoader, RandomAffine
from minigrad.distributed import Group, job
from minigrad.errors import NonFiniteError, UsageError
from minigrad.training import Callback, Progress, Run, TrainingState, fit, latest_run_folder, new_run_folder
from minigrad.training.training_state import Data


def run(arguments: argparse.Namespace) -> Output:
    """Begin a run, or continue one.

    Raises:
        UsageError, DataError, StateError, MissingExtraError, NonFiniteError: what the user can put right.
    """
    overrides = read_overrides(arguments)
    if arguments.resume is None:
        return begin(overrides)
    return resume(_folder_to_resume(arguments.resume, overrides), overrides)


def begin(overrides: Sequence[Overrides]) -> Output:
    """Begin a run.

    Args:
        overrides: what the user asks for, the stronger last.

    Raises:
        UsageError, DataError, StateError, MissingExtraError, NonFiniteError: what the user can put right.
    """
    settings, group = resolve(overrides), job()
    if last(overrides, "threads") is None:
        settings = replace(settings, threads=_threads_of_a_rank(group)) if group.size > 1 else settings
        _tell_busy_processors(settings.threads, group)
    return _train(group.broadcast(settings, "the settings"), None, last(overrides, "out"), group)


def _threads_of_a_rank(group: Group) -> int:
    """The processors of this machine, divided among its ranks; fewer where MPI has bound a rank to some of them."""
    return max(1, min(available_threads(), (os.cpu_count() or 1) // group.on_this_host().size))


def _tell_busy_processors(threads: int, group: Group) -> None:
    """Tell why a run has fewer threads than there are processors, where nobody asked for it."""
    available = available_threads()
    if group.size == 1 and threads < available and not any(name in os.environ for name in THREAD_VARIABLES):
        print(
            f"minigrad: note: --threads {threads} of {available}, because other programs keep processors busy; "
            "the last bits depend on this number",
            file=sys.stderr,
        )


def resume(folder: str, overrides: Sequence[Overrides]) -> Output:
    """Continue the run in a folder, which notes it when its settings change.

    Args:
        folder: that of the run.
        overrides: what the user asks for, the stronger last.

    Raises:
        UsageError, DataError, StateError, MissingExtraError, NonFiniteError: what the user can put right; among it
            that the user asks for something else than the run is.
    """
    group = job()
    if group.rank:  # rank 0 has the folder, and gives all others what they need
        return _train(group.broadcast(None, "the settings"), None, None, group)
    run = open_run(folder)
    saved = TrainingSettings.from_json(run.settings)
    settings = resolve_resumed(overrides, saved, folder)
    for name, now in environment().items():
        then = run.settings.get("environment", {}).get(name, now)
        if then != now:
            print(f"minigrad: note: {name} was {then} and is {now} now: the last bits may differ", file=sys.stderr)
    if settings != saved:
        run.settings |= settings.to_json()
    return _train(group.broadcast(settings, "the settings"), run, None, group)


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


def _train(settings: TrainingSettings, resumed: Run | None, out: str | None, group: Group) -> Output:
    """Train: make all parts, see whether they fit together, and only then write into a folder.

    Args:
        settings: how.
        resumed: the run that goes on; None for a new one.
        out: the folder of a new run; None for one in `RUNS`.
        group: the ranks, of which the first has the run.
    """
    set_threads(settings.threads)
    entry = find_model(settings.model)
    with group.in_turn():
        samples = load_samples(settings.data, entry.input_shape)
    rng.seed(settings.seed)
    model = entry.make()
    if settings.weights is not None and resumed is None and group.rank == 0:
        load_weights(model, settings.weights)
    loss = make_loss(settings.loss, model)
    optimizer = make_optimizer(settings.optimizer, model)
    data = str(settings.data)
    check_fit(settings.model, model, entry.input_shape, data, samples, loss)
    loader = _make_loader(settings, samples)
    run = None if group.rank else _new_run(settings, samples, out) if resumed is None else resumed
    ranks = f", on {group.size} ranks" if group.size > 1 else ""
    print(f"{settings.model} on {data}: {_described(samples)}{ranks}")
    if resumed is not None:
        epoch = resumed.checkpoint.epoch if resumed.checkpoint else 0
        print(f"{resumed.folder} goes on after epoch {epoch} of {settings.epochs}")
    prepare = getattr(model, "prepare", None)
    if prepare is not None and group.broadcast(run is not None and run.checkpoint is None, "the run"):
        prepare(samples.train)  # what it learns without gradients
    interrupt = _Interrupt(group)
    try:
        history = fit(
            model,
            loader,
            loss=loss,
            optimizer=optimizer,
            epochs=settings.epochs,
            schedule=make_schedule(settings.schedule),
            test=_test_data(settings, samples),
            metrics=getattr(model, "metrics", {}),
            accumulate=settings.accumulate,
            clip_norm=settings.clip_norm,
            compile=settings.compile,
            callbacks=[interrupt, *([] if run is None else [run]), Progress()],
            distributed=group.size > 1,
        )
    except NonFiniteError as error:
        where = "" if run is None else f"; the checkpoint in {run.folder} is from before"
        raise NonFiniteError(f"{error}{where}") from error
    except KeyboardInterrupt:
        return _stopped("ended at once, after the last checkpoint", settings, run, interrupt.code)
    if interrupt.stopped:
        return _stopped("stopped and saved", settings, run, max(group.all_gather(interrupt.code)))
    if run is None:
        return Output({}, lambda: None)
    notes = write_pictures(run.folder, model, loss, history, samples.test, samples.format.classes)
    return result_output(settings.model, run.folder, model, history, notes)


def _described(samples: Samples) -> str:
    """How many samples there are, what they look like, and which classes they have."""
    count = f"{len(samples.train):,} samples to train on, {len(samples.test):,} to test on"
    classes = samples.format.classes
    names = ", ".join(classes[:5]) + (" ..." if len(classes) > 5 else "")
    return f"{count}, of shape {shape_text(samples.format.shape)}" + (
        f", in {len(classes)} classes: {names}" if classes else ""
    )


def _make_loader(settings: TrainingSettings, samples: Samples) -> DataLoader:
    motions = settings.augment.settings
    make = partial(
        DataLoader, samples.train, settings.batch_size, shuffle=True, seed=settings.seed, workers=settings.workers
    )
    if motions == NO_AUGMENTATION:
        return make()
    if len(samples.format.shape) != 3:
        raise UsageError(f"--augment moves images, and {settings.data} has none: --augment none")
    motion = RandomAffine(**motions, fill=samples.fill)
    return make(transform=motion)


def _test_data(settings: TrainingSettings, samples: Samples) -> Data:
    """The test part; where processes read the data, a loader of it."""
    return DataLoader(samples.test, 256, workers=settings.workers) if settings.workers else samples.test


def _new_run(settings: TrainingSettings, samples: Samples, out: str | None) -> Run:
    folder = new_run_folder(RUNS, run_name(settings.model)) if out is None else Path(out)
    facts = {"samples": samples.format.to_json(), "environment": environment()}
    return Run.create(folder, {**settings.to_json(), **facts})


def _stopped(what: str, settings: TrainingSettings, run: Run | None, code: int) -> Output:
    if run is None:
        return Output({}, lambda: None, code)
    command = command_line(["minigrad", "resume", run.folder.as_posix()])
    document = {"status": "stopped", "run": run.folder.as_posix(), "model": settings.model, "resume": command}
    return Output(document, lambda: print(f"{what}; go on with: {command}"), code)


AGAIN: Final = 0.5
"""Seconds within which a second signal, where there are several ranks, is the first one on another way."""


class _Interrupt(Callback):
    """Stop a training by Ctrl-C, or SIGTERM of a cluster: once, after the current step; twice, at once.

    Args:
        group: the ranks.

    Attributes:
        stopped: whether it did.
        code: the exit code for it.
    """

    def __init__(self, group: Group) -> None:
        self.stopped, self.code = False, 128 + signal.SIGINT
        self._group, self._first = group, 0.0

    def on_begin(self, training: TrainingState) -> None:
        group = self._group

        def stop(number: int, _: object) -> None:
            if training.stopping and (group.size == 1 or time.monotonic() - self._first > AGAIN):
                raise KeyboardInterrupt
            if not training.stopping:
                self.code, self._first = 128 + number, time.monotonic()
            training.stop()

        self._former = [(number, signal.signal(number, stop)) for number in (signal.SIGINT, signal.SIGTERM)]

    def on_end(self, training: TrainingState) -> None:
        self.stopped = training.status == "stopped"
        for number, former in self._former:
            # A rank that has stopped waits for the others, and a cluster may give it notice again.
            signal.signal(number, signal.SIG_IGN if self.stopped and self._group.size > 1 else former)

"""`Progress`: print the progress of a training run."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from time import perf_counter
from typing import TYPE_CHECKING, TextIO

from minigrad.kernels.jit import compilation_watchers
from minigrad.training.callback import Callback
from minigrad.training.history import EpochRecord
from minigrad.training.training_state import RunningSums, TrainingState

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

INTERVAL = 0.1  # seconds between two updates of the bar
SLOW = 2.0  # seconds of a first step that are worth a line
COMPILING = "compiling kernels (once)"


class Progress(Callback):
    """Print a line an epoch; on a terminal, where rich is installed, also a bar that moves within the epoch.

    The first step is left out of speed and time left: kernels are loaded in it, or compiled, once on each machine,
    which is told.

    Args:
        file: where to print (default: standard output).
    """

    main_rank_only = True

    def __init__(self, file: TextIO | None = None) -> None:
        self.file = file
        self._bar: Bar | None = None
        self._speed = 0.0  # samples/s of training, without evaluations
        self._last_update = 0.0

    def on_begin(self, training: TrainingState) -> None:
        """Start the clock and the bar."""
        self._out = self.file or sys.stdout
        self._start, self._first_step = perf_counter(), training.step
        self._counted = False  # whether the first step is done, and the clock has been started again
        self._left_out = RunningSums()
        self._compiled = False
        compilation_watchers.append(self._on_compilation)
        if self._out.isatty() and find_spec("rich") is not None:
            self._bar = _make_bar(self._out)
            self._task = self._bar.add_task("", total=training.total_steps, completed=training.step, now="")
            self._bar.start()

    def on_step(self, training: TrainingState) -> None:
        """Measure the speed, and move the bar at most every 0.1 seconds."""
        now, sums = perf_counter(), training.sums
        if not self._counted:
            compilation_watchers.remove(self._on_compilation)
            if self._bar is None and now - self._start >= SLOW and self._compiled:
                print(f"{COMPILING}: first step in {now - self._start:.0f} s", file=self._out, flush=True)
            self._start, self._first_step, self._counted = now, training.step, True
            self._left_out = RunningSums(samples=sums.samples, seconds=sums.seconds)
        samples, seconds = sums.samples - self._left_out.samples, sums.seconds - self._left_out.seconds
        self._speed = samples / seconds if seconds > 0 else 0.0
        if self._bar is not None and now - self._last_update >= INTERVAL:
            self._last_update = now
            epoch = f"epoch {training.epoch + 1}/{training.epochs}"
            speed = f"{self._speed:,.0f} samples/s" if self._speed else ""
            text = [*_numbers(training.means, training), speed, self._time_left(training)]
            self._bar.update(self._task, description=epoch, completed=training.step, now="  ".join(text))

    def _on_compilation(self) -> None:
        self._compiled = True
        if self._bar is not None:
            self._bar.update(self._task, now=COMPILING)

    def on_epoch(self, training: TrainingState) -> None:
        """Print the epoch's line."""
        record = training.history.last
        epoch = f"epoch {record['epoch']:{len(str(training.epochs))}}/{training.epochs}"
        samples, seconds = record["samples"] - self._left_out.samples, record["seconds"] - self._left_out.seconds
        self._left_out = RunningSums()
        if not samples:  # an epoch of one step
            samples, seconds = record["samples"], record["seconds"]
        speed = f"{samples / seconds:,.0f} samples/s" if seconds > 0 else ""
        line = "  ".join([epoch, *_numbers(record, training), speed, self._time_left(training)])
        if self._bar is None:
            print(line, file=self._out, flush=True)
        else:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def on_end(self, training: TrainingState) -> None:
        """Remove the bar."""
        if self._on_compilation in compilation_watchers:  # there was no step
            compilation_watchers.remove(self._on_compilation)
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _time_left(self, training: TrainingState) -> str:
        """From the steps since this start and their time, evaluations included."""
        done, total = training.step - self._first_step, training.total_steps
        if not done or total is None:
            return ""
        seconds = round((perf_counter() - self._start) / done * (total - training.step))
        hours, minutes = seconds // 3600, seconds // 60 % 60
        return (f"{hours}:{minutes:02}" if hours else f"{minutes}") + f":{seconds % 60:02} left"


def _numbers(record: EpochRecord, training: TrainingState) -> list[str]:
    """The part of a record that is printed: losses, accuracies, and those metrics that are one number."""
    labels = {"loss": "loss", "accuracy": "accuracy", "test_loss": "test loss", "test_accuracy": "test accuracy"}
    present = [(name, label) for name, label in labels.items() if name in record]
    shown = [f"{label} " + (f"{record[n]:7.2%}" if "accuracy" in n else f"{record[n]:.4f}") for n, label in present]
    others = [name for metric in training.metrics for name in (metric, f"test_{metric}") if name not in labels]
    values = [(name, record[name]) for name in others if isinstance(record.get(name), (int, float))]
    return shown + [f"{name.replace('_', ' ')} {value:.4g}" for name, value in values]


def _make_bar(out: TextIO) -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), TextColumn("{task.fields[now]}"))
    return Bar(*columns, console=Console(file=out), transient=True, refresh_per_second=8)

"""`Progress`: shows how a training goes."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from time import perf_counter
from typing import TYPE_CHECKING, TextIO

from minigrad.training.callback import Callback
from minigrad.training.history import Record
from minigrad.training.state import Training

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

INTERVAL = 0.1  # seconds between two updates of the bar


class Progress(Callback):
    """A line an epoch; on a terminal, where rich is installed, also a bar that moves within the epoch.

    Args:
        file: where to; standard output unless given.
    """

    def __init__(self, file: TextIO | None = None) -> None:
        self.file = file
        self._bar: Bar | None = None
        self._speed = 0.0  # samples/s of training, without evaluations
        self._shown = 0.0

    def on_begin(self, training: Training) -> None:
        """Start the clock and the bar."""
        self._out = self.file or sys.stdout
        self._start, self._first = perf_counter(), training.step
        if self._out.isatty() and find_spec("rich") is not None:
            self._bar = _make_bar(self._out)
            self._task = self._bar.add_task("", total=training.total_steps, completed=training.step, now="")
            self._bar.start()

    def on_step(self, training: Training) -> None:
        """Measure, and now and then move the bar."""
        now, sums = perf_counter(), training.sums
        self._speed = sums.samples / sums.seconds
        if self._bar is not None and now - self._shown >= INTERVAL:
            self._shown = now
            epoch = f"epoch {training.epoch + 1}/{training.epochs}"
            text = [*_numbers(training.means, training), f"{self._speed:,.0f} samples/s", self._time_left(training)]
            self._bar.update(self._task, description=epoch, completed=training.step, now="  ".join(text))

    def on_epoch(self, training: Training) -> None:
        """Print the epoch's line."""
        record = training.history.last
        epoch = f"epoch {record['epoch']:{len(str(training.epochs))}}/{training.epochs}"
        speed = f"{record['samples'] / record['seconds']:,.0f} samples/s" if record["seconds"] else ""
        line = "  ".join([epoch, *_numbers(record, training), speed, self._time_left(training)])
        if self._bar is None:
            print(line, file=self._out, flush=True)
        else:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def on_end(self, training: Training) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()

    def _time_left(self, training: Training) -> str:
        """From the steps since this start and their time, evaluations included."""
        done, left = training.step - self._first, training.total_steps - training.step
        if not done:
            return ""
        seconds = round((perf_counter() - self._start) / done * left)
        hours, minutes = seconds // 3600, seconds // 60 % 60
        return (f"{hours}:{minutes:02}" if hours else f"{minutes}") + f":{seconds % 60:02} left"


def _numbers(record: Record, training: Training) -> list[str]:
    """What of a record goes into a line: losses, accuracies, and those metrics that are one number."""
    texts = {"loss": "loss", "accuracy": "accuracy", "test_loss": "test loss", "test_accuracy": "test accuracy"}
    found = [(name, text) for name, text in texts.items() if name in record]
    shown = [f"{text} " + (f"{record[n]:7.2%}" if "accuracy" in n else f"{record[n]:.4f}") for n, text in found]
    others = [name for metric in training.metrics for name in (metric, f"test_{metric}") if name not in texts]
    values = [(name, record[name]) for name in others if isinstance(record.get(name), (int, float))]
    return shown + [f"{name.replace('_', ' ')} {value:.4g}" for name, value in values]


def _make_bar(out: TextIO) -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), TextColumn("{task.fields[now]}"))
    return Bar(*columns, console=Console(file=out), transient=True, refresh_per_second=8)

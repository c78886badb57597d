"""What is seen while networks are measured: each row as soon as it is there, and how far the present network is."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, TextIO

from tests.benchmarks.rounds import Figures, SideEndedError

if TYPE_CHECKING:
    from rich.progress import Progress

INTERVAL = 10.0  # seconds between two plain lines about one network


def header() -> str:
    """The first line of the table."""
    return f"{'model':13}{'side':27}{'ms a step':>10}{'best 5 %':>10}{'peak MB':>10}{'steady MB':>11}{'steps':>8}"


def rows(model: str, figures: Figures) -> str:
    """The lines of one network: a side each, and the ratios."""
    lines = []
    for side, row in figures.items():
        if not side.startswith("ratio"):
            times = f"{row['ms']:10.3f}{row['best_ms']:10.3f}"
            lines.append(f"{model:13}{side:27}{times}{row['peak_mb']:10.0f}{row['steady_mb']:11.0f}{row['steps']:8.0f}")
    for side, ratio in figures.items():
        if side.startswith("ratio"):
            label = f"{side} to the best peer" if side == "ratio" else "ratio, compiled"
            lines.append(
                f"{model:13}{label:27}{ratio['time']:10.2f}{'':10}{ratio['memory']:10.2f}{ratio['steady']:11.2f}"
            )
    return "\n".join(lines)


class RowsAndProgress:
    """Prints the rows of a network when it is done, and before that how many rounds are: as a bar, or in plain lines.

    Args:
        networks: how many there are.
        table: where the rows go.
        progress: where the bar goes; plain lines if it is no terminal, or rich is not installed.
        clock: gives the time in seconds.
    """

    def __init__(
        self, networks: int, table: TextIO, progress: TextIO, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.networks, self.table, self.progress, self.clock = networks, table, progress, clock
        self.shown: list[str] = []
        self._bar: Progress | None = None

    def start(self, network: str, number: int, rounds: int) -> None:
        self.title, self.rounds = f"{network} ({number} of {self.networks})", rounds
        self.begin = self.told = self.clock()
        if self.progress.isatty() and find_spec("rich") is not None:
            self._bar = _bar(self.progress, self.title, rounds)
        else:
            print(f"{self.title}: starting", file=self.progress, flush=True)

    def leave_out(self, side: str, why: SideEndedError) -> None:
        print(f"{self.title}: without {side}, since {why}", file=self.progress, flush=True)

    def round(self, done: int) -> None:
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done)
        elif self.clock() - self.told >= INTERVAL:
            self.told = self.clock()
            seconds = self.told - self.begin
            print(f"{self.title}: {done} of {self.rounds} rounds, {seconds:.0f} s", file=self.progress, flush=True)

    def finish(self, network: str, figures: Figures | None, done: int) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        if figures is not None:
            if not self.shown:
                print(header(), file=self.table)
            print(rows(network, figures), file=self.table, flush=True)
            self.shown.append(network)
        if done < self.rounds:
            print(f"{self.title}: stopped after {done} of {self.rounds} rounds", file=self.progress, flush=True)


def _bar(file: TextIO, title: str, rounds: int) -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TextColumn("rounds"), TimeElapsedColumn())
    bar = Progress(*columns, TimeRemainingColumn(), console=Console(file=file), transient=True, redirect_stdout=False)
    bar.add_task("", total=rounds)
    bar.start()
    return bar

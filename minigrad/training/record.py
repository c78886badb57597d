"""Callbacks that write down how a training goes: a CSV file, TensorBoard, statistics of the gradients."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.errors import MissingExtraError, UsageError
from minigrad.io import write_atomically
from minigrad.io.atomic import PathLike
from minigrad.training.callback import Callback
from minigrad.training.history import History, Record
from minigrad.training.state import Training
from minigrad.typing import Array

WRITERS = "tensorboardX", "torch.utils.tensorboard"
"""Modules that have a SummaryWriter, the small one first."""


class SaveCSV(Callback):
    """Keeps the history as a table: a row an epoch, a column an entry. What is nested gets a column a number.

    The file is always whole: it is replaced after each epoch.

    Args:
        path: the file.
    """

    def __init__(self, path: PathLike) -> None:
        self.path = path

    def on_begin(self, training: Training) -> None:
        """Write what a resumed training has: it may have been killed before its last row."""
        if len(training.history):
            write_csv(self.path, training.history)

    def on_save(self, training: Training) -> None:
        """Write the table."""
        write_csv(self.path, training.history)


class TensorBoard(Callback):
    """Writes all numbers of the history for TensorBoard: `tensorboard --logdir runs`.

    Args:
        folder: where to.

    Raises:
        MissingExtraError: neither tensorboardX nor PyTorch's SummaryWriter is installed.
    """

    def __init__(self, folder: PathLike) -> None:
        self._writer = _writer_class()(str(folder))

    def on_epoch(self, training: Training) -> None:
        """Write the epoch's numbers; what comes from training and test stands together."""
        for name, value in flat(training.history.last):
            if isinstance(value, (int, float)) and name != "epoch":
                self._writer.add_scalar(_tag(name), value, training.history.last["epoch"])
        self._writer.flush()

    def on_end(self, training: Training) -> None:
        """Close the file."""
        self._writer.close()


class GradientStatistics(Callback):
    """Adds to each record, for each parameter, how its gradients were: means over the steps looked at.

        norm      sqrt(sum g^2)
        zeros     the share of g that is exactly 0
        update    |p' - p| / |p|, p before the step and p' after it; about 0.001 is usual

    They stand in the record's entry `gradients`: {"conv.weight": {"norm": ..., "zeros": ..., "update": ...}, ...}. The
    gradients are those after clipping.

    Args:
        every: look at every step whose number is a multiple of this; looking costs a copy of the parameters.

    Raises:
        UsageError: `every` is not a positive integer.
    """

    def __init__(self, every: int = 1) -> None:
        if not isinstance(every, int) or every < 1:
            raise UsageError(f"GradientStatistics: every must be an integer of at least 1, got {every!r}")
        self.every = every
        self.steps = 0
        self._sums: dict[str, list[float]] = {}
        self._before: dict[str, Array] = {}

    def on_gradients(self, training: Training) -> None:
        """Measure the gradients, and remember the parameters."""
        self._before = {}
        if (training.step + 1) % self.every:
            return
        self.steps += 1
        for name, p in _with_gradients(training):
            g = p.grad.data  # type: ignore[union-attr]  # it has one
            sums = self._sums.setdefault(name, [0.0, 0.0, 0.0])
            sums[0] += _norm(g)
            sums[1] += float(np.mean(g == 0)) if g.size else 0.0
            self._before[name] = np.array(p.data)

    def on_step(self, training: Training) -> None:
        """Measure the update."""
        parameters = dict(training.model.named_parameters())
        for name, before in self._before.items():
            size = _norm(before)
            self._sums[name][2] += _norm(parameters[name].data - before) / size if size else 0.0

    def on_epoch(self, training: Training) -> None:
        """Add the means to the record."""
        if self.steps:
            means = {name: [value / self.steps for value in sums] for name, sums in self._sums.items()}
            training.history.last["gradients"] = {
                name: dict(zip(("norm", "zeros", "update"), values, strict=True)) for name, values in means.items()
            }
        self.steps, self._sums = 0, {}

    def state_dict(self) -> dict[str, Any]:
        """The sums of the epoch that is under way."""
        return {"steps": self.steps, "sums": {name: list(sums) for name, sums in self._sums.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` gave."""
        self.steps, self._sums = int(state["steps"]), {name: list(sums) for name, sums in state["sums"].items()}


def write_csv(path: PathLike, history: History) -> None:
    """Write a history as a table. Its columns are those of all records, in the order in which they first appear.

    Raises:
        DataError: the file cannot be written.
    """
    rows = [dict(flat(record)) for record in history]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, text.getvalue().encode())


def flat(record: Record, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The entries of a record, nested ones under names joined by dots: `f1_of_classes.3`."""
    for name, value in record.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            yield from flat({str(i): item for i, item in enumerate(value)}, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _with_gradients(training: Training) -> Iterable[tuple[str, Tensor]]:
    return ((name, p) for name, p in training.model.named_parameters() if p.grad is not None)


def _norm(array: Array) -> float:
    return math.sqrt(float(np.sum(np.square(array, dtype=np.float64))))


def _tag(name: str) -> str:
    """`test_loss` and `loss` as two curves of one group."""
    base = name.removeprefix("test_")
    return f"{base}/{'test' if name.startswith('test_') else 'train'}" if "." not in name else name.replace(".", "/", 1)


def _writer_class() -> Any:
    for module in WRITERS:
        try:
            return import_module(module).SummaryWriter
        except ImportError:
            continue
    raise MissingExtraError("tensorboardX (or PyTorch and tensorboard)", extra="tensorboard", purpose="TensorBoard")

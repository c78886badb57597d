"""Callbacks that log the history: as a CSV file, and for TensorBoard."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Protocol

from minigrad.errors import MissingExtraError
from minigrad.io import write_atomically
from minigrad.io.atomic import PathLike
from minigrad.training.callback import Callback
from minigrad.training.history import EpochRecord, History
from minigrad.training.training_state import TrainingState

SUMMARY_WRITERS = "tensorboardX", "torch.utils.tensorboard"
"""Modules that have a SummaryWriter, the small one first."""


class CSVLogger(Callback):
    """Write the history as a table: a row an epoch, a column an entry. A nested entry has a column for each number.

    The file is always complete: it is replaced after each epoch.

    Args:
        path: the file.

    Raises:
        DataError: while training, the file cannot be written.
    """

    main_rank_only = True

    def __init__(self, path: PathLike) -> None:
        self.path = path

    def on_begin(self, training: TrainingState) -> None:
        """Write the history of a resumed run, which may have been killed before its last row."""
        if len(training.history):
            write_csv(self.path, training.history)

    def on_save(self, training: TrainingState) -> None:
        """Write the table."""
        write_csv(self.path, training.history)


class TensorBoard(Callback):
    """Write all numbers of the history for TensorBoard: `tensorboard --logdir runs`.

    Args:
        folder: the log directory.

    Raises:
        MissingExtraError: neither tensorboardX nor PyTorch's SummaryWriter is installed.
    """

    main_rank_only = True

    def __init__(self, folder: PathLike) -> None:
        self._writer = _make_writer(str(folder))

    def on_epoch(self, training: TrainingState) -> None:
        """Write the epoch's numbers; those of training and test share a group."""
        for name, value in flatten(training.history.last):
            if isinstance(value, (int, float)) and name != "epoch":
                self._writer.add_scalar(_tag(name), value, training.history.last["epoch"])
        self._writer.flush()

    def on_end(self, training: TrainingState) -> None:
        """Close the file."""
        self._writer.close()


def write_csv(path: PathLike, history: History) -> None:
    """Write a history as a table. Its columns are those of all records, in the order in which they first appear.

    Args:
        path: the file; one that exists is replaced.
        history: the records, a row each.

    Raises:
        DataError: the file cannot be written.
    """
    rows = [dict(flatten(record)) for record in history]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, text.getvalue().encode())


def flatten(record: EpochRecord, prefix: str = "") -> Iterator[tuple[str, object]]:
    """The entries of a record, nested ones under names joined by dots: `f1_per_class.3`."""
    for name, value in record.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            yield from flatten({str(i): item for i, item in enumerate(value)}, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _tag(name: str) -> str:
    """`test_loss` and `loss` as two curves of one group."""
    base = name.removeprefix("test_")
    return f"{base}/{'test' if name.startswith('test_') else 'train'}" if "." not in name else name.replace(".", "/", 1)


class _SummaryWriter(Protocol):
    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> object: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...


def _make_writer(folder: str) -> _SummaryWriter:
    for module in SUMMARY_WRITERS:
        try:
            summary_writer: Callable[[str], _SummaryWriter] = import_module(module).SummaryWriter
        except ImportError:
            continue
        return summary_writer(folder)
    raise MissingExtraError("tensorboardX (or PyTorch and tensorboard)", extra="tensorboard", purpose="TensorBoard")

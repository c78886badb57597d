"""`History`: one record an epoch, in memory and as lines of JSON in a file."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.errors import DataError, StateError
from minigrad.io.atomic import write_atomically

Record = dict[str, Any]


class History:
    """The records of a training's epochs, oldest first.

    A record has the entries `epoch` (counted from 1), `step` (updates so far), `lr`, `loss` and `seconds` (of training,
    without the evaluation), for a classifier `accuracy`, and with a test set also `test_loss` and `test_accuracy`.
    Accuracies are shares in [0, 1]; a training loss is the mean over the epoch's samples, each under the weights of its
    own step. Metrics stand under their names, and callbacks may add entries.

    >>> history = History([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}])
    >>> history["loss"], history.last
    ([0.5, 0.25], {'epoch': 2, 'loss': 0.25})
    """

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.records = list(records)

    def append(self, record: Record) -> None:
        """Add the record of one more epoch. What is no finite number becomes None, JSON's `null`."""
        self.records.append(_plain(record))

    def settle(self) -> None:
        """Do the same with what callbacks have added to the newest record; arrays become lists."""
        if self.records:
            self.records[-1] = _plain(self.records[-1])

    @property
    def last(self) -> Record:
        """The newest record; {} before the first one."""
        return self.records[-1] if self.records else {}

    def __getitem__(self, name: str) -> list[Any]:
        """One entry of all the records that have it."""
        return [record[name] for record in self.records if name in record]

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def __repr__(self) -> str:
        return f"History({len(self)} epochs, last: {self.last})"


def append_line(path: str | os.PathLike[str], record: Record) -> None:
    """Add a record to a history file, and see it to the disk.

    Raises:
        DataError: the file cannot be written.
        StateError: the record has something in it that is not for JSON.
    """
    try:
        line = json.dumps(record, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise StateError(f"a history holds numbers, texts, lists and dicts only: {error}") from error
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from error


def resume_history(path: str | os.PathLike[str], epoch: int) -> History:
    """The records up to and including `epoch`; later lines, written after the checkpoint, are dropped from the file.

    Raises:
        StateError: records are missing or damaged.
    """
    path = Path(path)
    try:
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    except OSError as error:
        raise StateError(f"cannot read {path}: {error.strerror or error}") from error
    records = [_record(line) for line in lines[:epoch]]
    if [record.get("epoch") for record in records] != list(range(1, epoch + 1)):
        raise StateError(f"{path} is damaged: it does not have one line for each of the epochs 1 to {epoch}")
    if len(lines) > epoch:  # which may be half a line, if writing was cut short
        write_atomically(path, b"".join(lines[:epoch]))
    return History(records)


def _plain(value: Any) -> Any:
    """A value that JSON knows, as far as there is one."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic, Tensor)):
        return _plain(np.asarray(value.data if isinstance(value, Tensor) else value).tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _record(line: bytes) -> Record:
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}

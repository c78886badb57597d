"""`History`: one record an epoch, in memory and as lines of JSON in a file."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias, overload

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.errors import DataError, StateError, UsageError
from minigrad.io.atomic import PathLike, write_atomically

EpochRecord: TypeAlias = dict[str, Any]  # a number each, for most; callbacks may add any JSON value
"""What was measured in one epoch, by name."""


class History:
    """The records of all epochs of a training run, oldest first.

    A record has the entries `epoch` (counted from 1), `step` (updates so far), `samples`, `lr`, `loss` and `seconds`
    (of training, without the evaluation), for a classifier `accuracy`, and with a test set also `test_loss` and
    `test_accuracy`. Accuracies are in [0, 1]; a training loss is the mean over the epoch's samples, each under the
    weights of its own step. Metrics have entries by their names, and callbacks may add entries.

    Args:
        records: those to begin with (default ()).

    >>> history = History([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}])
    >>> history["loss"], history[-1]
    ([0.5, 0.25], {'epoch': 2, 'loss': 0.25})
    """

    def __init__(self, records: Iterable[EpochRecord] = ()) -> None:
        self.records = list(records)

    def append(self, record: EpochRecord) -> None:
        """Add the record of one more epoch.

        Args:
            record: values by name; NaN and infinity become None, JSON's `null`, and arrays become lists.
        """
        self.records.append(_to_json(record))

    def convert_last(self) -> None:
        """Convert what callbacks have added to the newest record to JSON values: arrays to lists, NaN to None."""
        if self.records:
            self.records[-1] = _to_json(self.records[-1])

    @property
    def last(self) -> EpochRecord:
        """The newest record; {} before the first one."""
        return self.records[-1] if self.records else {}

    @overload
    def __getitem__(self, key: str) -> list[Any]: ...
    @overload
    def __getitem__(self, key: int) -> EpochRecord: ...
    @overload
    def __getitem__(self, key: slice) -> History: ...
    def __getitem__(self, key: str | int | slice) -> list[Any] | EpochRecord | History:
        """The values of one entry, from all records that have it; by a number, the record of one epoch.

        Args:
            key: the entry's name; or the place of an epoch, -1 for the newest; or a slice of places.

        Raises:
            UsageError: no record has such an entry, or there is no such epoch.
        """
        if isinstance(key, slice):
            return History(self.records[key])
        if isinstance(key, str):
            values = [record[key] for record in self.records if key in record]
            known = list(dict.fromkeys(name for record in self.records for name in record))
            if known and not values:
                raise UsageError(f"History: no entry is called {key!r}; there are {', '.join(known)}")
            return values
        try:
            return self.records[key]
        except (IndexError, TypeError) as error:
            raise UsageError(
                f"History: {key!r} is neither the name of an entry nor the place of one of {len(self)} epochs, such as "
                "-1 for the newest"
            ) from error

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[EpochRecord]:
        return iter(self.records)

    def __repr__(self) -> str:
        return f"History({len(self)} epochs, last: {self.last})"


def append_record(path: PathLike, record: EpochRecord) -> None:
    """Add a record to a history file, and wait until it is on the disk.

    Args:
        path: the file; made if it is not there.
        record: JSON values by name.

    Raises:
        DataError: the file cannot be written.
        StateError: a value of the record cannot be written as JSON.
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


def resume_history(path: PathLike, epoch: int) -> History:
    """The records up to and including `epoch`; later lines, written after the checkpoint, are dropped from the file.

    Args:
        path: the history file; a missing one has no records.
        epoch: the number of finished epochs.

    Raises:
        StateError: records are missing or damaged.
        DataError: the file cannot be written.
    """
    path = Path(path)
    try:
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    except OSError as error:
        raise StateError(f"cannot read {path}: {error.strerror or error}") from error
    records = [_parse(line) for line in lines[:epoch]]
    if [record.get("epoch") for record in records] != list(range(1, epoch + 1)):
        raise StateError(f"{path} is damaged: it does not have one line for each of the epochs 1 to {epoch}")
    if len(lines) > epoch:  # which may be half a line, if writing was cut short
        write_atomically(path, b"".join(lines[:epoch]))
    return History(records)


def _to_json(value: Any) -> Any:  # JSON values of one kind become such of the same kind
    if isinstance(value, dict):
        return {name: _to_json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_json(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic, Tensor)):
        return _to_json(np.asarray(value.data if isinstance(value, Tensor) else value).tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _parse(line: bytes) -> EpochRecord:
    """The record in a line; {} if there is none."""
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}

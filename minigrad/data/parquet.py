"""Samples in Parquet files, of which one row group after the other is read."""

from __future__ import annotations

import io
import os
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from minigrad.data.blocks import Blocks
from minigrad.data.collation import Arrays, collate
from minigrad.data.dataset import Dataset
from minigrad.data.image import PathLike, checked_channels, decode_image
from minigrad.data.split import Subset, stratified_split
from minigrad.data.transform import Transform, pair
from minigrad.errors import DataError, MissingExtraError
from minigrad.typing import Array

KEPT: Final = 4
"""How many row groups are kept in memory: those that a shuffled batch is likely to be from."""

LARGEST_GROUP: Final = 2**32
"""The most bytes that the columns of one row group may have when decompressed."""

Column = Any  # an array of NumPy's, or of pyarrow's, which has no types
"""The values of a column in one row group."""


class Parquet(Dataset):
    """Samples in the rows of Parquet files: each is what stands in the named columns.

    A column of numbers gives numbers, one of lists of equal lengths arrays; bytes, or structs with `bytes` in them (as
    Hugging Face stores images), are decoded as images. Only the named columns are read, one row group at a time, and
    the last four groups are kept. Shuffling permutes the groups and moves samples within `window`.

    Args:
        path: a folder whose `.parquet` files are meant, in the order of their names; one such file; or several.
        columns: their names, the input first (default ("image", "label")).
        size: height and width of images, in pixels; one number for both (default 32). See `read_image`.
        channels: of images, 3 for color, 1 for gray (default 3).
        transform: changes the inputs of each batch that is drawn (default None: none).
        classes: the names of the labels 0, 1, ... (default None: "0", "1" and so on, where the last column has
            integers).
        window: how far shuffling moves a sample, in samples (default None: as a row group has rows on average).

    Attributes:
        paths: the files.
        labels: the numbers in the last column, int64 (N,), where it has integers; else ().

    Raises:
        DataError: there are no such files, columns or rows, a file is damaged, or an argument is out of range.
        MissingExtraError: pyarrow, of the extra `arrow`, is not installed.
    """

    def __init__(
        self,
        path: PathLike | Sequence[PathLike],
        columns: Sequence[str] = ("image", "label"),
        size: int | tuple[int, int] = 32,
        channels: int = 3,
        *,
        transform: Transform | None = None,
        classes: Iterable[str] | None = None,
        window: int | None = None,
    ) -> None:
        self.paths = parquet_paths(path)
        self.columns = tuple(columns)
        self.shape = checked_channels("Parquet", channels), *pair("Parquet", size)
        self.transform = transform
        self._groups: list[tuple[Path, int]] = []
        lengths: list[int] = []
        for each in self.paths:
            rows = self._lengths(each)
            self._groups += [(each, group) for group in range(len(rows))]
            lengths += rows
        self._ends = np.cumsum(lengths)
        if not sum(lengths):
            raise DataError(f"Parquet: there are no rows in {', '.join(map(str, self.paths[:5]))}")
        self.blocks = Blocks(lengths, max(1, sum(lengths) // len(lengths)) if window is None else window)
        facts = [(each.name, each.stat().st_size) for each in self.paths]
        self.fingerprint = zlib.crc32(repr((facts, lengths)).encode()) or 1
        self._kept: OrderedDict[int, dict[str, Column]] = OrderedDict()
        self._lock = Lock()  # a thread may prefetch
        self.labels = self._labels()
        names = map(str, range(int(self.labels.max()) + 1)) if len(self.labels) and self.labels.min() >= 0 else ()
        self.classes = tuple(names if classes is None else classes)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: Any) -> Arrays:
        """The values of the columns at an index, a slice or an array of indices: no transform."""
        numbers = np.arange(len(self))[index]
        if numbers.ndim == 0:
            return self._read(int(numbers))
        return collate([self._read(int(number)) for number in numbers], [int(number) for number in numbers])

    def batch(self, indices: NDArray[np.int64], rng: Generator) -> Arrays:
        """The inputs (N, ...) at `indices`, transformed, and the other columns (N, ...)."""
        first, *rest = self[indices]
        return (first if self.transform is None else self.transform(first, rng), *rest)

    def _lengths(self, path: Path) -> list[int]:
        """The number of rows in each row group, once its columns are there and of a believable size."""
        with _open(path) as file:
            known = file.schema_arrow.names
            if missing := [name for name in self.columns if name not in known]:
                raise DataError(f"Parquet: {path} has no column {', '.join(missing)}; it has {', '.join(known)}")
            groups = [file.metadata.row_group(group) for group in range(file.metadata.num_row_groups)]
        for number, group in enumerate(groups):
            if group.total_byte_size > LARGEST_GROUP:
                raise DataError(f"{path} is refused: its row group {number} would have {group.total_byte_size:,} bytes")
        return [int(group.num_rows) for group in groups]

    def _labels(self) -> NDArray[np.int64]:
        """The last column whole, where it has integers: other columns are not read for that."""
        kept = []
        for path, group in self._groups:
            column = _columns(path, group, self.columns[-1:])[self.columns[-1]]
            if not isinstance(column, np.ndarray) or column.ndim != 1 or column.dtype.kind not in "iu":
                return np.empty(0, np.int64)
            kept.append(column.astype(np.int64))
        return np.concatenate(kept)

    def _read(self, number: int) -> tuple[Array, ...]:
        group = int(np.searchsorted(self._ends, number, side="right"))
        row = number - int(self._ends[group - 1] if group else 0)
        columns = self._group(group)
        return tuple(self._value(columns[name], row, name, group) for name in self.columns)

    def _value(self, column: Column, row: int, name: str, group: int) -> Array:
        value: Array
        if isinstance(column, np.ndarray):
            value = column[row]
            return value
        path, inside = self._groups[group]
        content = column[row].as_py()
        where = f"{path}: {name} in row {row} of row group {inside}"
        if content is None:
            raise DataError(f"{where} is missing")
        return decode_image(io.BytesIO(content), where, np.empty(self.shape, np.float32))

    def _group(self, number: int) -> dict[str, Column]:
        with self._lock:
            if number not in self._kept:
                while len(self._kept) >= KEPT:
                    self._kept.popitem(last=False)
                self._kept[number] = _columns(*self._groups[number], self.columns)
            self._kept.move_to_end(number)
            return self._kept[number]

    def __getstate__(self) -> dict[str, Any]:
        """For other processes: without what was read."""
        return {key: value for key, value in vars(self).items() if key not in ("_kept", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _kept=OrderedDict(), _lock=Lock())

    def __repr__(self) -> str:
        where = str(self.paths[0].parent if len(self.paths) > 1 else self.paths[0])
        return f"Parquet({where!r}: {len(self)} rows of {', '.join(self.columns)} in {len(self._groups)} row groups)"


def parquet_files(
    path: PathLike,
    size: int | tuple[int, int] = 32,
    channels: int = 3,
    seed: int = 0,
    test_fraction: float = 0.2,
    columns: Sequence[str] = ("image", "label"),
) -> tuple[Dataset, Dataset]:
    """Samples in Parquet files, for training and for testing; see `Parquet`.

    If the names of the files begin with `train` and `test` (or `val`), each kind is one part. Otherwise the rows are
    divided, the same share of every class.

    Args:
        path: a folder with such files, or one file.
        size: height and width of images, in pixels; one number for both (default 32).
        channels: of images, 3 for color, 1 for gray (default 3).
        seed: chooses the rows of the test part, an integer of at least 0 (default 0).
        test_fraction: the share of the test part, between 0 and 1 (default 0.2).
        columns: their names, the input first (default ("image", "label")).

    Returns:
        `(train, test)`, whose batches are the values of the columns.

    Raises:
        DataError: see `Parquet`, or `test_fraction` is not between 0 and 1.
    """
    paths = parquet_paths(path)
    train = [each for each in paths if each.name.startswith("train")]
    test = [each for each in paths if each.name.startswith(("test", "val"))]
    if train and test:
        first = Parquet(train, columns, size, channels)
        return first, Parquet(test, columns, size, channels, classes=first.classes)
    whole = Parquet(paths, columns, size, channels)
    labels = whole.labels if len(whole.labels) else np.zeros(len(whole), np.int64)
    first_part, second_part = stratified_split(labels, test_fraction, seed)
    return Subset(whole, first_part), Subset(whole, second_part)


def parquet_paths(path: PathLike | Sequence[PathLike]) -> list[Path]:
    """The files that a folder, a path or several paths stand for.

    Raises:
        DataError: there are none.
    """
    if not isinstance(path, (str, os.PathLike)):
        paths = [Path(each) for each in path]
    else:
        paths = sorted(Path(path).glob("*.parquet")) if Path(path).is_dir() else [Path(path)]
    if not paths:
        raise DataError(f"Parquet: there are no .parquet files in {path}")
    return paths


def _open(path: Path) -> Any:
    pyarrow = _pyarrow()
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(path)
    except FileNotFoundError as error:
        raise DataError(f"there is no file {path}") from error
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(f"{path} is truncated, damaged or no Parquet file ({error})") from error


def _columns(path: Path, group: int, names: Sequence[str]) -> dict[str, Column]:
    """The columns of a row group: NumPy's arrays, or pyarrow's of bytes."""
    pyarrow = _pyarrow()
    try:
        with _open(path) as file:
            table = file.read_row_group(group, columns=list(names), use_threads=False)
        return {name: _converted(pyarrow, table.column(name).combine_chunks()) for name in names}
    except (OSError, pyarrow.ArrowException, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{path}: its row group {group} is damaged or of another kind than numbers, lists of equal "
            f"lengths, and images ({error})"
        ) from error


def _converted(pyarrow: ModuleType, column: Any) -> Column:
    kinds = pyarrow.types
    if isinstance(column, pyarrow.ChunkedArray):  # of a group that is too large for one
        column = pyarrow.concat_arrays(column.chunks)
    if kinds.is_struct(column.type):
        column = column.field("bytes")
    if kinds.is_binary(column.type) or kinds.is_large_binary(column.type):
        return column
    sizes: list[int] = []
    while kinds.is_list(column.type) or kinds.is_large_list(column.type) or kinds.is_fixed_size_list(column.type):
        inner, length = column.flatten(), len(column)
        sizes.append(len(inner) // max(1, length))
        lengths = np.diff(column.offsets.to_numpy()) if hasattr(column, "offsets") else np.array([sizes[-1]])
        if column.null_count or np.any(lengths != sizes[-1]):
            raise ValueError("lists of different lengths")
        column = inner
    if column.null_count:
        raise ValueError("a number is missing")
    values = column.to_numpy(zero_copy_only=False)
    if values.dtype.kind not in "biuf":
        raise ValueError(f"values of the type {column.type}")
    return values.reshape(-1, *sizes)


def _pyarrow() -> ModuleType:
    try:
        import pyarrow
    except ImportError as error:
        raise MissingExtraError("pyarrow", extra="arrow", purpose="reading Parquet files") from error
    module: ModuleType = pyarrow
    return module

"""Arrays in files that are opened, not read: only the samples of a batch come into memory."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from minigrad.data.collation import Arrays
from minigrad.data.dataset import ArrayDataset
from minigrad.data.image import PathLike
from minigrad.data.npy import read_npy_header
from minigrad.data.transform import Transform
from minigrad.errors import DataError
from minigrad.typing import Array, Shape

SAFETENSORS_DTYPES: Final = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8",
    "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8", "BF16": "<u2",
}  # fmt: skip

LARGEST_HEADER: Final = 100_000_000
"""Bytes: the format's own limit."""


@dataclass(frozen=True)
class StoredArray:
    """Where an array is.

    Attributes:
        path: the file.
        length: of the file, in bytes.
        offset: of the first value, in bytes.
        dtype: as it is stored.
        shape: (N, ...).
        by_columns: whether the first axis is the one that varies fastest.
        bfloat16: whether these bits are the upper halves of float32 numbers.
    """

    path: Path
    length: int
    offset: int
    dtype: np.dtype[np.generic]
    shape: Shape
    by_columns: bool = False
    bfloat16: bool = False

    def mapped(self) -> Array:
        """The array as a part of the file, mapped into memory."""
        if not self.size:
            return np.empty(self.shape, self.dtype)  # nothing cannot be mapped
        file = np.memmap(self.path, np.uint8, "r", offset=self.offset, shape=(self.size,))
        return np.ndarray(self.shape, self.dtype, file, order="F" if self.by_columns else "C")

    @property
    def size(self) -> int:
        """In bytes."""
        return math.prod(self.shape) * self.dtype.itemsize

    def native(self, values: Array) -> Array:
        """Values as they are stored, as those that NumPy computes with; a copy."""
        if self.bfloat16:
            return (values.astype(np.uint32) << 16).view(np.float32)
        return np.array(values, self.dtype.newbyteorder("="))

    def check(self) -> None:
        """Refuse a file that has become shorter: reading what is no longer there would end the process.

        Raises:
            DataError: it is, or it has vanished.
        """
        try:
            length = self.path.stat().st_size
        except OSError as error:
            raise DataError(f"{self.path} has vanished since it was opened ({error.strerror})") from error
        if length < self.length:
            raise DataError(
                f"{self.path} is truncated: it had {self.length:,} bytes when opened, and has {length:,} now"
            )


class Memmap(ArrayDataset):
    """Samples in `.npy` and safetensors files that are opened, not read: sample i is the i-th entry of every array.

    What a batch asks for is read when it is asked for, by the system, which keeps as much of the files as there is
    room for. Worker processes open the same files: nothing is copied to them. bfloat16 becomes float32.

    Args:
        *paths: the files, the inputs first: `Memmap("images.npy", "labels.npy")`.
        names: the arrays of a safetensors file that are meant, the inputs first (default None: the one that it has).
        transform: changes the first array of each batch that is drawn (default None: none).
        classes: the names of the labels 0, 1, ..., for reports and plots (default ()).

    Raises:
        DataError: there is no such file or array; it is damaged or truncated, or of another length than its header
            says; it holds Python objects; or the arrays have different first lengths.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/x.npy", np.arange(12).reshape(4, 3))
    ...     dataset = Memmap(f"{folder}/x.npy")
    ...     dataset, dataset[np.array([3, 0])]
    (Memmap(4 samples of int64 (3,)), (array([[ 9, 10, 11],
           [ 0,  1,  2]]),))
    """

    def __init__(
        self,
        *paths: PathLike,
        names: Sequence[str] | None = None,
        transform: Transform | None = None,
        classes: Iterable[str] = (),
    ) -> None:
        self._stored = [array for path in paths for array in stored_arrays(Path(path), names)]
        for array in self._stored:
            if not array.shape:
                raise DataError(f"Memmap: {array.path} holds a single number, and should hold a row a sample")
        super().__init__(*(array.mapped() for array in self._stored), transform=transform, classes=classes)

    def __getitem__(self, index: int | slice | Array) -> Arrays:
        """The samples at an index, a slice or an array of indices, read now: no transform, so no randomness."""
        for stored in self._stored:
            stored.check()
        return tuple(s.native(array[index]) for s, array in zip(self._stored, self.arrays, strict=True))

    def __getstate__(self) -> dict[str, Any]:
        """For other processes: where the arrays are, not what is in them."""
        return {**vars(self), "_arrays": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        for array in self._stored:
            array.check()
        self._arrays = tuple(array.mapped() for array in self._stored)

    def __repr__(self) -> str:
        return super().__repr__().replace("ArrayDataset", "Memmap", 1)


def stored_arrays(path: Path, names: Sequence[str] | None) -> list[StoredArray]:
    """The arrays of a file, without reading them.

    Args:
        path: a `.npy` or a safetensors file.
        names: which of a safetensors file; None for the only one.

    Raises:
        DataError: see `Memmap`.
    """
    try:
        length = path.stat().st_size
        if path.suffix == ".npy":
            with open(path, "rb") as file:
                shape, dtype, by_columns, begin = read_npy_header(file, str(path), length)
            return [StoredArray(path, length, begin, dtype, shape, by_columns)]
        if path.suffix == ".safetensors":
            with open(path, "rb") as file:
                size = int.from_bytes(file.read(8), "little")
                if not 2 <= size <= min(LARGEST_HEADER, length - 8):
                    raise DataError(
                        f"{path} is truncated or no safetensors file: at byte 0 it says that its header has {size:,} "
                        f"bytes, and the file has {length:,}"
                    )
                header = file.read(size)
            return _chosen(path, _safetensors(path, header, length), names)
    except FileNotFoundError as error:
        raise DataError(f"there is no file {path}") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    raise DataError(f"Memmap: {path} ends neither in .npy nor in .safetensors")


def _chosen(path: Path, found: dict[str, StoredArray], names: Sequence[str] | None) -> list[StoredArray]:
    if names is None and len(found) != 1:
        raise DataError(
            f"Memmap: {path} holds {', '.join(found) or 'no arrays'}: name those that are meant, names=[...]"
        )
    if missing := [name for name in names or () if name not in found]:
        raise DataError(f"Memmap: {path} holds no {', '.join(missing)}; it has {', '.join(found)}")
    return [found[name] for name in (found if names is None else names)]


def _safetensors(path: Path, header: bytes, length: int) -> dict[str, StoredArray]:
    """The arrays that a header tells of, once all of it is believable."""
    begin = 8 + len(header)
    try:
        pairs: list[tuple[str, Any]] = json.loads(header, object_pairs_hook=list)
        entries = {name: dict(entry) for name, entry in pairs if name != "__metadata__"}
        if len(dict(pairs)) < len(pairs):
            raise ValueError("two arrays have one name")
        arrays = {name: _stored(path, entry, begin, length) for name, entry in entries.items()}
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise DataError(f"{path} is damaged: its header, from byte 8 to {begin:,}, is refused ({error})") from error
    return arrays


def _stored(path: Path, entry: dict[str, Any], begin: int, length: int) -> StoredArray:
    dtype, shape = np.dtype(SAFETENSORS_DTYPES[entry["dtype"]]), tuple(entry["shape"])
    first, last = entry["data_offsets"]
    if not all(type(number) is int and number >= 0 for number in (*shape, first, last)):
        raise ValueError("sizes and offsets are no numbers of at least 0")
    if last - first != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{entry['dtype']} {shape} does not have {last - first:,} bytes")
    if begin + last > length:
        raise ValueError(f"truncated: an array would end at byte {begin + last:,}, and the file has {length:,}")
    return StoredArray(path, length, begin + first, dtype, shape, bfloat16=entry["dtype"] == "BF16")

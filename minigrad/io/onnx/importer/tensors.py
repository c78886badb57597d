"""Arrays of an ONNX file: every size is checked against the bytes that are there before anything is allocated."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from minigrad.errors import DataError
from minigrad.io.onnx.importer import narrow
from minigrad.typing import Array, DType, Shape

if TYPE_CHECKING:
    from onnx import TensorProto

DTYPES: Final[Mapping[int, str]] = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool", 10: "float16",
    11: "float64", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128",
}  # fmt: skip
"""By ONNX's number, those that NumPy has, too."""

TEXTS: Final = 8
"""ONNX's number of strings."""

BFLOAT16: Final = 16
"""ONNX's number of the upper halves of float32 numbers."""

FIELDS: Final[Mapping[str, str]] = {
    "float32": "float_data", "complex64": "float_data", "float64": "double_data", "complex128": "double_data",
    "int64": "int64_data", "uint32": "uint64_data", "uint64": "uint64_data",
}  # fmt: skip
"""Where numbers stand that are not raw bytes; those of all other dtypes stand in `int32_data`."""

MAX_DIMENSIONS: Final = 64
"""As many as NumPy's arrays can have."""

NO_LINKS: Final = getattr(os, "O_NOFOLLOW", 0)


def dtype_of(number: int, what: str) -> DType:
    """The dtype by ONNX's number; of narrow numbers that which they are kept in.

    Raises:
        DataError: there is none.
    """
    name = DTYPES.get(number) or narrow.KEPT.get(number)
    if name is None:
        kind = "texts" if number == TEXTS else f"ONNX's data type {number}"
        raise DataError(f"{what} has {kind}, and only numbers and booleans are supported")
    return np.dtype(name)


def read_tensor(tensor: TensorProto, what: str, folder: Path | None, length: int) -> Array:
    """The array of a TensorProto, which owns its memory.

    Args:
        tensor: the message.
        what: what messages call it.
        folder: where files beside are; None if there are none.
        length: how many bytes the file itself has.

    Raises:
        DataError: sizes, bytes, or the file beside do not fit.
    """
    dtype, shape = dtype_of(tensor.data_type, what), checked_shape(tensor.dims, what)
    number, count = tensor.data_type, math.prod(shape)
    size = narrow.byte_count(number, count) if number in narrow.KEPT else count * dtype.itemsize
    if tensor.HasField("segment"):
        raise DataError(f"{what} is stored in segments, which is not supported: save the model again")
    if tensor.data_location == 1:
        data = _external(tensor, what, folder, size)
    elif tensor.HasField("raw_data"):
        data = tensor.raw_data
    elif number in narrow.KEPT:
        data = _narrow_from_field(tensor, size)
    else:
        return _from_field(tensor, what, dtype, shape, length)
    if len(data) != size:
        raise DataError(f"{what} of shape {shape} and {dtype} needs {size:,} bytes, and has {len(data):,}")
    if number in narrow.KEPT:
        return narrow.decoded(number, data, shape)
    if dtype.kind == "b":
        mask: Array = np.frombuffer(data, np.uint8) != 0  # other bytes than 0 and 1 are no booleans of NumPy's
        return mask.reshape(shape)
    return np.frombuffer(data, dtype.newbyteorder("<")).astype(dtype).reshape(shape)


def checked_shape(dims: Iterable[int], what: str) -> Shape:
    """Sizes as a shape.

    Raises:
        DataError: there are too many, one is negative, or all together are more than any file has.
    """
    shape = tuple(map(int, dims))
    if len(shape) > MAX_DIMENSIONS:
        raise DataError(f"{what} has {len(shape)} dimensions, and may have {MAX_DIMENSIONS}")
    if any(n < 0 for n in shape) or math.prod(n for n in shape if n) >= 2**48:
        raise DataError(f"{what} has the impossible shape {shape}")
    return shape


def _from_field(tensor: TensorProto, what: str, dtype: DType, shape: Shape, length: int) -> Array:
    """The numbers of a field that is not raw bytes."""
    field = FIELDS.get(dtype.name, "int32_data")
    numbers = getattr(tensor, field)
    parts = 2 if dtype.kind == "c" else 1
    if len(numbers) != math.prod(shape) * parts or len(numbers) > length:
        raise DataError(
            f"{what} of shape {shape} and {dtype} needs {math.prod(shape) * parts:,} numbers in {field}, "
            f"and has {len(numbers):,}"
        )
    if dtype.kind == "c":
        real = np.array(numbers, np.float32 if dtype.itemsize == 8 else np.float64)
        return real.view(dtype).reshape(shape)
    if field == "float_data":
        array = np.array(numbers, np.float32)
    elif field == "double_data":
        array = np.array(numbers, np.float64)
    elif field == "uint64_data":
        array = np.array(numbers, np.uint64)
    else:
        array = np.array(numbers, np.int64)
    if dtype.kind in "iu" and array.size:
        limits = np.iinfo(dtype)
        if array.min() < limits.min or array.max() > limits.max:
            raise DataError(f"{what} holds numbers that are no {dtype}")
    if dtype.name == "float16":  # whose bits stand there as integers
        return array.astype(np.uint16).view(np.float16).reshape(shape)
    return array.astype(dtype).reshape(shape)


def _narrow_from_field(tensor: TensorProto, size: int) -> bytes:
    """The bytes of numbers that stand in `int32_data`, one or two bytes in each."""
    width = 2 if tensor.data_type == BFLOAT16 else 1
    numbers = np.array(tensor.int32_data[: size + 1], np.int64)
    return np.asarray(numbers & (256**width - 1), f"<u{width}").tobytes()


# ---- files beside ------------------------------------------------------------------------------------------------


def _external(tensor: TensorProto, what: str, folder: Path | None, size: int) -> bytes:
    """The bytes of a tensor in a file beside the model's."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    if folder is None:
        raise DataError(f"{what} is in a file of its own, {entries.get('location')!r}: load the model from its path")
    offset, length = _number(entries, "offset", 0, what), _number(entries, "length", size, what)
    if length != size:
        raise DataError(f"{what} needs {size:,} bytes, and {length:,} are said to be in {entries.get('location')!r}")
    path = checked_location(entries.get("location", ""), what, folder)
    try:
        number = os.open(path, os.O_RDONLY | NO_LINKS | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise DataError(f"{what} is in {path}, which cannot be read: {error.strerror}") from error
    with open(number, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise DataError(f"{what} is in {path}, which is no file")
        if offset + length > status.st_size:
            raise DataError(f"{what} ends at byte {offset + length:,} of {path}, which has {status.st_size:,}")
        file.seek(offset)
        return file.read(length)


def _number(entries: Mapping[str, str], key: str, default: int, what: str) -> int:
    text = entries.get(key, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise DataError(f"{what}: the {key} of its bytes must be a number, and is {text[:40]!r}")
    return int(text)


def checked_location(location: str, what: str, folder: Path) -> Path:
    """Where a file beside the model's is, if it is in the model's folder, and no link leads elsewhere.

    Raises:
        DataError: it is not.
    """
    parts = Path(location).parts
    bad = not parts or Path(location).is_absolute() or ".." in parts or "\\" in location or "\0" in location
    if bad or ":" in location:
        raise DataError(f"{what} is in {location[:200]!r}: a file beside the model's must be named within its folder")
    path = folder
    for part in parts:
        path = path / part
        try:
            linked = path.is_symlink()
        except OSError as error:  # a name that no file can have
            raise DataError(f"{what} is in {str(path)[:200]!r}, which cannot be read: {error.strerror}") from error
        if linked:
            raise DataError(f"{what} is in {path}, a link, and links are not followed: copy the file in its place")
    return path

"""Headers of `.npy` files, checked before anything is believed that they say."""

from __future__ import annotations

import io
import math
from functools import lru_cache
from typing import IO

import numpy as np

from minigrad.errors import DataError
from minigrad.typing import Array, Shape

MAGIC = np.lib.format.MAGIC_PREFIX


def read_npy_header(file: IO[bytes], name: str, length: int) -> tuple[Shape, np.dtype[np.generic], bool, int]:
    """What the header of an array says.

    Args:
        file: at the beginning of it.
        name: what messages call it.
        length: of the file, in bytes.

    Returns:
        (shape, dtype, whether it is stored column by column, the offset of the values in bytes).

    Raises:
        DataError: it is no such file, holds Python objects, or has another length than its header says.
    """
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    try:
        read = readers[np.lib.format.read_magic(file)]
        shape, by_columns, dtype = read(file)
    except Exception as error:  # NumPy's parser raises almost anything where a header is damaged
        raise DataError(f"{name} is damaged or no .npy file of a plain array, at byte 0 ({error})") from error
    if dtype.hasobject:
        raise DataError(f"{name} is refused: it holds Python objects, which could run code when they are read")
    if dtype.kind not in "biufc":
        raise DataError(f"{name} holds {dtype}, and should hold numbers")
    begin = file.tell()
    end = begin + math.prod(shape) * dtype.itemsize
    if end != length or any(size < 0 for size in shape):
        what = "truncated" if end > length else "damaged"
        raise DataError(
            f"{name} is {what}: its header says {dtype} {shape}, from byte {begin:,} to {end:,}, and it has "
            f"{length:,} bytes"
        )
    return shape, dtype, by_columns, begin


@lru_cache(maxsize=64)  # the arrays of a dataset have few headers, and parsing one takes as long as reading a file
def _header(content: bytes, name: str, length: int) -> tuple[Shape, np.dtype[np.generic], bool, int]:
    return read_npy_header(io.BytesIO(content), name, length)


def parse_npy(content: bytes, name: str) -> Array:
    """The array of a `.npy` file in memory; it is read-only.

    Args:
        content: of the file.
        name: what messages call it.

    Raises:
        DataError: it is no such file, is damaged, or holds Python objects.
    """
    size = len(MAGIC) + 4 + int.from_bytes(content[len(MAGIC) + 2 : len(MAGIC) + 4], "little")  # of version 1.0
    shape, dtype, by_columns, begin = _header(content[: max(size, 16)], name, len(content))
    values = np.frombuffer(content, dtype, offset=begin).reshape(shape, order="F" if by_columns else "C")
    return values.astype(dtype.newbyteorder("="), copy=False)

"""NumPy's `.npz` archives, read without pickle, and with sizes checked before anything is decompressed."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from minigrad.errors import StateError
from minigrad.io.atomic import PathLike
from minigrad.typing import Array

MAX_COMPRESSION = 1100  # deflate makes at most 1032 bytes of one


def load_npz(path: PathLike, max_bytes: int = 4 << 30) -> dict[str, Array]:
    """The arrays of an `.npz` file by name, as `np.savez` and `np.savez_compressed` write it.

    Args:
        path: the file.
        max_bytes: the largest size of all arrays together, in bytes. A small archive may have huge arrays in
            it (default 4294967296, 4 GiB).

    Returns:
        The arrays by their names in the archive.

    Raises:
        StateError: there is no such file; it is damaged, too large, or no archive of plain arrays. Arrays of objects
            are refused: reading them could run code.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/x.npz", x=np.arange(3))
    ...     load_npz(f"{folder}/x.npz")
    {'x': array([0, 1, 2])}
    """
    if not Path(path).is_file():
        raise StateError(f"there is no file {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            members = _checked(path, archive.infolist(), max_bytes)
            return {name: _read(archive, member) for name, member in members.items()}
    except (StateError, MemoryError):
        raise
    except OSError as error:
        raise StateError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:  # damaged headers make zipfile, zlib and NumPy's parser raise almost anything
        raise StateError(f"{path} is damaged or no .npz file of plain arrays ({error})") from error


def _checked(path: PathLike, infos: list[zipfile.ZipInfo], max_bytes: int) -> dict[str, zipfile.ZipInfo]:
    """The members by their arrays' names, once their sizes, as the archive gives them, are believable and allowed."""
    members = {info.filename.removesuffix(".npy"): info for info in infos}
    if len(members) < len(infos):
        raise StateError(f"{path} is damaged: it holds two arrays of one name")
    for info in infos:
        if not info.filename.endswith(".npy"):
            raise StateError(f"{path} is no .npz file of plain arrays: it holds {info.filename!r:.60}")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise StateError(f"{path} is no .npz file that NumPy wrote: {info.filename!r:.60} is packed otherwise")
        if info.file_size > MAX_COMPRESSION * (info.compress_size + 1):
            raise StateError(f"{path} is damaged: {info.filename!r:.60} cannot be as large as it says")
    total = sum(info.file_size for info in infos)
    if total > max_bytes:
        raise StateError(
            f"{path} would be {total:,} bytes in memory, and {max_bytes:,} are allowed: "
            "if you trust it, load_npz(path, max_bytes=...)"
        )
    return members


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    with archive.open(member) as file:
        _check_header(file, member)
    with archive.open(member) as file:
        array: Array = np.lib.format.read_array(file, allow_pickle=False)
        if file.read(1):  # also makes zipfile compare its checksum
            raise ValueError(f"{member.filename!r:.60} goes on after its array")
    return array


def _check_header(file: IO[bytes], member: zipfile.ZipInfo) -> None:
    """Compare what the array's own header says with the size of the member, before memory is asked for."""
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    read = readers.get(version)
    if read is None:
        raise ValueError(f"{member.filename!r:.60} has the format {version}")
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise ValueError(f"{member.filename!r:.60} holds Python objects, which could run code")
    needed = file.tell() + math.prod(shape) * dtype.itemsize
    if needed != member.file_size or any(n < 0 for n in shape):
        raise ValueError(f"{member.filename!r:.60} of shape {shape!s:.60} does not have {member.file_size} bytes")

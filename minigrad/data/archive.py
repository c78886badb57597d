"""Reading of compressed IDX files and tar archives of uncertain origin, in memory: nothing is extracted to disk."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import PureWindowsPath
from typing import Final

import numpy as np
from numpy.typing import NDArray

from minigrad.errors import DataError

LIMIT: Final = 2**30
"""The most bytes that are decompressed from one file: a few compressed kilobytes can stand for terabytes."""

PLAIN_PATH: Final = re.compile(r"(?:\w[\w.-]*/)*\w[\w.-]*", re.ASCII)
"""A path that leads nowhere else on any system: most do not have to be looked at more closely."""

IDX_DTYPES: Final = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(content: bytes, name: str, limit: int = LIMIT) -> NDArray[np.generic]:
    """The array in a gzip-compressed IDX file.

    The format: two bytes 0, a byte for the dtype, a byte for the number of axes; their lengths as big-endian 32-bit
    integers; the values in C order, big-endian.

    Args:
        content: of the compressed file.
        name: what messages call it.
        limit: the most bytes that the array may have.

    Raises:
        DataError: it is no such file, is damaged, or holds another number of bytes than it says.

    Source: Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits", 1998: its file format.
    """
    with _reading(name), gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        magic = file.read(4)
        if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in IDX_DTYPES:
            raise DataError(f"{name} is no IDX file: it begins with {magic!r}")
        header = file.read(4 * magic[3])
        shape = tuple(int(length) for length in np.frombuffer(header[: len(header) // 4 * 4], ">u4"))
        dtype = np.dtype(IDX_DTYPES[magic[2]])
        size = _product(shape) * dtype.itemsize
        if len(shape) < magic[3] or size > limit:
            raise DataError(f"{name} is damaged: its header names an array of shape {shape}, {size:,} bytes")
        values = file.read(size)
        if len(values) < size or file.read(1):
            amount = "more" if len(values) == size else f"{len(values):,}"
            raise DataError(f"{name} is damaged: its header names {size:,} bytes of values, but there are {amount}")
        return np.frombuffer(values, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def read_tar(content: bytes, name: str, wanted: Collection[str], limit: int = LIMIT) -> dict[str, bytes]:
    """Some files of a gzip-compressed tar archive, by their names there.

    Args:
        content: of the archive.
        name: what messages call it.
        wanted: the names of the files to return.
        limit: the most bytes that the whole archive may have when decompressed.

    Raises:
        DataError: it is no such archive or is damaged; a wanted file is missing or comes twice; it is larger than
            `limit`; or a member, wanted or not, is a link or device or has a path that leads elsewhere.
    """
    found: dict[str, bytes] = {}
    with _reading(name), gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        stream = _LimitedStream(file, name, limit)
        # "r|" reads from first to last, and so through the one place that counts.
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                check_member(member, name)
                if member.name in found:
                    raise DataError(f"{name} is refused: it holds {member.name} twice")
                if member.name in wanted and (part := archive.extractfile(member)) is not None:
                    found[member.name] = part.read()
        while stream.read(2**16):  # to the end, where gzip keeps a checksum
            pass
    if missing := sorted(set(wanted) - set(found)):
        raise DataError(f"{name} does not hold {', '.join(missing)}")
    return found


def check_member(member: tarfile.TarInfo, name: str) -> None:
    """Refuse a member that is no file or folder inside of the archive.

    Args:
        member: its header.
        name: of the archive, for messages.

    Raises:
        DataError: it is a link or device, or has a path that leads elsewhere.
    """
    if member.type == tarfile.REGTYPE and not member.issparse() and PLAIN_PATH.fullmatch(member.name):
        return
    path = PureWindowsPath(member.name)  # knows both slashes and drives, on every system
    if path.drive or path.root or ".." in path.parts:
        raise DataError(f"{name} is refused: the path of its member {member.name!r} leads elsewhere")
    if not (member.isreg() or member.isdir()) or member.issparse():
        raise DataError(f"{name} is refused: its member {member.name!r} is a link, a device or a file with holes")


class _LimitedStream(io.RawIOBase):
    """A decompressed stream that ends with an error when it is longer than it may be."""

    def __init__(self, file: gzip.GzipFile, name: str, limit: int) -> None:
        self._file, self._name, self._limit, self._left = file, name, limit, limit

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(self._left + 1 if size < 0 else min(size, self._left + 1))
        self._left -= len(content)
        if self._left < 0:
            raise DataError(f"{self._name} is refused: it decompresses to more than {self._limit:,} bytes")
        return content


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Turn the errors of damaged compressed files into one that names the file."""
    try:
        yield
    except DataError:
        raise
    # A hostile header can make tarfile parse what is no number, or follow a chain of headers that has no end.
    except (OSError, EOFError, zlib.error, tarfile.TarError, ValueError, RecursionError) as error:
        raise DataError(f"{name} is damaged ({error})") from error


def _product(shape: tuple[int, ...]) -> int:
    """The product of the lengths; np.prod would overflow silently."""
    product = 1
    for length in shape:
        product *= length
    return product

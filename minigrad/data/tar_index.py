"""What a tar archive of samples holds, and where: its headers are read, its contents are not."""

from __future__ import annotations

import os
import re
import tarfile
from array import array
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from minigrad.data.archive import check_member
from minigrad.errors import DataError

BLOCK: Final = tarfile.BLOCKSIZE
READ_AHEAD: Final = 8192  # bytes: a header, and most labels, which are behind theirs
LARGEST_LABEL: Final = 64  # bytes of a .cls file
LARGEST_EXTENSION: Final = 2**20  # bytes of a header that holds a long name

SAMPLE_NAME: Final = re.compile(r"^((?:.*/)?[^./][^./]*)\.([^/]+)$", re.DOTALL)


@dataclass(frozen=True)
class Member:
    """A file in an archive.

    Attributes:
        name: its path there.
        offset: where its content begins, in bytes.
        size: of its content, in bytes.
        content: that, where it is a small label.
    """

    name: str
    offset: int
    size: int
    content: bytes = b""


@dataclass
class TarIndex:
    """The samples of an archive: for each, offset and size of its input and of its target, and its label.

    Attributes:
        path: that of the archive.
        length: of the archive, in bytes.
        places: four numbers a sample: offset and size of the input, offset and size of the target.
        suffixes: the input's, a number of `SUFFIXES` a sample.
        labels: one a sample, where targets are class numbers.
        problems: what is wrong with the archive, with names and offsets.
    """

    path: Path
    length: int
    places: array[int] = field(default_factory=lambda: array("q"))
    suffixes: array[int] = field(default_factory=lambda: array("B"))
    labels: array[int] = field(default_factory=lambda: array("q"))
    problems: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.suffixes)


def read_at(path: Path, offset: int, size: int) -> bytes:
    """A part of a file.

    Args:
        path: the file, which is opened for this alone: one that has vanished since is noticed.
        offset: where it begins, in bytes.
        size: in bytes.

    Raises:
        DataError: the file cannot be read, or ends before.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            file.seek(offset)
            content = file.read(size)
            while len(content) < size and (more := file.read(size - len(content))):
                content += more
    except FileNotFoundError as error:
        raise DataError(f"{path} has vanished since it was opened") from error
    except OSError as error:
        raise DataError(f"{path}: cannot read {size:,} bytes at {offset:,}: {error.strerror or error}") from error
    if len(content) < size:
        raise DataError(
            f"{path} is truncated: it ends at byte {offset + len(content):,}, within the part at {offset:,}"
        )
    return content


def index_tar(path: Path, inputs: tuple[str, ...], target: str) -> TarIndex:
    """Find the samples of an archive: members one after the other whose names are equal up to the first dot.

    Args:
        path: the archive, not compressed.
        inputs: the extensions that the input may have.
        target: that of the target; of "cls" the contents are read.

    Returns:
        What is there; what is wrong is in `problems`.
    """
    index = TarIndex(path, 0)
    sample: dict[str, Member] = {}
    key = ""
    try:
        index.length = path.stat().st_size
        for member in members(path, keep=(f".{target}",) if target == "cls" else ()):
            if (match := SAMPLE_NAME.match(member.name)) is None:
                continue  # hidden, or without an extension
            if match[1] != key:
                _add(index, key, sample, inputs, target)
                key, sample = match[1], {}
            extension = match[2].lower()
            if extension in sample:
                raise DataError(
                    f"{path} is refused: it holds {member.name!r:.120} twice, at byte {member.offset:,} too"
                )
            sample[extension] = member
        _add(index, key, sample, inputs, target)
    except FileNotFoundError:
        index.problems.append(f"there is no file {path}")
    except OSError as error:
        index.problems.append(f"cannot read {path}: {error.strerror or error}")
    except DataError as error:  # the sample that it was at is not complete
        index.problems.append(str(error))
    return index


def _add(index: TarIndex, key: str, sample: dict[str, Member], inputs: tuple[str, ...], target: str) -> None:
    """Add a sample, or a problem where it is not complete."""
    if not sample:
        return
    place = f"{index.path}: {key!r:.120} at byte {next(iter(sample.values())).offset - BLOCK:,}"
    found = [k for k, extension in enumerate(inputs) if extension in sample and extension != target]
    if target not in sample or not found:
        wanted = target if found else "picture"
        index.problems.append(f"{place} has no {wanted}, only {', '.join(sample)}")
        return
    label = sample[target].content.strip()
    if target == "cls":
        if not re.fullmatch(rb"\d{1,9}", label):
            index.problems.append(f"{place} has no class number in its .cls, but {label!r}")
            return
        index.labels.append(int(label))
    members = sample[inputs[found[0]]], sample[target]
    index.places.extend(number for member in members for number in (member.offset, member.size))
    index.suffixes.append(found[0])


def members(path: Path, keep: Collection[str] = ()) -> Iterator[Member]:
    """The files in an archive, in their order.

    Args:
        path: the archive.
        keep: the endings of those whose contents are read, if they are small.

    Raises:
        DataError: the archive is compressed, truncated or damaged, or a member is a link or has a path that leads
            elsewhere. The message has the offset.
    """
    with open(path, "rb") as file:
        length = os.fstat(file.fileno()).st_size
        yield from _Reader(path, file, length).members(tuple(keep))


class _Reader:
    """Reads the headers of an archive. A part of the file is kept, so that small members cost no reads of their own."""

    def __init__(self, path: Path, file: BinaryIO, length: int) -> None:
        self.path, self.file, self.length = path, file, length
        self.begin, self.part = 0, b""

    def members(self, keep: tuple[str, ...]) -> Iterator[Member]:
        offset, renamed = 0, dict[str, str]()
        while True:
            header = self.header(offset)
            if header is None:
                return
            begin, size = offset + BLOCK, header.size
            if "size" in renamed and renamed["size"].isdecimal():
                size = int(renamed["size"])
            name = renamed.get("path", header.name)
            if begin + size > self.length or size < 0:
                raise DataError(
                    f"{self.path} is truncated: it has {self.length:,} bytes, and {name!r:.120} at byte {offset:,} "
                    f"would end at {begin + size:,}"
                )
            offset = begin + -(-size // BLOCK) * BLOCK
            if header.type in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME):
                renamed |= self.extension(header.type, begin, size)
                continue
            if header.type in (tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK):
                continue
            renamed = {}
            header.name = name
            check_member(header, f"{self.path} (at byte {begin - BLOCK:,})")
            if header.isreg():
                small = size <= LARGEST_LABEL and name.endswith(keep)
                yield Member(name, begin, size, self.read(begin, size) if small else b"")

    def header(self, offset: int) -> tarfile.TarInfo | None:
        """The header at an offset; None at the end of the archive, which is a block of zeros."""
        block = self.read(offset, BLOCK)
        if len(block) < BLOCK:
            raise DataError(f"{self.path} is truncated: its end, at byte {self.length:,}, is not marked as one")
        if (plain := _plain_header(block)) is not None:
            return plain
        try:
            return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            if not block.strip(b"\0"):
                return None
            compressed = offset == 0 and block[:2] in (b"\x1f\x8b", b"BZ", b"\xfd7", b"\x28\xb5")
            if compressed:
                fix = "decompress it (gunzip FILE), as samples are read from its middle, or use TarStream"
                raise DataError(f"{self.path} is compressed: {fix}") from error
            raise DataError(f"{self.path} is damaged at byte {offset:,}: there is no header ({error})") from error

    def extension(self, kind: bytes, begin: int, size: int) -> dict[str, str]:
        """What a header says of the member behind it: its path or size, where the member's own header has no room."""
        if size > LARGEST_EXTENSION:
            raise DataError(f"{self.path} is damaged at byte {begin:,}: a name of {size:,} bytes")
        content = self.read(begin, size)
        if kind == tarfile.GNUTYPE_LONGNAME:
            return {"path": content.rstrip(b"\0").decode("utf-8", "surrogateescape")}
        found = re.findall(rb"\d+ (path|size)=([^\n]*)\n", content)
        return {key.decode(): value.decode("utf-8", "surrogateescape") for key, value in found}

    def read(self, offset: int, size: int) -> bytes:
        if not self.begin <= offset <= offset + size <= self.begin + len(self.part):
            self.file.seek(offset)
            self.begin, self.part = offset, self.file.read(max(size, READ_AHEAD))
        begin = offset - self.begin
        return self.part[begin : begin + size]


def _plain_header(block: bytes) -> tarfile.TarInfo | None:
    """The header of a plain file with a short name, which nearly all are: `TarInfo.frombuf` takes five times as long.

    Source: POSIX.1-2017, pax: the ustar interchange format.
    """
    name, size, checksum = block[:100].rstrip(b"\0"), block[124:135], block[148:154]
    plain = block[156:157] == b"0" and block[257:262] == b"ustar" and not block[345] and b"\0" not in name
    if not (plain and size.isdigit() and checksum.isdigit() and name and b"." in name):
        return None
    try:
        if int(checksum, 8) != sum(block) - sum(block[148:156]) + 8 * ord(" "):
            return None
        header = tarfile.TarInfo(name.decode("ascii"))
        header.size = int(size, 8)
    except ValueError:  # no octal digits, or another alphabet
        return None
    return header

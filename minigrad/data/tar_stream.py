"""Samples in compressed tar archives, which can be read from beginning to end only."""

from __future__ import annotations

import lzma
import tarfile
import warnings
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from minigrad.data.archive import check_member
from minigrad.data.image import PathLike, checked_channels
from minigrad.data.iterable import IterableDataset
from minigrad.data.tar_index import SAMPLE_NAME
from minigrad.data.tar_samples import (
    CLASSES,
    INPUTS,
    LARGEST_SAMPLE,
    decoded_input,
    decoded_target,
    shard_paths,
    stored_classes,
)
from minigrad.data.transform import pair
from minigrad.errors import DataError

ENDINGS: Final = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
"""Of the files in a folder that are archives."""


class Record(NamedTuple):
    """A sample as it is stored: the archive, its name there, the ending of its input, and the bytes of both parts."""

    path: Path
    key: str
    suffix: str
    content: bytes
    target: bytes


class TarStream(IterableDataset):
    """Samples in tar archives that may be compressed (`.tar.gz`, `.tgz`, `.tar.bz2`, `.tar.xz`), read in order.

    The layout is that of `TarShards`, which is to be preferred where archives are not compressed: it reads samples from
    their places, knows how many there are and their classes, and shuffles over the shards. Here each worker process
    decompresses all archives, and decodes the images of its own batches only; a run that is resumed decompresses what
    it has seen once more. `shuffle=True` of the loader shuffles within `window`.

    Args:
        path: a folder with archives, in the order of their names; one archive; or several.
        size: height and width of the images, in pixels; one number for both (default 32). See `read_image`.
        channels: 3 for color, 1 for gray (default 3).
        target: the extension of the target: "cls" for class numbers, "npy", "json" or "json.age" as for `TarShards`
            (default "cls").
        classes: the names of the classes (default None: those in `classes.json` beside the archives, if it is there).
        skip_broken: leave out samples that cannot be read, and warn of it (default False: it is an error).
        window: among how many samples shuffling chooses the next one, which are in memory, undecoded (default 1000).

    Raises:
        DataError: there are no archives, or an argument is out of range; while it is read, an archive is truncated or
            damaged, a sample is incomplete or cannot be decoded, or has more than 1 GB: the message has its name.

    Source: A. Aizman, G. Maltby and T. Breuel, "High performance I/O for large scale deep learning", 2019: the layout.
    """

    def __init__(
        self, path: PathLike | Sequence[PathLike], size: int | tuple[int, int] = 32, channels: int = 3, *,
        target: str = "cls", classes: Iterable[str] | None = None, skip_broken: bool = False, window: int = 1000,
    ) -> None:  # fmt: skip
        if window < 0:
            raise DataError(f"TarStream: window is a number of samples and must be at least 0, got {window}.")
        self.paths = shard_paths(path, "TarStream", ENDINGS)
        self.shape = checked_channels("TarStream", channels), *pair("TarStream", size)
        self.skip_broken, self.window = skip_broken, window
        self._extension, _, self._key = target.partition(".") if target.startswith("json.") else (target, "", "")
        names = classes if classes is not None else stored_classes(self.paths[0].parent / CLASSES)
        self.classes = tuple(names)  # type: ignore[misc]  # of this stream

    def __iter__(self) -> Iterator[Record]:
        """The samples of all archives, as they are stored."""
        for path in self.paths:
            yield from self._samples(path)

    def _samples(self, path: Path) -> Iterator[Record]:
        key, parts = "", dict[str, bytes]()
        for name, content in _members(path, (*INPUTS, self._extension)):
            found = SAMPLE_NAME.match(name)
            if found is None:
                continue
            if found[1] != key:
                yield from self._complete(path, key, parts)
                key, parts = found[1], {}
            parts[found[2].lower()] = content
        yield from self._complete(path, key, parts)

    def _complete(self, path: Path, key: str, parts: dict[str, bytes]) -> Iterator[Record]:
        """A sample, if it has an input and a target."""
        suffix = next((ending for ending in INPUTS if ending in parts and ending != self._extension), None)
        if suffix is not None and self._extension in parts:
            yield Record(path, key, suffix, parts[suffix], parts[self._extension])
        elif parts:
            missing = "picture" if suffix is None else self._extension
            self._tell(f"{path}: {key!r:.120} has no {missing}, only {', '.join(parts)}")

    def _tell(self, problem: str) -> None:
        if not self.skip_broken:
            raise DataError(f"{problem}: make the archive again, or leave it out by skip_broken=True")
        warnings.warn(f"TarStream: {problem}", UserWarning, stacklevel=2)

    def decode(self, record: Record) -> Any:
        """The input (images as float32) and the target of a sample.

        Args:
            record: as it is stored.

        Raises:
            DataError: it is damaged.
        """
        try:
            return decoded_input(record.content, record.suffix, self.shape), self._target(record.target)
        except DataError as error:
            raise DataError(f"{record.path}: {record.key}.{record.suffix}{error}") from error

    def _target(self, content: bytes) -> Any:
        if self._extension == "cls":
            if not content.strip().isdigit():
                raise DataError(f" has no class number in its .cls, but {content[:20]!r}")
            return np.int64(content)
        return decoded_target(content, self._extension, self._key)

    def __repr__(self) -> str:
        classes = f", {len(self.classes)} classes" if self.classes else ""
        return f"TarStream({len(self.paths)} archives in {str(self.paths[0].parent)!r}{classes})"


def _members(path: Path, endings: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The names and contents of the files in an archive whose names have one of these endings.

    Raises:
        DataError: it cannot be read, is truncated or damaged, or a member is too large, a link, or leads elsewhere.
    """
    place = "its beginning"
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                place = f"{member.name!r:.120}"
                check_member(member, str(path))
                if not member.isreg() or not member.name.lower().endswith(tuple(endings)):
                    continue
                if member.size > LARGEST_SAMPLE:
                    raise DataError(f"{path}: {place} has {member.size:,} bytes, more than {LARGEST_SAMPLE:,}")
                file = archive.extractfile(member)
                content = b"" if file is None else file.read()
                if len(content) != member.size:
                    raise EOFError("it ends within that")
                yield member.name, content
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"{path} is truncated or damaged after {place} ({error})") from error
    except OSError as error:
        raise DataError(f"cannot read {path}, after {place}: {error.strerror or error}") from error

"""Downloads: files from the web, kept in a folder, and used only if their SHA-256 is the one that is written here."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO, Final

from minigrad.errors import DataError, MissingExtraError

VARIABLE: Final = "MINIGRAD_DATA"

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class RemoteFile:
    """A file that never changes.

    Attributes:
        name: where it is kept, relative to the data folder: "mnist/train-images-idx3-ubyte.gz".
        size: in bytes.
        sha256: of its content, in hexadecimal.
        urls: where it can be had, tried in this order.
    """

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...]


def data_folder() -> Path:
    """Where downloaded files are kept: the environment variable MINIGRAD_DATA, or the user's cache folder.

    Raises:
        MissingExtraError: the variable is not set and pooch, of the extra `data`, which knows that folder, is missing.
    """
    chosen = os.environ.get(VARIABLE)
    return Path(chosen).expanduser() if chosen else Path(_pooch("finding the data folder").os_cache("minigrad"))


def read_remote(file: RemoteFile, folder: PathLike | None = None) -> bytes:
    """The content of a file, downloaded unless it is there already; exactly these bytes have the right SHA-256.

    Args:
        file: which.
        folder: where files are kept, instead of `data_folder()`.

    Raises:
        DataError: it is not there and cannot be downloaded; the message says how to get it by hand.
        MissingExtraError: it is not there and pooch, of the extra `data`, is not installed.
    """
    path = (data_folder() if folder is None else Path(folder)) / file.name
    content = _right_content(path, file)
    if content is None:
        _download(file, path)
        content = _right_content(path, file)
    if content is None:
        raise DataError(f"{path} changed while it was being read: is another program writing to it?")
    return content


def _right_content(path: Path, file: RemoteFile) -> bytes | None:
    """What is in the file, if that is what should be."""
    try:
        if path.stat().st_size != file.size:
            return None
        content = path.read_bytes()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == file.sha256 else None


def _download(file: RemoteFile, path: Path) -> None:
    pooch = _pooch(f"downloading {file.name}")
    reasons = []
    for url in file.urls:
        try:
            pooch.retrieve(
                url,
                known_hash=f"sha256:{file.sha256}",
                fname=path.name,
                path=path.parent,
                downloader=partial(_stream, pooch=pooch, file=file),
            )
        except (OSError, ValueError) as error:  # those of requests are OSErrors, a wrong hash is a ValueError
            reasons.append(f"{url}: {_reason(error)}")
        else:
            return
    raise DataError(
        f"cannot download {path.name} ({file.size:,} bytes): {'; '.join(reasons)}. Without a network, get the file "
        f"from {' or '.join(file.urls)} and put it into the folder {path.parent} (the environment variable {VARIABLE} "
        f"can name another one than {path.parent.parent})."
    )


def _stream(url: str, output: str, _: Any, *, pooch: ModuleType, file: RemoteFile) -> None:
    """What pooch calls to write the content of `url` to the file `output`."""
    bar = Bar(Path(file.name).name) if sys.stderr.isatty() else False
    # A server that compresses what it sends, or calls a .gz file so compressed, would have it arrive decompressed.
    fetch = pooch.HTTPDownloader(progressbar=bar, headers={"Accept-Encoding": "identity"})
    with open(output, "wb") as target:
        fetch(url, Limited(target, file.size), None)


def _reason(error: Exception) -> str:
    if isinstance(error, ValueError) and "hash" in str(error):
        return "the content is another one than it should be (SHA-256)"
    name = type(error).__name__
    if type(error).__module__.startswith("requests") and name != "HTTPError":
        return f"the connection failed ({name})"  # its own text is full of objects and their addresses
    return str(error) or name


def _pooch(purpose: str) -> ModuleType:
    try:
        import pooch
    except ImportError as error:
        raise MissingExtraError("pooch", extra="data", purpose=purpose) from error
    module: ModuleType = pooch
    return module


class Limited:
    """A file that takes no more bytes than it should have: a server may send without end."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self._file, self._left, self._limit = file, limit, limit

    def write(self, content: bytes) -> int:
        """Write, or raise DataError."""
        self._left -= len(content)
        if self._left < 0:
            raise DataError(f"it sends more than the {self._limit:,} bytes that the file has")
        return self._file.write(content)

    def flush(self) -> None:
        """Do nothing: the file is closed before anyone reads it."""


class Bar:
    """A line on the terminal that says how far a download has come; pooch sets `total` and calls the methods."""

    WIDTH: Final = 30

    def __init__(self, name: str) -> None:
        self.name, self.total, self._done, self._shown = name, 0, 0, -1

    def update(self, count: int) -> None:
        """Count more bytes, and draw what changed."""
        self._done = min(self._done + count, self.total)
        percent = 100 * self._done // max(1, self.total)
        if percent != self._shown:
            self._shown = percent
            filled = self.WIDTH * percent // 100
            bar = "#" * filled + "-" * (self.WIDTH - filled)
            megabytes = f"{self._done / 1e6:.1f} of {self.total / 1e6:.1f} MB"
            print(f"\r{self.name} [{bar}] {percent:3}%  {megabytes}", end="", file=sys.stderr, flush=True)

    def reset(self) -> None:
        """Begin at 0."""
        self._done = 0

    def close(self) -> None:
        """End the line."""
        print(file=sys.stderr)

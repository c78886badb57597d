"""Atomic writes: whatever happens, a file has its old content or its new one, complete."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from minigrad.errors import DataError

PathLike: TypeAlias = str | os.PathLike[str]

TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")


def write_atomically(path: PathLike, content: bytes | Iterable[bytes | memoryview]) -> None:
    """Replace the file at `path` with new content, or make it: completely or not at all.

    The content is written to a temporary file in the same folder (so that renaming is one step of the file system),
    synced to the disk, and only then renamed. Whatever fails, the temporary file is removed and the old file stays. A
    process that is killed may leave the temporary file behind, under a name that `is_temporary` knows.

    Args:
        path: the file.
        content: all of it, or pieces to be written one after the other.

    Raises:
        DataError: the folder is missing or cannot be written to, or the disk is full.
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_atomically(f"{folder}/notes.txt", b"all or nothing")
    ...     Path(f"{folder}/notes.txt").read_text()
    'all or nothing'
    """
    path = Path(path)
    try:
        _replace(path, [content] if isinstance(content, bytes) else content)
    except OSError as error:
        kept = "; the file that was there is unchanged" if path.is_file() else ""
        raise DataError(f"cannot write {path}: {error.strerror or error}{kept}") from error


def is_temporary(path: Path) -> bool:
    """Whether a file has the name of a temporary file of `write_atomically`.

    Args:
        path: looked at by its name alone.
    """
    return TEMPORARY.fullmatch(path.name) is not None


def _replace(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:  # a Ctrl-C too
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself durable, where folders can be opened (not on Windows)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

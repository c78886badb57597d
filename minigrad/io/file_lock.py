"""`FileLock`: a lock that one process at a time can hold."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from minigrad.errors import DataError, UsageError
from minigrad.io.atomic import PathLike


class FileLock:
    """A lock between processes, held from `acquire` to `release`, or to the end of the process, however it ends.

    The operating system keeps the lock, not the file: a killed process leaves a file behind that nobody holds, and the
    next process can acquire it. The file names the holder, for messages only.

    Args:
        path: the lock's file, made when it is acquired and removed when it is released.
    """

    def __init__(self, path: PathLike) -> None:
        self.path = Path(path)
        self._handle: int | None = None

    def acquire(self) -> None:
        """Acquire the lock; does nothing if this object holds it already.

        Raises:
            UsageError: another process holds it, or another `FileLock` of this one.
            DataError: the file cannot be made.
        """
        while self._handle is None:
            try:
                handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            except OSError as error:
                raise DataError(f"cannot lock {self.path.parent}: {error.strerror or error}") from error
            if not _try_lock(handle):
                holder = _holder(handle)
                os.close(handle)
                raise UsageError(f"{self.path.parent} is in use by {holder}: wait for it, or end it")
            if _same_file(handle, self.path):
                with suppress(OSError):  # a full disk: the name is for messages only
                    os.ftruncate(handle, 0)
                    os.write(handle, f"process {os.getpid()}".encode())
                self._handle = handle
            else:  # released, and so removed, between opening and holding
                os.close(handle)

    def release(self) -> None:
        """Release the lock; does nothing if it is not held."""
        if self._handle is None:
            return
        handle, self._handle = self._handle, None
        if sys.platform != "win32":  # removed while it is held, so that nobody else's is; see `_same_file`
            self.path.unlink(missing_ok=True)
        os.close(handle)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def _holder(handle: int) -> str:
    try:
        return os.read(handle, 100).decode() or "another process"
    except (OSError, ValueError):
        return "another process"


def _same_file(handle: int, path: Path) -> bool:
    """Whether the path still leads to the file that is open as `handle`."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False

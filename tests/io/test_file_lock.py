"""A lock is held by one, freed by the end of the process, and taken over from the dead."""

import os
import re
import subprocess
import sys

import pytest

from minigrad.errors import DataError, UsageError
from minigrad.io import FileLock

HOLD = """
import sys, time
from minigrad.io import FileLock
FileLock(sys.argv[1]).acquire()
print("held", flush=True)
time.sleep(100)
"""


def test_a_second_lock_waits_for_the_first_to_be_released(tmp_path):
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    first.acquire()
    first.acquire()
    with pytest.raises(
        UsageError, match=f"{re.escape(str(tmp_path))} is in use by process {os.getpid()}: wait for it, or end it"
    ):
        second.acquire()
    first.release()
    first.release()
    assert list(tmp_path.iterdir()) == []
    second.acquire()
    with pytest.raises(UsageError):
        first.acquire()
    second.release()


def test_another_process_is_kept_out_until_the_holder_is_killed(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path / "lock"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(UsageError, match=f"is in use by process {process.pid}"):
            FileLock(tmp_path / "lock").acquire()
        process.kill()
        process.wait()
        assert (tmp_path / "lock").exists()
        lock = FileLock(tmp_path / "lock")
        lock.acquire()
        assert (tmp_path / "lock").read_text() == f"process {os.getpid()}"
        lock.release()
    finally:
        process.kill()
        process.communicate()


def test_a_file_removed_by_its_holder_is_no_lock_for_those_who_opened_it_before(tmp_path, monkeypatch):
    first, second, third = (FileLock(tmp_path / "lock") for _ in range(3))
    first.acquire()
    opened = os.open

    def release_after_opening(*arguments):
        handle = opened(*arguments)
        monkeypatch.undo()
        first.release()
        return handle

    monkeypatch.setattr(os, "open", release_after_opening)
    second.acquire()
    with pytest.raises(UsageError):
        third.acquire()
    second.release()


def test_a_folder_that_is_missing_is_told(tmp_path):
    with pytest.raises(DataError, match=r"cannot lock .*none: No such file or directory"):
        FileLock(tmp_path / "none" / "lock").acquire()

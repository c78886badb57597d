"""Atomic writes: a failure, an interruption or a full disk loses nothing and leaves nothing behind."""

import errno
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.errors import DataError
from minigrad.io import load, save, write_atomically
from tests.io.full_disk import room_for


@pytest.mark.parametrize("fails", ["fsync", "replace"])
@pytest.mark.parametrize("existed", [True, False])
def test_when_the_disk_is_full_nothing_is_lost_and_nothing_is_left_behind(tmp_path, monkeypatch, fails, existed):
    path = tmp_path / "x.safetensors"
    if existed:
        path.write_bytes(b"old")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, fails, full)
    with pytest.raises(DataError, match=f"cannot write {path}: No space left on device") as error:
        save(path, {"x": np.zeros(3)})
    assert ("unchanged" in str(error.value)) == existed
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [(path.name, b"old")] * existed


def test_an_interrupted_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "x"
    path.write_bytes(b"old")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("x", b"old")]


def test_a_folder_that_does_not_exist_is_told(tmp_path):
    with pytest.raises(DataError, match=r"cannot write .*none/x: No such file or directory"):
        save(tmp_path / "none" / "x", {})


def test_a_folder_in_the_place_of_the_file_is_told_and_kept(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(DataError, match="Is a directory"):
        write_atomically(tmp_path / "x", b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["x"]


def test_the_file_reaches_the_disk_before_its_name_and_the_name_before_the_return(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (calls.append("fsync"), fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda *paths: (calls.append("replace"), replace(*paths)))
    write_atomically(tmp_path / "x", b"new")
    assert calls == ["fsync", "replace", "fsync"]


# ---- a full disk -----------------------------------------------------------------------------------------------


@given(data=st.data())
def test_a_file_that_finds_no_room_from_some_byte_on_is_not_written_and_the_old_one_stays(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("full")
    path = folder / "x.safetensors"
    save(path, {"x": np.zeros(1000)})
    size = path.stat().st_size
    with (
        room_for(data.draw(st.integers(0, size - 1))),
        pytest.raises(DataError, match="File too large; the file that was there is unchanged"),
    ):
        save(path, {"x": np.ones(1000)})
    assert load(path)[0]["x"].sum() == 0
    assert os.listdir(folder) == [path.name]
    with room_for(size):
        save(path, {"x": np.ones(1000)})
    assert load(path)[0]["x"].sum() == 1000

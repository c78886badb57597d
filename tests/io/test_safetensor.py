"""Files of arrays: what comes back is what went in, and a failure loses nothing."""

import errno
import json
import os
import struct
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.errors import DataError, DTypeError, MissingExtraError, StateError
from minigrad.io import load, save, write_atomically
from minigrad.tensor import Tensor

DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", ">f4", ">i8", ">u2"]


@st.composite
def views(draw):
    """Arrays of every memory layout: sliced, reversed, transposed, broadcast, without axes, without elements."""
    shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
    base = draw(hnp.arrays(draw(st.sampled_from(DTYPES)), shapes))
    view = base[draw(hnp.basic_indices(base.shape, allow_newaxis=True))]
    view = np.transpose(view, draw(st.permutations(range(np.ndim(view)))))
    return np.broadcast_to(view, (2, *view.shape)) if draw(st.booleans()) else view


names = st.text(max_size=8).filter(lambda name: name != "__metadata__")


@given(arrays=st.dictionaries(names, views(), max_size=3), metadata=st.dictionaries(st.text(max_size=8), st.text()))
def test_every_array_and_text_comes_back_bit_for_bit(tmp_path_factory, arrays, metadata):
    path = tmp_path_factory.getbasetemp() / "arrays.safetensors"
    save(path, arrays, metadata)
    loaded, texts = load(path)
    assert texts == metadata
    assert loaded.keys() == arrays.keys()
    for name, array in arrays.items():
        assert loaded[name].dtype == array.dtype.newbyteorder("=")
        assert loaded[name].shape == array.shape
        assert loaded[name].tobytes() == array.astype(array.dtype.newbyteorder("=")).tobytes()


@pytest.mark.parametrize(
    "view",
    [
        np.arange(12.0).reshape(3, 4).T,
        np.arange(12.0)[::-1],
        np.arange(12.0)[1:9:3],
        np.broadcast_to(np.float32(3), (2, 3)),
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.array(7.0),
        np.zeros((0, 3)),
    ],
    ids=["transposed", "reversed", "sliced", "broadcast", "fortran", "0-d", "empty"],
)
def test_layouts_that_are_not_row_by_row_are_written_row_by_row(tmp_path, view):
    save(tmp_path / "x", {"x": view})
    np.testing.assert_array_equal(load(tmp_path / "x")[0]["x"], view, strict=True)


def test_tensors_are_saved_by_value(tmp_path):
    save(tmp_path / "x", {"x": Tensor([1.0, 2.0], requires_grad=True)})
    np.testing.assert_array_equal(load(tmp_path / "x")[0]["x"], np.array([1, 2], np.float32), strict=True)


def test_what_is_loaded_can_be_written_to_and_leaves_the_file_alone(tmp_path):
    save(tmp_path / "x", {"x": np.zeros(3)})
    load(tmp_path / "x")[0]["x"][:] = 1
    assert load(tmp_path / "x")[0]["x"].tolist() == [0, 0, 0]


@pytest.mark.parametrize("values", [np.array(["a"]), np.array([{}], object), np.array([1j]), np.array([1], "M8[s]")])
def test_what_the_format_does_not_hold_is_refused_by_name(tmp_path, values):
    with pytest.raises(DTypeError, match="weights: safetensors holds booleans, integers and floats, not"):
        save(tmp_path / "x", {"weights": values})
    assert list(tmp_path.iterdir()) == []


def test_a_name_or_text_that_would_spoil_the_file_is_refused(tmp_path):
    with pytest.raises(StateError, match="__metadata__"):
        save(tmp_path / "x", {"__metadata__": np.zeros(1)})
    with pytest.raises(StateError, match="metadata 'epoch' must be a text, not int"):
        save(tmp_path / "x", {}, {"epoch": 3})


# ---- damaged files ---------------------------------------------------------------------------------------------


def valid_file(folder):
    path = folder / "valid.safetensors"
    save(path, {"x": np.arange(5.0), "y": np.ones((2, 2), np.float32)}, {"text": "t"})
    return path.read_bytes()


def assert_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(StateError) as error:
        load(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@given(data=st.data())
def test_a_file_cut_short_anywhere_is_refused(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp()
    content = valid_file(folder)
    assert_refused(folder / "cut", content[: data.draw(st.integers(0, len(content) - 1))])


@given(content=st.binary(max_size=200))
def test_a_file_of_other_bytes_is_refused(tmp_path_factory, content):
    assert_refused(tmp_path_factory.getbasetemp() / "other", content)


@pytest.mark.parametrize(
    "header",
    [
        {"x": {"dtype": "F32", "shape": [4], "data_offsets": [0, 8]}},
        {"x": {"dtype": "F99", "shape": [2], "data_offsets": [0, 8]}},
        {"x": {"shape": [2], "data_offsets": [0, 8]}},
        {"x": {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]}},
        [1, 2],
    ],
    ids=["wrong shape", "unknown dtype", "no dtype", "dtype that NumPy lacks", "no object"],
)
def test_a_wrong_header_is_refused(tmp_path, header):
    text = json.dumps(header).encode()
    assert_refused(tmp_path / "x", struct.pack("<Q", len(text)) + text + bytes(8))


def test_files_of_other_kinds_are_refused(tmp_path):
    np.savez(tmp_path / "arrays.npz", x=np.zeros(3))
    assert_refused(tmp_path / "x", (tmp_path / "arrays.npz").read_bytes())


@pytest.mark.parametrize("place", ["nothing", "."])
def test_a_missing_file_is_told(tmp_path, place):
    with pytest.raises(StateError, match="there is no file"):
        load(tmp_path / place)


# ---- failures while writing ------------------------------------------------------------------------------------


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


def test_without_safetensors_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(MissingExtraError, match=r'pip install "minigrad\[io\]"'):
        save(tmp_path / "x", {})
    with pytest.raises(MissingExtraError):
        load(tmp_path / "x")

"""Archives of arrays from anywhere: read if plain, refused otherwise, before memory is asked for."""

import io
import pickle
import struct
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.errors import StateError
from minigrad.io import load, load_npz

arrays = hnp.arrays(
    st.sampled_from(["?", "i1", "u2", "i8", "f2", "f4", ">f8", "c8"]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0),
)


def npy(array, allow_pickle=False):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=allow_pickle)
    return file.getvalue()


def archive(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members:
            file.writestr(name, content)
    return path


@given(st.dictionaries(st.from_regex("[a-z]{1,5}", fullmatch=True), arrays, max_size=3), st.booleans())
def test_what_numpy_wrote_comes_back(tmp_path_factory, members, compressed):
    path = tmp_path_factory.getbasetemp() / "arrays.npz"
    members.pop("file", None)  # an argument of savez
    (np.savez_compressed if compressed else np.savez)(path, **members)
    for loaded in (load_npz(path), load(path)[0]):
        assert loaded.keys() == members.keys()
        for name, array in members.items():
            np.testing.assert_array_equal(loaded[name], array, strict=True)


def test_objects_are_refused_and_nothing_of_them_runs(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    assert pickle.dumps(Bomb())
    path = archive(tmp_path / "x.npz", [("x.npy", npy(np.array([Bomb()], object), allow_pickle=True))])
    with pytest.raises(
        StateError, match=r"x.npz is damaged or no .npz file of plain arrays \('x.npy' holds Python obj"
    ):
        load_npz(path)
    assert not (tmp_path / "ran").exists()


def test_more_than_is_allowed_is_refused_before_it_is_decompressed(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros(1 << 20), y=np.zeros(1 << 20))
    assert load_npz(tmp_path / "x.npz", max_bytes=17_000_000).keys() == {"x", "y"}
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    with pytest.raises(StateError, match=r"x.npz would be 16,777,\d+ bytes in memory, and 9,000,000 are allowed"):
        load_npz(tmp_path / "x.npz", max_bytes=9_000_000)


def test_an_array_that_is_larger_than_its_member_is_refused_before_memory_is_asked_for(tmp_path):
    header = npy(np.zeros(2)).replace(b"(2,), }" + b" " * 12, b"(2000000000000,), }")
    path = archive(tmp_path / "x.npz", [("x.npy", header)])
    with pytest.raises(StateError, match=r"'x.npy' of shape \(2000000000000,\) does not have 144 bytes"):
        load_npz(path)


def test_a_member_that_says_it_is_larger_than_it_can_be_is_refused(tmp_path):
    content = bytearray(archive(tmp_path / "x.npz", [("x.npy", npy(np.zeros(2)))]).read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = struct.pack("<I", 1 << 30)
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(StateError, match=r"'x\.npy' cannot be as large as it says"):
        load_npz(tmp_path / "x.npz")


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([("x.txt", b"text")], "it holds 'x.txt'"),
        ([("x.npy", npy(np.zeros(2))), ("x", b"")], "it holds two arrays of one name"),
        ([("x.npy", b"noise")], "x.npz is damaged or no .npz file"),
        ([("x.npy", b"")], "x.npz is damaged or no .npz file"),
        ([("x.npy", npy(np.zeros(2)) + b"more")], r"'x.npy' of shape \(2,\) does not have 148 bytes"),
        ([("x.npy", npy(np.zeros(2))[:-1])], r"'x.npy' of shape \(2,\) does not have 143 bytes"),
        ([("x.npy", npy(np.zeros(2)).replace(b"(2,)", b"f(2)"))], "x.npz is damaged or no .npz file"),
        ([("x.npy", npy(np.zeros(2)).replace(b"(2,)", b"(-2)"))], "x.npz is damaged or no .npz file"),
        ([("x.npy", npy(np.zeros(2)).replace(b"(2,)", b"(2, "))], "x.npz is damaged or no .npz file"),
        ([("x.npy", npy(np.zeros(2)).replace(b"NUMPY\x01", b"NUMPY\x09"))], "x.npz is damaged or no .npz file"),
    ],
)
def test_archives_of_anything_else_are_refused(tmp_path, members, said):
    with pytest.raises(StateError, match=said):
        load_npz(archive(tmp_path / "x.npz", members))


def test_other_packings_are_refused(tmp_path):
    path = archive(tmp_path / "x.npz", [("x.npy", npy(np.zeros(2)))], zipfile.ZIP_LZMA)
    with pytest.raises(StateError, match=r"'x\.npy' is packed otherwise"):
        load_npz(path)


@given(data=st.data(), compressed=st.booleans())
def test_a_changed_byte_is_refused_or_changes_nothing(tmp_path_factory, data, compressed):
    path = tmp_path_factory.getbasetemp() / "changed.npz"
    values = np.arange(50.0)
    (np.savez_compressed if compressed else np.savez)(path, x=values)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with suppress(StateError):
        (loaded,) = load_npz(path).values()
        np.testing.assert_array_equal(loaded, values)


@given(data=st.data())
def test_an_archive_cut_short_is_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "cut.npz"
    np.savez(path, x=np.arange(50.0))
    content = path.read_bytes()
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(StateError):
        load_npz(path)


def test_a_missing_archive_is_told(tmp_path):
    with pytest.raises(StateError, match="there is no file"):
        load_npz(tmp_path / "x.npz")

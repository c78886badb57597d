"""Arrays in files that are opened and not read: the same samples, and no header is believed that lies."""

import json
import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import DataLoader, Memmap
from minigrad.errors import DataError


def safetensors(path, arrays, **changes):
    begin, header, content = 0, {}, b""
    names = {"float32": "F32", "int64": "I64", "uint16": "BF16"}
    for name, array in arrays.items():
        end = begin + array.nbytes
        header[name] = {"dtype": names[array.dtype.name], "shape": list(array.shape), "data_offsets": [begin, end]}
        header[name].update(changes)
        content, begin = content + array.tobytes(), end
    text = json.dumps({"__metadata__": {"unit": "m"}, **header}).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content)
    return path


@pytest.mark.parametrize("dtype", ["<f4", ">f4", ">i2", "u1", "?", "<c8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_samples_of_npy_files_are_those_of_the_arrays(tmp_path, dtype, order):
    x = np.asarray(np.arange(24).reshape(6, 2, 2) % 5, dtype=dtype, order=order)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", np.arange(6))
    dataset = pickle.loads(pickle.dumps(Memmap(tmp_path / "x.npy", tmp_path / "y.npy", classes=("a", "b"))))
    inputs, targets = dataset[np.array([4, 0, 4])]
    np.testing.assert_array_equal(inputs, x[[4, 0, 4]])
    assert inputs.dtype == x.dtype.newbyteorder("=")
    assert inputs.flags.writeable
    assert targets.tolist() == [4, 0, 4]
    assert dataset.classes == ("a", "b")


def test_safetensors_by_name_with_bfloat16(tmp_path):
    x = np.array([[1.0, -2.5], [0.5, 3.0]], np.float32)
    half = (x.view(np.uint32) >> 16).astype(np.uint16)
    path = safetensors(tmp_path / "a.safetensors", {"y": np.array([3, 4]), "x": half, "z": x})
    inputs, targets = Memmap(path, names=["x", "y"])[np.array([1, 0])]
    np.testing.assert_array_equal(inputs, x[[1, 0]])
    assert targets.tolist() == [4, 3]
    with pytest.raises(DataError, match="holds y, x, z: name those that are meant"):
        Memmap(path)
    with pytest.raises(DataError, match="holds no w; it has y, x, z"):
        Memmap(path, names=["w"])


def test_only_the_rows_of_a_batch_come_into_memory(tmp_path):
    np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, (200_000, 100))[:] = 1  # 80 MB
    loader = DataLoader(Memmap(tmp_path / "x.npy"), 1000, shuffle=True)
    tracemalloc.start()
    total = sum(float(x.data.sum()) for (x,) in loader)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 200_000 * 100
    assert peak < 10e6


def test_headers_that_lie_are_refused_with_file_and_offset(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.arange(10))
    content = path.read_bytes()
    path.write_bytes(content[:-8])
    with pytest.raises(DataError, match=r"x\.npy is truncated: .*int64 \(10,\), from byte 128 to 208, and it has 200"):
        Memmap(path)
    path.write_bytes(content + b"0")
    with pytest.raises(DataError, match=r"x\.npy is damaged"):
        Memmap(path)
    path.write_bytes(content.replace(b"(10,)", b"(-1,)"))
    with pytest.raises(DataError, match=r"x\.npy is damaged"):
        Memmap(path)
    np.save(path, np.array([{}]), allow_pickle=True)
    with pytest.raises(DataError, match=r"x\.npy is refused: it holds Python objects"):
        Memmap(path)
    with pytest.raises(DataError, match=r"there is no file .*none"):
        Memmap(tmp_path / "none.npy")
    path = tmp_path / "a.safetensors"
    for changes, message in (
        ({"shape": [2**40, 2**40]}, "does not have 12 bytes"),
        ({"data_offsets": [100, 112]}, "truncated: an array would end at byte"),
        ({"data_offsets": [-12, 0]}, "no numbers of at least 0"),
        ({"dtype": "F8"}, "header, from byte 8 to"),
    ):
        with pytest.raises(DataError, match=message):
            Memmap(safetensors(path, {"x": np.zeros(3, np.float32)}, **changes))
    path.write_bytes((2**63).to_bytes(8, "little") + b"{}")
    with pytest.raises(DataError, match="at byte 0 it says that its header has"):
        Memmap(path)


def test_a_file_that_shrinks_or_vanishes_while_it_is_read_is_an_error_and_no_crash(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.arange(100_000))
    dataset = Memmap(path)
    with open(path, "r+b") as file:
        file.truncate(1000)
    with pytest.raises(DataError, match=r"x\.npy is truncated: it had 800,128 bytes when opened, and has 1,000"):
        dataset[np.array([99_999])]
    path.unlink()
    with pytest.raises(DataError, match=r"x\.npy has vanished"):
        dataset[np.array([0])]


@given(position=st.integers(0, 140), value=st.integers(0, 255), end=st.integers(0, 300))
def test_damaged_files_are_refused_or_read_and_never_crash(tmp_path_factory, position, value, end):
    folder = tmp_path_factory.getbasetemp()
    np.save(folder / "f.npy", np.arange(6.0, dtype=np.float32))
    safetensors(folder / "f.safetensors", {"x": np.zeros((2, 3), np.float32)})
    for path in (folder / "f.npy", folder / "f.safetensors"):
        content = bytearray(path.read_bytes())
        content[position % len(content)] = value
        path.write_bytes(content[:end])
        try:
            Memmap(path)[0:1]
        except DataError as error:
            refused = str(error)
            assert path.name in refused  # it may be refused or not

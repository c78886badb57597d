"""Files of arrays: what comes back is what went in, and a failure loses nothing."""

import json
import struct
import sys
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad import nn
from minigrad.autograd.tensor import Tensor
from minigrad.errors import DTypeError, MissingExtraError, StateError
from minigrad.io import load, save

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
    for arrays, texts in (({"\ud800": np.zeros(1)}, {}), ({1: np.zeros(1)}, {}), ({}, {"text": "\ud800"})):
        with pytest.raises(StateError, match="cannot be a name or text in a file"):
            save(tmp_path / "x", arrays, texts)
    assert list(tmp_path.iterdir()) == []


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


F32 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def header_only(path, text, data=bytes(8)):
    text = text if isinstance(text, bytes) else json.dumps(text).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


@pytest.mark.parametrize(
    "header",
    [
        {"x": F32 | {"shape": [4]}},
        {"x": F32 | {"dtype": "F99"}},
        {"x": F32 | {"dtype": "F8_E4M3", "shape": [8]}},
        {"x": F32 | {"dtype": []}},
        {"x": {"shape": [2], "data_offsets": [0, 8]}},
        {"x": None},
        [1, 2],
        b"{",
        b'{"x": \xff}',
        b'{"x": NaN}',
        b'{"x":' + b"[" * 100_000,
        b'{"x":' + b"9" * 10_000 + b"}",
        {"x": F32 | {"shape": [-2]}},
        {"x": F32 | {"shape": [2.0]}},
        {"x": F32 | {"shape": [True, 2]}},
        {"x": F32 | {"shape": [1] * 70 + [2]}},
        {"x": F32 | {"shape": [1 << 62, 1 << 62]}},
        {"x": F32 | {"shape": [0, 1 << 62], "data_offsets": [0, 0]}},
        {"x": F32 | {"data_offsets": [0, -8]}},
        {"x": F32 | {"data_offsets": [8, 0]}},
        {"x": F32 | {"data_offsets": [0]}},
        {"x": F32 | {"data_offsets": [8, 16]}},
        {"x": F32, "y": F32},
        {"x": F32 | {"shape": [1], "data_offsets": [0, 4]}},
        {"x": F32, "y": F32 | {"data_offsets": [8, 16]}},
        {"__metadata__": {"a": 1}, "x": F32},
        {"__metadata__": "a", "x": F32},
    ],
    ids=lambda header: str(header)[:60],
)
def test_a_hostile_header_is_refused(tmp_path, header):
    header_only(tmp_path / "x", header)
    assert_refused(tmp_path / "x", (tmp_path / "x").read_bytes())


def test_two_arrays_of_one_name_are_refused(tmp_path):
    entry = json.dumps(F32).encode()
    header_only(tmp_path / "x", b'{"x":' + entry + b',"x":' + entry + b"}")
    with pytest.raises(StateError, match=r"x is damaged or no safetensors file \(its header has 'x' twice\)"):
        load(tmp_path / "x")


@pytest.mark.parametrize("length", [9, 1 << 20, (1 << 63) - 1, (1 << 64) - 1])
def test_a_header_longer_than_the_file_is_refused(tmp_path, length):
    assert_refused(tmp_path / "x", struct.pack("<Q", length) + b"{}      ")


def test_numbers_of_bfloat16_come_as_float32(tmp_path):
    header_only(
        tmp_path / "x", {"x": F32 | {"dtype": "BF16", "shape": [4]}}, struct.pack("<4H", 0x3F80, 0xC000, 0x7F80, 1)
    )
    expected = np.array([1, -2, np.inf, np.uint32(1 << 16).view(np.float32)], np.float32)
    np.testing.assert_array_equal(load(tmp_path / "x")[0]["x"], expected, strict=True)


@given(data=st.data())
def test_a_file_with_any_byte_changed_is_refused_or_read_without_harm(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "changed"
    content = bytearray(valid_file(path.parent))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with suppress(StateError):
        arrays, _ = load(path)  # numbers, names and dtypes of one size may have changed: the format has no checksum
        assert sorted(array.size for array in arrays.values()) == [4, 5]


def test_files_of_other_kinds_are_refused(tmp_path):
    np.savez(tmp_path / "arrays.npz", x=np.zeros(3))
    assert_refused(tmp_path / "x", (tmp_path / "arrays.npz").read_bytes())


@pytest.mark.parametrize("place", ["nothing", "."])
def test_a_missing_file_is_told(tmp_path, place):
    with pytest.raises(StateError, match="there is no file"):
        load(tmp_path / place)


def test_without_safetensors_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(MissingExtraError, match=r'pip install "minigrad\[io\]"'):
        save(tmp_path / "x", {})
    with pytest.raises(MissingExtraError):
        load(tmp_path / "x")


# ---- PyTorch -------------------------------------------------------------------------------------------------------


@pytest.mark.peer
def test_pytorch_reads_a_models_weights_and_computes_the_same(torch, tmp_path, rng):
    from safetensors.torch import load_file

    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(12, 5))
    save(tmp_path / "x.safetensors", model.state_dict())
    peer = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.Tanh(), torch.nn.Flatten(), torch.nn.Linear(12, 5))
    peer.load_state_dict(load_file(tmp_path / "x.safetensors"))
    x = rng.normal(size=(4, 2, 4, 4)).astype(np.float32)
    np.testing.assert_allclose(model(x).data, peer(torch.tensor(x)).detach().numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.peer
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_what_pytorch_saved_is_taken_over_by_name(torch, tmp_path, rng, dtype):
    from safetensors.torch import save_file

    peer = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)).to(getattr(torch, dtype))
    save_file(peer.state_dict(), tmp_path / "x.safetensors")
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    model.load_state_dict(load(tmp_path / "x.safetensors")[0])
    for name, value in peer.state_dict().items():
        np.testing.assert_array_equal(model.state_dict()[name], value.float().numpy(), strict=True)


@pytest.mark.peer
def test_all_that_does_not_fit_in_a_file_of_pytorch_is_told_at_once_and_nothing_is_assigned(torch, tmp_path):
    from safetensors.torch import save_file

    peer = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2, bias=False))
    save_file(peer.state_dict() | {"extra": torch.zeros(1)}, tmp_path / "x.safetensors")
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    before = {name: array.copy() for name, array in model.state_dict().items()}
    with pytest.raises(StateError) as error:
        model.load_state_dict(load(tmp_path / "x.safetensors")[0])
    for problem in ("missing: 2.bias", "unexpected: extra", "0.weight is (4, 3) here and (5, 3)", "0.bias", "2.weight"):
        assert problem in str(error.value)
    for name, array in before.items():
        np.testing.assert_array_equal(model.state_dict()[name], array)

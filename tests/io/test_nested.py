"""Nested states come back as they were, and a flipped bit is noticed."""

import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad import nn, optim
from minigrad.autograd.tensor import Tensor
from minigrad.errors import StateError
from minigrad.io import load, load_state, save, save_state

leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5),
    hnp.arrays(np.float32, hnp.array_shapes(max_dims=2, max_side=3), elements=st.floats(-1, 1, width=32)),
)  # fmt: skip
keys = st.one_of(st.text(max_size=5), st.integers(0, 3), st.sampled_from(["array", "tuple", "items", "1", "1/0"]))


def containers(inner):
    return st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3), st.tuples(inner, inner))


nested = st.recursive(leaves, containers, max_leaves=8)


def same(a, b):
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


@given(nested)
def test_any_nested_state_comes_back(tmp_path_factory, state):
    path = tmp_path_factory.getbasetemp() / "state.safetensors"
    save_state(path, state)
    assert same(load_state(path), state)


def test_arrays_whose_paths_are_spelled_alike_are_kept_apart(tmp_path):
    state = {1: np.zeros(1), "1": np.ones(1), "a": {"b": np.full(1, 2.0)}, "a/b": np.full(1, 3.0)}
    save_state(tmp_path / "x", state)
    assert same(load_state(tmp_path / "x"), state)


def test_an_optimizer_goes_on_where_its_file_was_written(tmp_path):
    def stepped(optimizer, times):
        for _ in range(times):
            (p,) = optimizer.state
            optimizer.zero_grad()
            (p * p).sum().backward()
            optimizer.step()

    one, two = (Tensor([3.0, -2.0], requires_grad=True) for _ in range(2))
    first, second = optim.Adam([one], lr=0.1), optim.Adam([two], lr=0.3)
    stepped(first, 5)
    save_state(tmp_path / "adam.safetensors", first.state_dict())
    save(tmp_path / "weights.safetensors", {"x": one})
    second.load_state_dict(load_state(tmp_path / "adam.safetensors"))
    two.data = load(tmp_path / "weights.safetensors")[0]["x"]
    stepped(first, 5)
    stepped(second, 5)
    np.testing.assert_array_equal(one.data, two.data)


def test_what_is_no_state_is_refused(tmp_path):
    with pytest.raises(StateError, match="a state holds arrays, numbers, texts, lists and dicts only"):
        save_state(tmp_path / "x", {"model": nn.Linear(1, 1)})
    with pytest.raises(StateError, match=r"the keys of a state are texts and numbers only, not \(1, 2\), in state/a"):
        save_state(tmp_path / "x", {"a": {(1, 2): 3}})  # which could not be read again
    assert list(tmp_path.iterdir()) == []
    save(tmp_path / "x", {"x": np.zeros(1)})
    with pytest.raises(StateError, match="x holds arrays, but no state"):
        load_state(tmp_path / "x")


@given(data=st.data())
def test_every_flipped_bit_is_noticed_or_changes_nothing(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "flipped.safetensors"
    state = {"means": np.arange(4, dtype=np.float32), "steps": np.arange(3), "name": "adam", "lr": 0.125}
    save_state(path, state)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    with suppress(StateError):
        assert same(load_state(path), state)


def test_a_state_whose_text_names_an_array_that_is_not_there_is_refused(tmp_path):
    from minigrad.io.nested import digest

    text = json.dumps({"array": "nothing"})
    save(tmp_path / "x", {}, {"state": text, "sha256": digest({}, text)})
    with pytest.raises(StateError, match="x is damaged: 'nothing'"):
        load_state(tmp_path / "x")

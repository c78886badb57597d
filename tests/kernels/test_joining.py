"""Arrays that are joined in a few threads are NumPy's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels import concatenate

from .compiled import compiled_kernels

joining = compiled_kernels("joining_numba")


@settings(max_examples=60, deadline=None)
@given(st.data(), st.lists(st.integers(1, 6), min_size=1, max_size=4), st.sampled_from("fdeDi?"))
def test_they_are_joined_as_by_numpy(data, shape, kind):
    axis = data.draw(st.integers(0, len(shape) - 1))
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    rng = np.random.default_rng(0)
    xs = [rng.normal(size=(*shape[:axis], n, *shape[axis + 1 :])).astype(kind) for n in sizes]
    found, expected = joining.concatenate(*xs, axis=axis), np.concatenate(xs, axis)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)
    assert not any(np.shares_memory(found, x) for x in xs)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("threads", [1, 3])
def test_many_numbers_are_shared_out(axis, threads, monkeypatch):
    monkeypatch.setattr("minigrad.kernels.threads.thread_count", lambda: threads)
    xs = [np.random.default_rng(n).normal(size=(64, 48, 100)) for n in range(3)]
    np.testing.assert_array_equal(joining.concatenate(*xs, axis=axis), np.concatenate(xs, axis))


def test_others_are_left_to_numpy():
    x = np.zeros((8, 6, 5))
    for y in (x.astype(np.float32), x.transpose(0, 2, 1).copy().transpose(0, 2, 1), x[:, :, :4], x[0], x[:, :0]):
        assert joining.concatenate(y, x, axis=1) is NotImplemented
    assert joining.concatenate(x, x[:, ::2], axis=1) is NotImplemented
    large = np.ones((64, 512))
    np.testing.assert_array_equal(concatenate(large, large[:, ::2], axis=1), np.ones((64, 768)))
    with pytest.raises(ValueError, match="must match exactly"):
        concatenate(large, large[1:], axis=1)

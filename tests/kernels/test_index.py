"""Sums of rows at places against NumPy's, which adds in the same order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.kernels import index as plain
from minigrad.kernels import threads
from minigrad.kernels.jit import numpy_only
from tests.kernels.compiled import compiled_kernels

fast = compiled_kernels("index_numba")


def both(x, index, shape):
    with numpy_only(), np.errstate(all="ignore"):
        expected = plain.sums_at(x, index, shape)
    return fast.sums_at(x, index, shape), expected


@given(
    st.integers(1, 40), st.lists(st.integers(1, 9), min_size=1, max_size=3), st.lists(st.integers(1, 20), max_size=2),
    st.sampled_from([np.float32, np.float64]), st.sampled_from([np.int8, np.int64, np.uint16, np.uint64]),
    st.booleans(), st.integers(0, 9),
)  # fmt: skip
def test_sums_of_rows_are_numpys_to_the_last_bit(count, sizes, lead, dtype, kind, strided, seed):
    rng = np.random.default_rng(seed)
    lowest = 0 if np.dtype(kind).kind == "u" else -count
    index = rng.integers(lowest, count, lead).astype(kind) if lead else np.array([count - 1], kind)
    x = rng.normal(size=(*index.shape, *sizes)).astype(dtype)
    if strided:
        x = np.repeat(x, 2, axis=-1)[..., ::2]
    for place in (index, (index,)):
        found, expected = both(x, place, (count, *sizes))
        if found is NotImplemented:
            assert np.prod(sizes) == 1  # a vector is NumPy's
            continue
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e-40])
def test_any_number_is_added_as_by_numpy(value):
    x = np.ones((4, 8), np.float32)
    x[1] = value
    found, expected = both(x, np.array([2, 0, 2, 0]), (3, 8))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("kind", [np.int8, np.uint8])
def test_a_table_may_have_more_rows_than_the_dtype_of_the_index_has_numbers(kind):
    index = np.arange(120).astype(kind)
    index[:60] = np.iinfo(kind).min // 2
    found, expected = both(np.ones((120, 4)), index, (300, 4))
    np.testing.assert_array_equal(found, expected)


def test_the_number_of_threads_changes_no_bit(monkeypatch):
    rng, runs = np.random.default_rng(0), []
    x, index = rng.normal(size=(3000, 100)).astype(np.float32), rng.integers(0, 7, 3000)
    for count in (1, 2, 3):
        monkeypatch.setattr(threads, "thread_count", lambda count=count: count)
        runs.append(fast.sums_at(x, index, (7, 100)))
    np.testing.assert_array_equal(runs[0], both(x, index, (7, 100))[1])
    for other in runs[1:]:
        np.testing.assert_array_equal(runs[0], other)


def test_other_calls_are_left_to_the_definition():
    x, index = np.ones((5, 4), np.float32), np.array([0, 1, 2, 0, 1])
    for wrong in (np.array([0, 1, 2, 0, 3]), np.array([0, 1, 2, 0, -4]), np.array([0, 1, 2, 0, 2**64 - 1], np.uint64)):
        assert fast.sums_at(x, wrong, (3, 4)) is NotImplemented  # out of range: an error
    assert fast.sums_at(x, (slice(None), index), (5, 4)) is NotImplemented
    assert fast.sums_at(x, (index, index), (3, 3, 4)) is NotImplemented
    assert fast.sums_at(x[:, :1], index, (3, 4)) is NotImplemented  # that broadcasts
    assert fast.sums_at(x.astype(np.float16), index, (3, 4)) is NotImplemented

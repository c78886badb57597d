"""Sums of channels: the compiled variant against the definition."""

import numpy as np
import pytest

from minigrad.kernels import sum_by_channel, threads
from minigrad.kernels.jit import numpy_only
from tests.kernels.compiled import compiled_kernels

from .layouts import LAYOUTS, relaid

fast = compiled_kernels("channel_sums_numba")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3, 5, 7, 13), (2, 1, 4, 8, 31), (1, 9, 32)])
def test_it_is_the_definition(shape, dtype, layout):
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    x[0, 0, 0] = 1e-310 if dtype == np.float64 else 1e-42
    with numpy_only():
        expected = sum_by_channel(x)
    found = fast.sum_by_channel(relaid(x, layout))
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=0, atol=16 * np.finfo(dtype).eps * np.abs(x).sum() / shape[1])


def test_what_is_not_finite_stays_in_its_channel_and_nothing_gives_zero():
    x = np.ones((2, 4, 8, 8), np.float32)
    x[1, 0, 7, 7], x[0, 1, 0, 0], x[0, 2, 3, 3], x[1, 2, 0, 0] = np.nan, np.inf, np.inf, -np.inf
    np.testing.assert_array_equal(fast.sum_by_channel(x), [np.nan, np.inf, np.nan, 128])
    np.testing.assert_array_equal(sum_by_channel(x[:0]), np.zeros(4))
    assert fast.sum_by_channel(x.astype(np.float16)) is fast.sum_by_channel(x[:0]) is NotImplemented


def test_the_number_of_threads_changes_no_bit(monkeypatch):
    x = np.random.default_rng(0).normal(size=(40, 6, 60, 61)).astype(np.float32)
    runs = []
    for count in (1, 2, 3):
        monkeypatch.setattr(threads, "thread_count", lambda count=count: count)
        runs.append(fast.sum_by_channel(x))
    np.testing.assert_array_equal(runs[1], runs[0])
    np.testing.assert_array_equal(runs[2], runs[0])

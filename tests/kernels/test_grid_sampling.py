"""Sampling at places in compiled loops against its definition."""

import numpy as np
import pytest

from minigrad.kernels import grid_sampling as plain
from minigrad.kernels.jit import numpy_only
from tests.kernels.compiled import compiled_kernels

fast = compiled_kernels("grid_sampling_numba")

SPECIAL = [np.nan, np.inf, -np.inf, -1.0, 1.0, 0.0, 1e30, -1e30]


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("padding", fast.PADDINGS)
@pytest.mark.parametrize("mode", fast.MODES)
@pytest.mark.parametrize("side", [1, 2, 7])
def test_what_counts_for_a_place_is_as_in_the_definition(side, mode, padding, align):
    place = np.random.default_rng(0).uniform(-5, 5, (3, 4000))
    place[0, : len(SPECIAL)] = SPECIAL
    with numpy_only(), np.errstate(all="ignore"):
        expected = plain.taps_of(place, side, mode, padding, align)
    found = fast.taps_of(place, side, mode, padding, align)
    np.testing.assert_array_equal(found.index, expected.index)
    np.testing.assert_allclose(found.weight, expected.weight, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.slope, expected.slope, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(2, 3, 50, 400), (1, 1, 1, 9), (3, 5, 7, 0), (0, 2, 3, 4)])
def test_weighted_sums_are_as_in_the_definition(shape, dtype):
    rng = np.random.default_rng(0)
    n, channels, size, places = shape
    x, g = (rng.normal(size=(n, channels, count)).astype(dtype) for count in (size, places))
    index, weight = rng.integers(-1, size, (4, n, places)), rng.normal(size=(4, n, places)).astype(dtype)
    for name, args in {
        "gather": (x, index, weight), "scatter": (g, index, weight, size), "contract": (g, x, index)
    }.items():  # fmt: skip
        with numpy_only():
            expected = getattr(plain, name)(*args)
        found = getattr(fast, name)(*args)
        assert found.dtype == expected.dtype == dtype
        eps = np.finfo(dtype).eps
        np.testing.assert_allclose(found, expected, rtol=1e3 * eps, atol=1e3 * eps, err_msg=name)


def test_what_is_not_finite_counts_where_it_is_taken_only():
    x = np.array([[[np.nan, 1.0, np.inf]]])
    index, weight = np.array([[[1, -1, 2, 0]]]), np.ones((1, 1, 4))
    np.testing.assert_array_equal(fast.gather(x, index, weight), [[[1, 0, np.inf, np.nan]]])

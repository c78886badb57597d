"""The error function against the one of Python's `math`, which NumPy lacks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.kernels import error_function as series

X = np.concatenate([np.linspace(-7, 7, 20_001), np.geomspace(1e-300, 1, 999), [0.0, -0.0, 1.0, -1.0, 40.0, -40.0]])


def units(found, expected):
    """The distance in units of the last place of the expected value."""
    return np.abs(found - expected) / np.spacing(np.abs(expected))


@pytest.mark.parametrize(("name", "bound"), [("erf", 3), ("erfc", 9)])  # the peer's own error, of 1 or 2, included
def test_error_function_is_exact_to_the_last_digits(name, bound):
    expected = np.array([getattr(math, name)(x) for x in X])
    assert units(getattr(series, name)(X), expected).max() < bound


def test_tail_of_the_complement_keeps_its_relative_precision():
    x = np.linspace(7, 26, 1001)
    assert units(series.erfc(x), np.array([math.erfc(v) for v in x])).max() < 9


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtype_and_shape_are_kept(dtype):
    for x in (np.zeros((2, 0, 3), dtype), np.full((2, 3), 0.5, dtype), np.asarray(2.0, dtype), dtype(-2)):
        for f in (series.erf, series.erfc):
            assert (f(x).dtype, np.shape(f(x))) == (dtype, np.shape(x))
    assert series.erf(np.arange(3)).dtype == np.float64


def test_limits():
    x = np.array([np.inf, -np.inf, np.nan])
    np.testing.assert_array_equal(series.erf(x), [1, -1, np.nan])
    np.testing.assert_array_equal(series.erfc(x), [0, 2, np.nan])


@given(st.floats(-30, 30))
def test_error_function_is_odd_and_complements(x):
    x = np.float64(x)
    assert series.erf(-x) == -series.erf(x)
    assert series.erf(x) + series.erfc(x) == pytest.approx(1, abs=1e-15)

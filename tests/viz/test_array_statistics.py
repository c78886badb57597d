"""Facts about arrays, held to NumPy's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minigrad.viz import array_statistics as module
from minigrad.viz.array_statistics import BINS, ArrayStatistics, array_statistics

ANY = arrays(np.float32, st.integers(1, 40), elements=st.floats(width=32))
TAME = arrays(np.float64, st.integers(1, 40), elements=st.floats(-1e3, 1e3))


def facts(array: object) -> ArrayStatistics:
    found = array_statistics(array)
    assert found is not None
    return found


@given(TAME)
def test_facts_are_those_of_numpy(x: np.ndarray) -> None:
    found = facts(x)
    assert found.mean == pytest.approx(x.mean(), abs=1e-9)
    assert found.std == pytest.approx(x.std(), abs=1e-9)
    assert found.norm == pytest.approx(np.linalg.norm(x))
    assert (found.low, found.high, found.nonfinite) == (x.min(), x.max(), 0)
    assert found.zeros == np.mean(x == 0)


@given(ANY)
def test_every_finite_element_is_counted_once_and_all_others_are_bad(x: np.ndarray) -> None:
    found = facts(x)
    assert sum(found.counts) == np.isfinite(x).sum() == x.size - found.nonfinite
    assert np.isfinite(found.norm) == (found.nonfinite == 0)
    assert len(found.counts) in (0, 1, BINS)


def test_the_histogram_is_even() -> None:
    assert facts(np.arange(200.0)).counts == (10,) * BINS
    assert facts([0.0, 1.0, 1.0]).counts == (1, *[0] * (BINS - 2), 2)
    assert facts(np.full(3, 2.0)).counts == (3,)


def test_large_arrays_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).normal(size=1000)
    whole = facts(x)
    monkeypatch.setattr(module, "CHUNK", 7)
    parts = facts(x)
    assert parts.counts == whole.counts
    assert (parts.mean, parts.std, parts.norm) == pytest.approx((whole.mean, whole.std, whole.norm))


def test_no_elements_have_no_facts_and_none_finite_no_range() -> None:
    assert array_statistics(np.zeros((0, 3))) is None
    found = facts([np.nan, np.inf])
    assert (found.nonfinite, found.counts) == (2, ())
    assert np.isnan(found.mean)
    assert np.isnan(found.norm)


def test_the_smallest_numbers_that_there_are_have_a_histogram_too() -> None:
    assert facts(5e-324 * np.array([0, 1000, 2000])).counts == (1, *[0] * 9, 1, *[0] * 8, 1)

"""Convolution of few channels, with outputs in lanes, against the plain definition."""

from importlib import import_module
from unittest import mock

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minigrad.kernels import conv, conv_weight

from .layouts import layouts, relaid
from .strip_cases import assert_equal, cases, defined, everywhere, layer
from .winograd_cases import Case

pytest.importorskip("numba")
planar = import_module("minigrad.kernels.planar_convolution_numba")

some = cases(ins=st.sampled_from([1, 2, 3, 5, 20]))


def two(kernels, case):
    """The result, and the gradient of the kernels."""
    y = kernels[0](case.x, case.w, case.b, **case.settings)
    return y, kernels[1](case.x, case.g, shape=case.w.shape, **case.settings)


def fast(case):
    return two((planar.conv, planar.conv_weight), case)


def plain(case):
    y, _, w = defined(case)
    return y, w


@settings(max_examples=80)
@given(some)
def test_it_equals_the_definition(case):
    with everywhere():
        assert_equal(fast(case), plain(case))


@settings(max_examples=30)
@given(some, layouts, st.integers(1, 1 << 14), st.integers(1, 20))
def test_layout_strips_and_sums_do_not_matter(case, layout, strip, sums):
    relaid_case = Case(*(a if a is None else relaid(a, layout) for a in case[:4]), case.settings)
    with everywhere(STRIP_BYTES=strip), mock.patch.object(planar, "SUMS", sums):
        assert_equal(fast(relaid_case), plain(case))


@settings(max_examples=30)
@given(some, st.sampled_from([np.nan, np.inf, -np.inf]), st.data())
def test_what_is_not_finite_is_where_the_definition_has_it(case, value, data):
    assume(case.x.size > 0)
    case.x[tuple(data.draw(st.integers(0, n - 1)) for n in case.x.shape)] = value
    with everywhere(), np.errstate(invalid="ignore"):
        for result, expected in zip(fast(case), plain(case), strict=True):
            np.testing.assert_array_equal(np.isfinite(result), np.isfinite(expected))


@settings(max_examples=20)
@given(some)
def test_inputs_are_unchanged_and_results_are_owned_by_the_caller(case):
    before = [a if a is None else a.copy() for a in case[:4]]
    with everywhere():
        for result in fast(case):
            assert not any(np.shares_memory(result, a) for a in case[:4] if a is not None)
            result[...] = 7
    for a, kept in zip(case[:4], before, strict=True):
        np.testing.assert_array_equal(a, kept)


def test_results_are_the_same_bits_for_any_number_of_threads(monkeypatch):
    case, results = layer(c=3, n=40), []
    for threads in (1, 2, 3, 3):
        monkeypatch.setattr("minigrad.kernels.threads.thread_count", lambda threads=threads: threads)
        results.append(fast(case))
    for others in results[1:]:
        assert_equal(others, results[0])


def test_first_layers_are_answered_by_it():
    for case in (layer(c=3), layer(c=3, kernel=(7, 7)), layer(c=1, n=9, kernel=(5, 5), stride=(1, 1))):
        assert_equal(two((conv, conv_weight), case), fast(case))


def refused(case):
    return all(result is NotImplemented for result in fast(case))


def test_it_leaves_alone_what_it_cannot_do_or_not_faster():
    assert refused(layer(c=16))
    assert refused(layer(c=3, o=24))
    assert not refused(layer(c=3, o=24, dtype=np.float64))
    assert refused(layer(c=3, dtype=np.float16))
    assert refused(layer(c=4, groups=2))
    assert refused(layer(c=3, kernel=(1, 1)))
    assert refused(layer(c=60))
    assert refused(layer(c=3, n=1, size=(9, 9)))
    case = layer(c=3)
    assert planar.conv(case.x, case.w.astype(np.float64), case.b, **case.settings) is NotImplemented

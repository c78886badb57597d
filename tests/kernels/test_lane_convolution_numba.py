"""Convolution with channels in lanes, a tap at a time, against the plain definition."""

from importlib import import_module

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minigrad.kernels import conv, conv_input, conv_weight

from .layouts import layouts, relaid
from .strip_cases import assert_equal, cases, defined, everywhere, layer
from .winograd_cases import Case, three

pytest.importorskip("numba")
lanes = import_module("minigrad.kernels.lane_convolution_numba")

FAST = lanes.conv, lanes.conv_input, lanes.conv_weight


@settings(max_examples=100)
@given(cases())
def test_it_equals_the_definition(case):
    with everywhere():
        assert_equal(three(FAST, case), defined(case))


@settings(max_examples=40)
@given(cases(), st.integers(1, 1 << 15), st.integers(1, 20))
def test_strips_and_sums_may_have_any_size(case, strip, sums):
    with everywhere(STRIP_BYTES=strip, SUMS=sums):
        assert_equal(three(FAST, case), defined(case))


@settings(max_examples=30)
@given(cases(), layouts)
def test_layout_does_not_matter(case, layout):
    relaid_case = Case(*(a if a is None else relaid(a, layout) for a in case[:4]), case.settings)
    with everywhere():
        assert_equal(three(FAST, relaid_case), three(FAST, case))


@settings(max_examples=30)
@given(cases(), st.sampled_from([np.nan, np.inf, -np.inf]), st.data())
def test_what_is_not_finite_is_where_the_definition_has_it(case, value, data):
    assume(case.x.size > 0)
    case.x[tuple(data.draw(st.integers(0, n - 1)) for n in case.x.shape)] = value
    with everywhere(), np.errstate(invalid="ignore"):
        for result, expected in zip(three(FAST, case), defined(case), strict=True):
            np.testing.assert_array_equal(np.isfinite(result), np.isfinite(expected))


@settings(max_examples=20)
@given(cases())
def test_inputs_are_unchanged_and_results_are_owned_by_the_caller(case):
    before = [a if a is None else a.copy() for a in case[:4]]
    with everywhere():
        for result in three(FAST, case):
            assert not any(np.shares_memory(result, a) for a in case[:4] if a is not None)
            result[...] = 7
    for a, kept in zip(case[:4], before, strict=True):
        np.testing.assert_array_equal(a, kept)


def test_results_are_the_same_bits_for_any_number_of_threads(monkeypatch):
    case, results = layer(n=40), []
    for threads in (1, 2, 3, 3):
        monkeypatch.setattr("minigrad.kernels.threads.thread_count", lambda threads=threads: threads)
        results.append(three(FAST, case))
    for others in results[1:]:
        assert_equal(others, results[0])


def test_strided_layers_with_multiples_of_16_channels_are_answered_by_it():
    case = layer()
    assert_equal(three((conv, conv_input, conv_weight), case), three(FAST, case))


def refused(case):
    return all(result is NotImplemented for result in three(FAST, case))


def test_it_leaves_alone_what_it_cannot_do_or_not_faster():
    assert refused(layer(c=24))
    assert refused(layer(o=24))
    assert not refused(layer(c=24, o=24, dtype=np.float64))
    assert refused(layer(dtype=np.float16))
    assert refused(layer(c=32, groups=2))
    assert refused(layer(kernel=(1, 1)))
    assert refused(layer(c=512, o=512))
    assert refused(layer(n=1, size=(9, 9)))
    assert refused(layer(kernel=(3, 6), size=(100, 6), stride=(1, 1)))
    case = layer()
    assert lanes.conv(case.x, case.w.astype(np.float64), case.b, **case.settings) is NotImplemented

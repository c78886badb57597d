"""Convolution with channels in lanes, a tap at a time, against the plain definition."""

from contextlib import contextmanager
from importlib import import_module
from unittest import mock

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minigrad.kernels import conv, conv_input, conv_weight, jit

from .layouts import integers, layouts, relaid
from .winograd_cases import Case, three

pytest.importorskip("numba")
lanes = import_module("minigrad.kernels.lane_convolution_numba")

FAST = lanes.conv, lanes.conv_input, lanes.conv_weight
pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))
multiples = st.sampled_from([16, 32])  # of the lanes of both precisions
dtypes = st.sampled_from([np.float32, np.float64])


@contextmanager
def everywhere(**limits):
    """This way for the smallest convolutions too."""
    lanes.StripPlan.forward.cache_clear()
    lanes.StripPlan.transposed.cache_clear()
    with mock.patch.dict(vars(lanes), {"MIN_WINDOWS": 0, "MAX_WASTE": 1e9} | limits):
        yield
    lanes.StripPlan.forward.cache_clear()
    lanes.StripPlan.transposed.cache_clear()


@st.composite
def cases(draw):
    kernel, stride, dilation = draw(pairs.filter(lambda k: k != (1, 1))), draw(pairs), draw(pairs)
    padding = draw(st.tuples(st.integers(0, 4), st.integers(0, 4)))
    size = draw(st.tuples(st.integers(1, 20), st.integers(1, 20)))
    count = tuple(
        (n + 2 * pad - d * (k - 1) - 1) // s + 1
        for n, k, s, pad, d in zip(size, kernel, stride, padding, dilation, strict=True)
    )
    assume(min(count) > 0)
    n, c, o = draw(st.integers(0, 5)), draw(multiples), draw(multiples)
    rng, dtype = np.random.default_rng(draw(st.integers(0, 2**32))), draw(dtypes)
    return Case(
        integers(rng, (n, c, *size), dtype),
        integers(rng, (o, c, *kernel), dtype),
        integers(rng, o, dtype) if draw(st.booleans()) else None,
        integers(rng, (n, o, *count), dtype),
        {"stride": stride, "padding": padding, "dilation": dilation, "groups": 1},
    )


def defined(case):
    with jit.numpy_only():
        return three((conv, conv_input, conv_weight), case)


def assert_equal(results, expected):
    for a, b in zip(results, expected, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


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


def layer(c=16, o=32, n=3, kernel=(3, 3), size=(33, 30), stride=(2, 2), dtype=np.float32, groups=1):
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(n, c, *size)).astype(dtype), rng.normal(size=(o, c // groups, *kernel)).astype(dtype)
    where = {"stride": stride, "padding": (1, 1), "dilation": (1, 1), "groups": groups}
    with jit.numpy_only():
        shape = conv(x, w, None, **where).shape
    return Case(x, w, None, rng.normal(size=shape).astype(dtype), where)


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

"""Winograd's convolution against the plain definition, within the rounding that its transforms magnify."""

from contextlib import contextmanager
from importlib import import_module
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels import conv, conv_input, conv_weight

from .layouts import integers, layouts, relaid
from .winograd_cases import Case, assert_close, cases, defined, layer, three

pytest.importorskip("numba")
winograd = import_module("minigrad.kernels.winograd_numba")


@contextmanager
def everywhere(**limits):
    """Winograd's way for the smallest convolutions too."""
    with mock.patch.multiple(winograd, **({"MIN_CHANNELS": 0, "MIN_TILES": 0, "MAX_WASTE": 100} | limits)):
        yield


FAST = winograd.conv, winograd.conv_input, winograd.conv_weight


@settings(max_examples=60)
@given(cases())
def test_winograd_equals_the_definition_up_to_rounding(case):
    with everywhere():
        assert_close(three(FAST, case), case)


@settings(max_examples=30)
@given(cases(dtype=st.just(np.float64), numbers=integers))
def test_small_integers_are_found_again_by_rounding(case):
    with everywhere():
        for result, expected in zip(three(FAST, case), defined(case), strict=True):
            np.testing.assert_array_equal(np.rint(result), expected)


@settings(max_examples=30)
@given(cases(dtype=st.just(np.float64)))
def test_winograds_transposes_are_the_transposes_of_its_convolution(case):
    case = case._replace(b=None)
    with everywhere():
        out, x, w = three(FAST, case)
    size = sum(np.vdot(np.abs(a), np.abs(b)) for a, b in ((out, case.g), (x, case.x), (w, case.w)))
    assert np.vdot(out, case.g) == pytest.approx(np.vdot(x, case.x), abs=1e-13 * size)
    assert np.vdot(out, case.g) == pytest.approx(np.vdot(w, case.w), abs=1e-13 * size)


@settings(max_examples=20)
@given(cases(), layouts)
def test_layout_does_not_matter_to_winograd(case, layout):
    relaid_case = Case(*(a if a is None else relaid(a, layout) for a in case[:4]), case.settings)
    with everywhere():
        for a, b in zip(three(FAST, relaid_case), three(FAST, case), strict=True):
            np.testing.assert_array_equal(a, b)


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


@settings(max_examples=20)
@given(cases(), st.integers(1, 1 << 20))
def test_blocks_of_tiles_may_have_any_size(case, size):
    with everywhere(BLOCK_BYTES=size):
        assert_close(three(FAST, case), case)


def test_results_are_the_same_bits_for_any_number_of_threads(monkeypatch):
    case, results = layer(), []
    for threads in (1, 2, 3, 3):
        monkeypatch.setattr("minigrad.kernels.threads.thread_count", lambda threads=threads: threads)
        results.append(three(FAST, case))
    for others in results[1:]:
        for a, b in zip(results[0], others, strict=True):
            np.testing.assert_array_equal(a, b)


def test_layers_with_many_channels_are_answered_by_winograd():
    case = layer(c=100)
    for a, b in zip(three((conv, conv_input, conv_weight), case), three(FAST, case), strict=True):
        np.testing.assert_array_equal(a, b)


def refused(case):
    return all(result is NotImplemented for result in three(FAST, case))


def test_winograd_leaves_alone_what_it_cannot_do_or_not_faster():
    case = layer()
    for setting in ({"stride": (2, 2)}, {"dilation": (2, 1)}, {"groups": 2}, {"padding": (3, 1)}):
        assert refused(case._replace(settings=case.settings | setting))
    assert refused(case._replace(w=np.ones((40, 48, 1, 3), np.float32)))
    assert refused(layer(dtype=np.float16))
    assert winograd.conv(case.x, case.w.astype(np.float64), case.b, **case.settings) is NotImplemented
    assert refused(layer(c=16))
    assert refused(layer(o=16))
    assert refused(layer(n=1, size=(8, 8)))
    assert refused(layer(n=64, size=(5, 5)))


def test_half_filled_factors_do_not_disturb_the_rest():
    case = layer(n=9, size=(8, 8))  # 36 tiles, in factors of 32
    assert_close(three(FAST, case), case)


def test_sums_over_512_channels_are_right_to_five_digits():
    case = layer(n=2, c=512, o=64, size=(16, 16))
    for result, expected in zip(three(FAST, case), defined(case), strict=True):
        assert np.abs(result - expected).max() < 1e-5 * np.abs(expected).max()

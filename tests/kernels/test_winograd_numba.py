"""Winograd's convolution against the plain definition, within the rounding that its transforms magnify."""

from contextlib import contextmanager
from importlib import import_module
from typing import NamedTuple
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels import conv, conv_input, conv_weight, jit

from .layouts import integers, layouts, relaid

pytest.importorskip("numba")
winograd = import_module("minigrad.kernels.winograd_numba")

# What a rounding error of one point may grow to: the largest sum_t |A[t, i]| |G[t, p]| |B[t, j]| is 6 for an axis.
MAGNIFIED = 6**2

pads = st.tuples(st.integers(0, 2), st.integers(0, 2))
dtypes = st.sampled_from([np.float32, np.float64])


class Case(NamedTuple):
    x: np.ndarray
    w: np.ndarray
    b: np.ndarray | None
    g: np.ndarray
    settings: dict


@st.composite
def cases(draw, dtype=dtypes, numbers=None):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, c, o = draw(st.integers(0, 5)), draw(st.integers(1, 40)), draw(st.integers(1, 40))
    height, width = draw(st.integers(3, 22)), draw(st.integers(3, 22) | st.integers(120, 150))
    padding, kind = draw(pads), draw(dtype)
    make = numbers or (lambda rng, shape, dtype: rng.normal(size=shape).astype(dtype))
    return Case(
        make(rng, (n, c, height, width), kind),
        make(rng, (o, c, 3, 3), kind),
        make(rng, o, kind) if draw(st.booleans()) else None,
        make(rng, (n, o, height + 2 * padding[0] - 2, width + 2 * padding[1] - 2), kind),
        {"stride": (1, 1), "padding": padding, "dilation": (1, 1), "groups": 1},
    )


@contextmanager
def everywhere(**limits):
    """Winograd's way for the smallest convolutions too."""
    with mock.patch.multiple(winograd, **({"MIN_CHANNELS": 0, "MIN_TILES": 0, "MAX_WASTE": 100} | limits)):
        yield


def three(kernels, case):
    return (
        kernels[0](case.x, case.w, case.b, **case.settings),
        kernels[1](case.g, case.w, shape=case.x.shape, **case.settings),
        kernels[2](case.x, case.g, shape=case.w.shape, **case.settings),
    )


FAST = winograd.conv, winograd.conv_input, winograd.conv_weight


def defined(case):
    """The plain results in double precision."""
    x, w, b, g = (None if a is None else a.astype(np.float64) for a in case[:4])
    with jit.numpy_only():
        return three((conv, conv_input, conv_weight), Case(x, w, b, g, case.settings))


def rounding(case):
    """How far results may be from the definition.

    Each point sums up what the definition does, over a tile, with errors of about eps of the sum of magnitudes.
    """
    x, w, b, g = (None if a is None else np.abs(a) for a in case[:4])
    eps = np.finfo(case.x.dtype).eps
    return [MAGNIFIED * eps * sums.max(initial=0) for sums in defined(Case(x, w, b, g, case.settings))]


def assert_close(results, case):
    for result, expected, tolerance in zip(results, defined(case), rounding(case), strict=True):
        assert result.dtype == case.x.dtype
        np.testing.assert_allclose(result, expected, rtol=0, atol=tolerance)


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


def layer(n=3, c=48, o=40, size=(29, 21), dtype=np.float32, padding=(1, 1)):
    rng = np.random.default_rng(0)
    x, w, b = (rng.normal(size=shape).astype(dtype) for shape in ((n, c, *size), (o, c, 3, 3), o))
    g = rng.normal(size=(n, o, size[0] + 2 * padding[0] - 2, size[1] + 2 * padding[1] - 2)).astype(dtype)
    return Case(x, w, b, g, {"stride": (1, 1), "padding": padding, "dilation": (1, 1), "groups": 1})


def test_results_are_the_same_bits_for_any_number_of_threads(monkeypatch):
    case, results = layer(), []
    for threads in (1, 2, 3, 3):
        monkeypatch.setattr("minigrad.kernels.threads.thread_count", lambda threads=threads: threads)
        results.append(three(FAST, case))
    for others in results[1:]:
        for a, b in zip(results[0], others, strict=True):
            np.testing.assert_array_equal(a, b)


def test_layers_with_many_channels_are_answered_by_winograd():
    case = layer(c=96)
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

"""Pointwise convolutions of the same images by one product, and their transpose, against the plain definitions."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels import sibling_convolutions as siblings

from .compiled import compiled_kernels
from .layouts import integers, layouts, relaid

compiled = compiled_kernels("sibling_convolutions_numba")
pointwise = compiled_kernels("pointwise_convolution_numba")


@st.composite
def cases(draw):
    """Images, kernels with any numbers of outputs, and a cotangent for each."""
    n, c = draw(st.integers(1, 5)), draw(st.integers(1, 30))
    outs = draw(st.lists(st.integers(1, 30), min_size=1, max_size=4))
    size = draw(st.tuples(st.integers(1, 15), st.integers(1, 15)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    xs = [integers(rng, (n, c, *size), dtype)]
    return xs, [integers(rng, (o, c, 1, 1), dtype) for o in outs], [integers(rng, (n, o, *size), dtype) for o in outs]


def fast(case):
    """Both functions, however small."""
    (x,), ws, gs = case
    limits = mock.patch.multiple(siblings, MIN_PIXELS=1, MIN_CHANNELS=1)
    with limits, mock.patch.object(pointwise, "MIN_PIXELS", 1):
        return [*compiled.conv_each(x, *ws), compiled.conv_sum(*gs, *ws)]


def plain(case):
    (x,), ws, gs = case
    return [*siblings.conv_each.__wrapped__(x, *ws), siblings.conv_sum.__wrapped__(*gs, *ws)]


def assert_equal(results, expected):
    for a, b in zip(results, expected, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_array_equal(a, b)


@settings(max_examples=80, deadline=None)
@given(cases(), layouts)
def test_they_equal_the_definitions(case, layout):
    assert_equal(fast([[relaid(a, layout) for a in arrays] for arrays in case]), plain(case))


@settings(max_examples=30, deadline=None)
@given(cases(), st.sampled_from([np.nan, np.inf, -np.inf]), st.data())
def test_what_is_not_finite_is_where_the_definitions_have_it(case, value, data):
    for arrays in (case[0], case[2]):
        array = data.draw(st.sampled_from(arrays))
        array[tuple(data.draw(st.integers(0, n - 1)) for n in array.shape)] = value
    with np.errstate(invalid="ignore"):
        for result, expected in zip(fast(case), plain(case), strict=True):
            np.testing.assert_array_equal(np.isfinite(result), np.isfinite(expected))


def large(outs=(40, 16, 24), n=9, c=64, dtype=np.float32):
    rng = np.random.default_rng(0)
    arrays = [(n, c, 14, 14)], [(o, c, 1, 1) for o in outs], [(n, o, 14, 14) for o in outs]
    return [[rng.normal(size=shape).astype(dtype) for shape in shapes] for shapes in arrays]


def test_results_are_the_same_bits_for_any_number_of_threads(monkeypatch):
    results = []
    for threads in (1, 2, 3, 3):
        monkeypatch.setattr("minigrad.kernels.threads.thread_count", lambda threads=threads: threads)
        results.append(fast(large()))
    for others in results[1:]:
        assert_equal(others, results[0])


def test_large_images_take_one_product():
    (x,), ws, gs = large()
    with mock.patch.object(compiled, "convolve", wraps=pointwise.convolve) as convolve:
        each, total = siblings.conv_each(x, *ws), siblings.conv_sum(*gs, *ws)
    assert convolve.call_count == 2
    for a, b in zip([*each, total], plain(large()), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("case", [large((40, 16)), large(n=1), large(c=60), large(dtype=np.float16)])
def test_small_images_and_few_channels_are_left_to_separate_convolutions(case):
    (x,), ws, gs = case
    assert compiled.conv_each(x, *ws) is NotImplemented
    assert compiled.conv_sum(*gs, *ws) is NotImplemented


def test_arrays_of_different_dtypes_are_left_alone():
    (x,), ws, gs = large()
    ws[1], gs[2] = ws[1].astype(np.float64), gs[2].astype(np.float64)
    assert compiled.conv_each(x, *ws) is NotImplemented
    assert compiled.conv_sum(*gs, *large()[1]) is NotImplemented
    _, ws, gs = large()
    ws[2], gs[2] = ws[2].astype(np.float64), gs[2].astype(np.float64)  # each pair alike
    assert compiled.conv_sum(*gs, *ws) is NotImplemented

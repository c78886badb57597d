"""Convolution by kernels of one pixel, and its gradients, against the plain definition."""

from contextlib import ExitStack
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels import conv, conv_input, conv_weight

from .compiled import compiled_kernels
from .layouts import integers, layouts, relaid
from .strip_cases import assert_equal, defined, dtypes, layer
from .winograd_cases import Case, three

pointwise = compiled_kernels("pointwise_convolution_numba")
weight = compiled_kernels("pointwise_weight_numba")

PLAIN = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}
channels = st.integers(1, 40)


@st.composite
def cases(draw):
    """Images smaller and larger than a panel, channels that fill tiles and vectors or do not."""
    n, c, o = draw(st.integers(1, 9)), draw(channels), draw(channels)
    size = draw(st.tuples(st.integers(1, 20), st.integers(1, 20)))
    rng, dtype = np.random.default_rng(draw(st.integers(0, 2**32))), draw(dtypes)
    return Case(
        integers(rng, (n, c, *size), dtype),
        integers(rng, (o, c, 1, 1), dtype),
        integers(rng, o, dtype) if draw(st.booleans()) else None,
        integers(rng, (n, o, *size), dtype),
        PLAIN,
    )


def fast(case, **limits):
    """The result and the two gradients, however small, with other limits than usual."""
    few = {"MIN_PIXELS": 1, "MIN_CHANNELS": 1, "MIN_WEIGHTS": 1} | limits
    for module in (pointwise, weight):
        module.strips_of.cache_clear()
    with ExitStack() as stack:
        for module in (pointwise, weight):
            stack.callback(module.strips_of.cache_clear)
            stack.enter_context(mock.patch.multiple(module, **{k: few[k] for k in few.keys() & vars(module).keys()}))
        return three((pointwise.conv, pointwise.conv_input, weight.conv_weight), case)


@settings(max_examples=80, deadline=None)
@given(cases(), layouts)
def test_it_equals_the_definition(case, layout):
    relaid_case = Case(*(a if a is None else relaid(a, layout) for a in case[:4]), case.settings)
    assert_equal(fast(relaid_case), defined(case))


@settings(max_examples=40, deadline=None)
@given(cases(), st.integers(1, 1 << 14), st.integers(1, 400), st.integers(1, 20), st.integers(1, 40))
def test_strips_sums_and_parts_do_not_matter(case, strip, pixels, units, part):
    limits = {"STRIP_BYTES": strip, "SUM_PIXELS": pixels, "UNITS": units, "PART_CHANNELS": part}
    assert_equal(fast(case, **limits), defined(case))


@settings(max_examples=30, deadline=None)
@given(cases(), st.sampled_from([np.nan, np.inf, -np.inf]), st.data())
def test_what_is_not_finite_is_where_the_definition_has_it(case, value, data):
    for array in (case.x, case.g):
        array[tuple(data.draw(st.integers(0, n - 1)) for n in array.shape)] = value
    with np.errstate(invalid="ignore"):
        for result, expected in zip(fast(case), defined(case), strict=True):
            np.testing.assert_array_equal(np.isfinite(result), np.isfinite(expected))


@settings(max_examples=20, deadline=None)
@given(cases())
def test_inputs_are_unchanged_and_results_are_owned_by_the_caller(case):
    before = [a if a is None else a.copy() for a in case[:4]]
    for result in fast(case):
        assert not any(np.shares_memory(result, a) for a in case[:4] if a is not None)
        result[...] = 7
    for a, kept in zip(case[:4], before, strict=True):
        np.testing.assert_array_equal(a, kept)


class Doubled:
    """Doubles each part of a result that it is told of, and counts how often it is told of each number."""

    def __init__(self, shape):
        self.told = np.zeros(shape, int)

    def part(self, out, images, channels, rows):
        where = tuple(slice(*some) for some in (images, channels, rows))
        self.told[where] += 1
        out[where] *= 2

    def images(self, out, first, last):
        raise AssertionError("parts only")


@settings(max_examples=40, deadline=None)
@given(cases(), st.integers(1, 1 << 14), st.integers(1, 1 << 14))
def test_each_part_is_finished_once_and_is_complete_then(case, strip, together):
    finish = Doubled(case.g.shape)
    limits = mock.patch.multiple(pointwise, MIN_PIXELS=1, MIN_CHANNELS=1, STRIP_BYTES=strip)
    pointwise.strips_of.cache_clear()
    with limits, mock.patch("minigrad.kernels.finish.FINISH_BYTES", together):
        y = pointwise.conv(case.x, case.w, case.b, **case.settings, finish=finish)
    pointwise.strips_of.cache_clear()
    assert (finish.told == 1).all()
    np.testing.assert_array_equal(y, 2 * defined(case)[0])


def pixelwise(c=64, o=96, n=9, size=(14, 14), **others):
    case = layer(c, o, n, (1, 1), size, stride=(1, 1), **others)
    g = case.g[:, :, 1:-1, 1:-1].copy()  # of a convolution without padding
    return case._replace(g=g, settings={**case.settings, "padding": (0, 0)})


@pytest.mark.parametrize("case", [pixelwise(), pixelwise(200, 130, 16, (7, 7)), pixelwise(70, 64, 20, (20, 20))])
def test_results_are_the_same_bits_for_any_number_of_threads(case, monkeypatch):
    results = []
    for threads in (1, 2, 3, 3):
        monkeypatch.setattr("minigrad.kernels.threads.thread_count", lambda threads=threads: threads)
        results.append(fast(case))
    for others in results[1:]:
        assert_equal(others, results[0])


@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (1, 3)])
def test_convolutions_of_many_channels_are_answered_by_it(stride):
    case = pixelwise()
    g = case.g[:, :, :: stride[0], :: stride[1]].copy()
    case = case._replace(g=g, settings={**case.settings, "stride": stride})
    with (
        mock.patch.object(pointwise, "convolve_strips", wraps=pointwise.convolve_strips) as sweep,
        mock.patch.object(weight, "correlate_strips", wraps=weight.correlate_strips) as correlate,
    ):
        y = conv(case.x, case.w, case.b, **case.settings)
        assert sweep.called
        sweep.reset_mock()
        x = conv_input(case.g, case.w, shape=case.x.shape, **case.settings)
        assert sweep.called
        w = conv_weight(case.x, case.g, shape=case.w.shape, **case.settings)
        assert correlate.called
    for result, expected in zip((y, x, w), defined(case), strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-3)


def refused(case):
    return [r is NotImplemented for r in three((pointwise.conv, pointwise.conv_input, weight.conv_weight), case)]


def test_it_leaves_alone_what_it_cannot_do_or_not_faster():
    assert refused(pixelwise()) == refused(pixelwise(dtype=np.float64)) == [False] * 3
    assert refused(pixelwise(c=32)) == [True, True, False]
    assert refused(pixelwise(c=128, groups=2)) == [True] * 3
    assert refused(pixelwise(dtype=np.float16)) == [True] * 3
    assert refused(pixelwise(n=1)) == [True] * 3
    assert refused(pixelwise(c=24, o=64)) == refused(pixelwise(c=8, o=512)) == [True] * 3
    case = pixelwise()
    for other in ({"stride": (2, 2)}, {"padding": (1, 1)}):
        assert pointwise.conv(case.x, case.w, None, **{**PLAIN, **other}) is NotImplemented
    assert pointwise.conv(case.x, case.w.astype(np.float64), None, **PLAIN) is NotImplemented

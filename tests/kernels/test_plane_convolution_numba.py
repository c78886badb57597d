"""Convolution by planes, against the plain definition."""

from importlib import import_module

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minigrad.kernels import conv, conv_input, conv_weight

from .compiled import compiled_kernels
from .layouts import layouts, relaid
from .strip_cases import assert_equal, cases, defined, everywhere, layer
from .winograd_cases import Case, three

planes = compiled_kernels("plane_convolution_numba")

FAST = planes.conv, planes.conv_input, planes.conv_weight


@settings(max_examples=100)
@given(cases())
def test_it_equals_the_definition(case):
    with everywhere():
        assert_equal(three(FAST, case), defined(case))


@settings(max_examples=40)
@given(cases(), st.integers(1, 1 << 17), st.integers(1, 1 << 13), st.integers(1, 400), st.integers(1, 20))
def test_strips_and_sums_may_have_any_size(case, strip, near, joined, sums):
    with everywhere(STRIP_BYTES=strip, NEAR_BYTES=near, JOINED_WINDOWS=joined, SUMS=sums):
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


@pytest.mark.parametrize(
    "size", [(33, 30), (13, 12)]
)  # small images are joined, as many as leave strips for all threads
def test_results_are_the_same_bits_for_any_number_of_threads(size, monkeypatch):
    case, results = layer(n=40, size=size), []
    for threads in (1, 2, 3, 3):
        for module in (planes, import_module("minigrad.kernels.threads")):
            monkeypatch.setattr(module, "thread_count", lambda threads=threads: threads)
        results.append(three(FAST, case))
    for others in results[1:]:
        assert_equal(others, results[0])


few_channels = cases(ins=st.sampled_from([1, 2, 3, 5, 20]))


def two(kernels, case):
    """The result, and the gradient of the kernels."""
    y = kernels[0](case.x, case.w, case.b, **case.settings)
    return y, kernels[2](case.x, case.g, shape=case.w.shape, **case.settings)


@settings(max_examples=60)
@given(few_channels, st.integers(1, 1 << 16), st.integers(1, 1 << 13))
def test_channels_need_not_fill_vectors(case, strip, near):
    y, _, w = defined(case)
    with everywhere(STRIP_BYTES=strip, NEAR_BYTES=near):
        assert_equal(two(FAST, case), (y, w))


def test_strided_and_first_layers_are_answered_by_it():
    case = layer()
    assert_equal(three((conv, conv_input, conv_weight), case), three(FAST, case))
    for case in (layer(c=3), layer(c=3, kernel=(7, 7)), layer(c=1, n=9, kernel=(5, 5), stride=(1, 1))):
        assert_equal(two((conv, conv_input, conv_weight), case), two(FAST, case))


@pytest.mark.parametrize("rows", [(8, 8), (6, 4)])
@pytest.mark.parametrize("outs", range(1, 200))
def test_tiles_hold_all_outputs(outs, rows, monkeypatch):
    """All of them once, in tiles that there are; at the end at most as many more as a tile has rows."""
    for name, count in zip(("ROWS", "FEW_ROWS"), rows, strict=True):  # those with and without AVX-512
        monkeypatch.setattr(planes, name, count)
    tiles = planes.row_tiles(outs)
    assert set(np.diff(tiles)) <= {*rows}
    assert 0 <= tiles[-1] - outs < rows[0]


@pytest.mark.parametrize("vectors", range(1, 40))
def test_groups_hold_all_vectors(vectors):
    groups = planes.vector_groups(vectors)
    assert groups[-1] == vectors
    assert set(np.diff(groups)) <= {*range(1, planes.VECTORS + 1)}
    assert vectors == 1 or planes.VECTORS == 1 or np.diff(groups).min() > 1


def refused(case):
    return all(result is NotImplemented for result in three(FAST, case))


def test_it_leaves_alone_what_it_cannot_do_or_not_faster():
    assert refused(layer(o=24))
    assert not refused(layer(c=24, o=24, dtype=np.float64))
    assert refused(layer(dtype=np.float16))
    assert refused(layer(c=32, groups=2))
    assert refused(layer(kernel=(1, 1)))
    assert refused(layer(c=60))
    assert refused(layer(n=1, size=(9, 9)))
    case = layer(c=3)
    assert planes.conv_input(case.g, case.w, shape=case.x.shape, **case.settings) is NotImplemented
    case = layer()
    assert planes.conv(case.x, case.w.astype(np.float64), case.b, **case.settings) is NotImplemented

"""Kernels of volumes: against plain loops, and the compiled ones against their definitions."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minigrad.kernels import (
    adaptive_bounds,
    adaptive_positions,
    avg_pool,
    avg_pool_input,
    conv,
    conv_input,
    conv_weight,
    fold,
    jit,
    max_pool,
    max_pool_input,
    max_pool_take,
    unfold,
)
from minigrad.kernels.window_geometry import output_size
from tests.kernels.compiled import compiled_kernels

from .layouts import integers


def triples(least, most):
    return st.tuples(*[st.integers(least, most)] * 3)


@st.composite
def windows(draw, halves=False):
    """The sides of a volume, windows that fit into it, and a generator."""
    size, kernel, stride = draw(triples(1, 5)), draw(triples(1, 3)), draw(triples(1, 3))
    dilation = draw(triples(1, 2))
    padding = tuple(draw(st.integers(0, k // 2 if halves else 2)) for k in kernel)
    assume(min(output_size(size, kernel, stride, padding, dilation)) > 0)
    where = {"stride": stride, "padding": padding, "dilation": dilation}
    return size, kernel, where, np.random.default_rng(draw(st.integers(0, 2**32)))


@settings(max_examples=30)
@given(windows(), st.integers(1, 2), st.integers(0, 2))
def test_convolution_is_the_textbooks_and_its_transposes_fit(case, groups, n):
    size, kernel, where, rng = case
    x, w = integers(rng, (n, 2 * groups, *size)), integers(rng, (2 * groups, 2, *kernel))
    b, count = integers(rng, len(w)), output_size(size, kernel, **where)
    read = unfold(x, kernel=kernel, count=count, **where)
    parts = [
        np.einsum("ncrpqkij,ocrpq->nokij", read[:, 2 * k : 2 * k + 2], w[2 * k : 2 * k + 2]) for k in range(groups)
    ]
    expected = np.concatenate(parts, axis=1) + b[:, None, None, None]
    out = conv(x, w, b, **where, groups=groups)
    np.testing.assert_array_equal(out, expected)
    g = integers(rng, out.shape)
    product_of_both = np.vdot(out - b[:, None, None, None], g)
    assert np.vdot(conv_input(g, w, shape=x.shape, **where, groups=groups), x) == product_of_both
    assert np.vdot(conv_weight(x, g, shape=w.shape, **where, groups=groups), w) == product_of_both


@settings(max_examples=20)
@given(windows(), st.integers(1, 3000))
def test_blocks_of_any_size_give_the_same(case, limit):
    size, kernel, where, rng = case
    x, w = integers(rng, (3, 2, *size)), integers(rng, (2, 2, *kernel))
    g = integers(rng, (3, 2, *output_size(size, kernel, **where)))
    calls = [
        lambda: conv(x, w, None, **where, groups=1),
        lambda: conv_input(g, w, shape=x.shape, **where, groups=1),
        lambda: conv_weight(x, g, shape=w.shape, **where, groups=1),
    ]
    whole = [call() for call in calls]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minigrad.kernels.volume_convolution.BLOCK_BYTES", limit)
        for call, expected in zip(calls, whole, strict=True):
            np.testing.assert_array_equal(call(), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("c", "kernel", "stride"), [(3, (3, 3, 3), (1, 1, 1)), (6, (2, 3, 2), (2, 2, 1))])
def test_channels_that_are_added_for_the_compiled_kernels_change_nothing(rng, dtype, c, kernel, stride):
    pytest.importorskip("numba")
    where = {"stride": stride, "padding": (1, 1, 0), "dilation": (1, 1, 1), "groups": 1}
    x, w = (rng.normal(size=shape).astype(dtype) for shape in ((4, c, 5, 20, 21), (32, c, *kernel)))
    b = rng.normal(size=32).astype(dtype)
    g = conv(x, w, b, **where)
    calls = [
        lambda: conv(x, w, b, **where),
        lambda: conv_input(g, w, shape=x.shape, **where),
        lambda: conv_weight(x, g, shape=w.shape, **where),
    ]
    found = [call() for call in calls]
    with jit.numpy_only():
        expected = [call() for call in calls]
    for mine, other in zip(found, expected, strict=True):
        assert mine.dtype == dtype
        assert mine.shape == other.shape
        atol = (1e-5 if dtype == np.float32 else 1e-12) * np.abs(other).max()
        np.testing.assert_allclose(mine, other, atol=atol)


@settings(max_examples=30)
@given(windows(), st.integers(0, 1))
def test_windows_read_what_the_formula_says_and_fold_is_their_transpose(case, more):
    size, kernel, where, rng = case
    x = integers(rng, (1, 2, *size))
    count = tuple(n + more for n in output_size(size, kernel, **where))  # the last ones hang over the edge
    read = unfold(x, kernel=kernel, count=count, **where)
    around = np.zeros((1, 2, *[n + 30 for n in size]))
    inside = tuple(slice(p, p + n) for p, n in zip(where["padding"], size, strict=True))
    around[:, :, *inside] = x
    steps = list(zip(where["stride"], where["dilation"], strict=True))
    for place in product(*map(range, kernel)):
        at = [slice(d * p, d * p + s * n, s) for p, n, (s, d) in zip(place, count, steps, strict=True)]
        np.testing.assert_array_equal(read[:, :, *place], around[:, :, *at])
    y = integers(rng, read.shape)
    assert np.vdot(fold(y, shape=x.shape, **where), x) == np.vdot(read, y)


def largest(volume, kernel, where, count):
    """The first largest element of each window and its position, by a loop."""
    values, positions = np.full(count, -np.inf), np.full(count, -1)
    for window in np.ndindex(count):
        for tap in np.ndindex(kernel):
            axes = zip(window, tap, where["stride"], where["dilation"], where["padding"], strict=True)
            at = tuple(s * i + d * p - pad for i, p, s, d, pad in axes)
            if all(0 <= a < n for a, n in zip(at, volume.shape, strict=True)):
                better = volume[at] > values[window] or (np.isnan(volume[at]) and not np.isnan(values[window]))
                if positions[window] < 0 or better:
                    values[window], positions[window] = volume[at], np.ravel_multi_index(at, volume.shape)
    return values, positions


@settings(max_examples=30)
@given(windows(halves=True), st.booleans())
def test_max_pooling_finds_the_first_maximum(case, with_nan):
    size, kernel, where, rng = case
    x = integers(rng, (2, 1, *size))
    if with_nan:
        x[rng.random(x.shape) < 0.2] = np.nan
    count = output_size(size, kernel, **where, ceil_mode=True)
    out, positions = max_pool(x, kernel=kernel, **where, out_size=count)
    for n in range(2):
        values, places = largest(x[n, 0], kernel, where, count)
        np.testing.assert_array_equal(out[n, 0], values)
        np.testing.assert_array_equal(positions[n, 0], places)
    taken = max_pool_take(x, positions)
    np.testing.assert_array_equal(taken[positions >= 0], out[positions >= 0])
    finite, g = np.nan_to_num(x), integers(rng, positions.shape)
    assert np.vdot(max_pool_take(finite, positions), g) == np.vdot(finite, max_pool_input(g, positions, shape=x.shape))


@settings(max_examples=30)
@given(windows(halves=True), st.booleans(), st.sampled_from([np.float32, np.float64]))
def test_compiled_pooling_in_two_passes_equals_that_in_one(case, include, dtype):
    fast = compiled_kernels("pooling_numba")
    size, kernel, where, rng = case
    x = integers(rng, (2, 2, *size), dtype)
    x[rng.random(x.shape) < 0.1] = np.nan
    count = output_size(size, kernel, **where, ceil_mode=True)
    found = fast.max_pool(x, kernel=kernel, **where, out_size=count)
    for a, b in zip(found, max_pool(x, kernel=kernel, **where, out_size=count), strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype
    x = np.nan_to_num(x)
    del where["dilation"]
    mean = {"kernel": kernel, **where, "count_include_pad": include}
    count = output_size(size, kernel, **where, ceil_mode=True)
    out = avg_pool(x, **mean, out_size=count)
    np.testing.assert_allclose(fast.avg_pool(x, **mean, out_size=count), out, atol=1e-6)
    back = avg_pool_input(out, shape=x.shape, **mean)
    np.testing.assert_allclose(fast.avg_pool_input(out, shape=x.shape, **mean), back, atol=1e-6)
    assert np.vdot(out, out) == pytest.approx(np.vdot(back, x), rel=1e-5, abs=1e-5)


def test_large_volumes_take_the_compiled_way_with_equal_values(rng):
    x = integers(rng, (2, 4, 6, 20, 18), np.float32)
    settings = {"kernel": (3, 2, 2), "stride": (2, 2, 1), "padding": (1, 0, 1), "dilation": (1, 1, 1)}
    whole, positions = max_pool(x, **settings)
    for n, c in np.ndindex(2, 4):
        one, places = max_pool(x[n : n + 1, c : c + 1], **settings)
        np.testing.assert_array_equal(whole[n, c], one[0, 0])
        np.testing.assert_array_equal(positions[n, c], places[0, 0])


@given(triples(1, 4), triples(1, 3))
def test_adaptive_positions_are_the_largest_of_cells(size, cells):
    x = integers(np.random.default_rng(0), (1, 1, *size))
    bounds = [list(zip(*adaptive_bounds(n, c), strict=True)) for n, c in zip(size, cells, strict=True)]
    found = adaptive_positions(x, size=cells)
    for cell in np.ndindex(cells):
        ranges = [range(*axis[i]) for axis, i in zip(bounds, cell, strict=True)]
        first = max(product(*ranges), key=lambda at: x[0, 0][at])
        assert found[0, 0][cell] == np.ravel_multi_index(first, size)
        assert found[0, 0][cell] < math.prod(size)

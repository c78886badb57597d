"""Pooling against plain loops over windows, and the transposes against pooling."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minigrad.kernels import avg_pool, avg_pool_input, max_pool, max_pool_input, max_pool_take, pooling
from tests.kernels.compiled import compiled_kernels

from .layouts import integers, layouts, relaid


@st.composite
def windows(draw, dilated=True):
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    stride = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2))) if dilated else (1, 1)
    shape = draw(st.tuples(st.integers(0, 2), st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)))
    last = [n + 2 * pad - d * (k - 1) - 1 for n, k, pad, d in zip(shape[2:], kernel, padding, dilation, strict=True)]
    assume(min(last) >= 0)
    ceil = draw(st.booleans())  # then a window may hang over the edge, but none starts behind it
    count = tuple(
        m // s + 1 + (ceil and m % s > 0 and (m // s + 1) * s < n + pad)
        for m, s, n, pad in zip(last, stride, shape[2:], padding, strict=True)
    )
    x = integers(np.random.default_rng(draw(st.integers(0, 2**32))), shape)
    given_settings = {"kernel": kernel, "stride": stride, "padding": padding}
    return x, count, given_settings | ({"dilation": dilation} if dilated else {})


def window(image, i, j, *, kernel, stride, padding, dilation=(1, 1)):
    """The pixels (h, w) of a window that lie in the image, in row-major order."""
    places = product(*(
        [s * at + d * p - pad for p in range(k)]
        for at, k, s, pad, d in zip((i, j), kernel, stride, padding, dilation, strict=True)
    ))  # fmt: skip
    return [(h, w) for h, w in places if 0 <= h < image.shape[0] and 0 <= w < image.shape[1]]


@given(windows())
def test_max_pool_finds_the_first_maximum_of_each_window(case):
    x, count, where = case
    out, positions = max_pool(x, **where, out_size=count)
    assert out.shape == positions.shape == x.shape[:2] + count
    for n, c, i, j in np.ndindex(out.shape):
        inside = window(x[n, c], i, j, **where)
        if not inside:
            assert (out[n, c, i, j], positions[n, c, i, j]) == (-np.inf, -1)
            continue
        first = max(inside, key=lambda place: x[n, c][place])
        assert out[n, c, i, j] == x[n, c][first]
        assert positions[n, c, i, j] == first[0] * x.shape[3] + first[1]


@given(windows(dilated=False), st.booleans())
def test_avg_pool_is_the_mean_of_each_window(case, include):
    x, count, where = case
    out = avg_pool(x, **where, count_include_pad=include, out_size=count)
    bounds = [n + pad for n, pad in zip(x.shape[2:], where["padding"], strict=True)]
    for n, c, i, j in np.ndindex(out.shape):
        inside = window(x[n, c], i, j, **where)
        area = len(inside)
        if include:
            starts = [s * at - pad for s, at, pad in zip(where["stride"], (i, j), where["padding"], strict=True)]
            ends = [min(a + k, b) for a, k, b in zip(starts, where["kernel"], bounds, strict=True)]
            area = (ends[0] - starts[0]) * (ends[1] - starts[1])
        assert out[n, c, i, j] == pytest.approx(sum(x[n, c][place] for place in inside) / area)


@given(windows(dilated=False), st.booleans())
def test_avg_pool_input_is_the_transpose_of_avg_pool(case, include):
    x, count, where = case
    out = avg_pool(x, **where, count_include_pad=include, out_size=count)
    g = integers(np.random.default_rng(0), out.shape)
    back = avg_pool_input(g, shape=x.shape, **where, count_include_pad=include)
    assert np.vdot(out, g) == pytest.approx(np.vdot(x, back))


@given(windows())
def test_max_pool_input_is_the_transpose_of_max_pool_take(case):
    x, count, where = case
    out, positions = max_pool(x, **where, out_size=count)
    g = integers(np.random.default_rng(0), out.shape)
    taken = max_pool_take(x, positions)
    np.testing.assert_array_equal(taken[positions >= 0], out[positions >= 0])
    assert np.vdot(taken, g) == np.vdot(x, max_pool_input(g, positions, shape=x.shape))


@given(windows(), windows(dilated=False), st.booleans(), layouts)
def test_compiled_kernels_equal_their_definitions(case, other, include, layout):
    fast = compiled_kernels("pooling_numba")
    for x, count, where in (case,):
        x = relaid(x, layout)
        out, positions = max_pool(x, **where, out_size=count)
        for a, b in zip(fast.max_pool(x, **where, out_size=count), (out, positions), strict=True):
            np.testing.assert_array_equal(a, b)
        scattered = fast.max_pool_input(relaid(out, layout), positions, shape=x.shape)
        np.testing.assert_array_equal(scattered, max_pool_input(out, positions, shape=x.shape))
        np.testing.assert_array_equal(fast.max_pool_take(x, positions), max_pool_take(x, positions))
    x, count, where = other
    where = where | {"count_include_pad": include}
    out = avg_pool(x, **where, out_size=count)
    np.testing.assert_allclose(fast.avg_pool(relaid(x, layout), **where, out_size=count), out, atol=1e-12)
    spread = fast.avg_pool_input(relaid(out, layout), shape=x.shape, **where)
    np.testing.assert_allclose(spread, avg_pool_input(out, shape=x.shape, **where), atol=1e-12)


def both(name):
    yield getattr(pooling, name)
    if (fast := compiled_kernels("pooling_numba")) is not None:
        yield getattr(fast, name)


def test_nan_is_the_largest_and_the_first_nan_is_chosen():
    x = np.array([[1, np.nan, 2], [np.nan, 5, np.inf], [3, 4, -np.inf]]).reshape(1, 1, 3, 3)
    for f in both("max_pool"):
        out, positions = f(x, kernel=(2, 2), stride=(1, 1), padding=(0, 0), dilation=(1, 1))
        np.testing.assert_array_equal(out[0, 0], [[np.nan, np.nan], [np.nan, np.inf]])
        np.testing.assert_array_equal(positions[0, 0], [[1, 1], [3, 5]])


@given(windows(), st.sampled_from([np.float32, np.float64]), st.integers(0, 2**32))
def test_compiled_max_pool_chooses_as_its_definition_among_nan_and_infinities(case, dtype, seed):
    fast = compiled_kernels("pooling_numba")
    x, count, where = case
    rare = np.array([np.nan, np.inf, -np.inf, -np.inf, 0, -0.0, 1], dtype)
    x = np.random.default_rng(seed).choice(rare, x.shape)
    for a, b in zip(fast.max_pool(x, **where, out_size=count), max_pool(x, **where, out_size=count), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [(2, 2, 0), (3, 2, 0), (3, 2, 1), (3, 1, 1), (5, 3, 2), (2, 3, 1)])
def test_compiled_kernels_equal_their_definitions_in_rows_of_several_vectors(sizes, dtype):
    fast = compiled_kernels("pooling_numba")
    kernel, stride, padding = sizes
    where = {"kernel": (kernel,) * 2, "stride": (stride,) * 2, "padding": (padding,) * 2}
    for width in (31, 70):
        x = np.random.default_rng(width).standard_normal((2, 2, 7, width)).astype(dtype)
        average = where | {"count_include_pad": False}
        g = avg_pool(x, **average)
        np.testing.assert_allclose(fast.avg_pool(x, **average), g, rtol=1e-5, atol=1e-6)
        spread = fast.avg_pool_input(g, shape=x.shape, **average)
        np.testing.assert_allclose(spread, avg_pool_input(g, shape=x.shape, **average), rtol=1e-5, atol=1e-6)
        np.put(x, [3, 40, 90], [np.nan, np.inf, -np.inf])
        out, positions = max_pool(x, **where, dilation=(1, 1))
        for a, b in zip(fast.max_pool(x, **where, dilation=(1, 1)), (out, positions), strict=True):
            np.testing.assert_array_equal(a, b)
        back = fast.max_pool_input(g, positions, shape=x.shape)
        np.testing.assert_array_equal(back, max_pool_input(g, positions, shape=x.shape))


def test_nan_in_a_mean_or_its_gradient_stays_in_its_window():
    for f, back in zip(both("avg_pool"), both("avg_pool_input"), strict=True):
        for kernel, stride in ((2, 2), (3, 2), (2, 1)):
            where = {"kernel": (kernel,) * 2, "stride": (stride,) * 2, "padding": (0, 0), "count_include_pad": True}
            x = np.zeros((1, 2, 6, 40))
            x[0, 1, 2, 21] = np.nan
            found = np.argwhere(np.isnan(f(x, **where)))
            assert {tuple(place) for place in found} == {
                (0, 1, i, j)
                for i in range((6 - kernel) // stride + 1)
                for j in range((40 - kernel) // stride + 1)
                if i * stride <= 2 < i * stride + kernel and j * stride <= 21 < j * stride + kernel
            }
            g = np.zeros(f(x, **where).shape)
            g[0, 0, 1, 9] = np.nan
            pixels = np.isnan(back(g, shape=x.shape, **where))
            assert pixels.sum() == pixels[0, 0, stride : stride + kernel, 9 * stride : 9 * stride + kernel].sum()
            assert pixels.sum() == kernel**2


def test_a_window_of_minus_infinity_points_into_the_image():
    x = np.full((1, 1, 2, 2), -np.inf)
    for f in both("max_pool"):
        _, positions = f(x, kernel=(2, 2), stride=(2, 2), padding=(1, 1), dilation=(1, 1))
        np.testing.assert_array_equal(positions[0, 0], [[0, 1], [2, 3]])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtype_is_kept_and_inputs_are_unchanged(dtype):
    x = integers(np.random.default_rng(0), (1, 2, 6, 6), dtype)
    kept = x.copy()
    where = {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0)}
    out, positions = max_pool(x, **where, dilation=(1, 1))
    results = [
        out,
        max_pool_input(out, positions, shape=x.shape),
        max_pool_take(x, positions),
        avg_pool(x, **where, count_include_pad=True),
        avg_pool_input(out, **where, shape=x.shape, count_include_pad=True),
    ]
    for result in results:
        assert result.dtype == dtype
        assert not np.shares_memory(result, x)
    np.testing.assert_array_equal(x, kept)


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_equal_maxima_give_the_gradient_to_the_first(seed):
    x = np.full((1, 1, 4, 4), np.random.default_rng(seed).normal())
    _, positions = max_pool(x, kernel=(2, 2), stride=(2, 2), padding=(0, 0), dilation=(1, 1))
    back = max_pool_input(np.ones((1, 1, 2, 2)), positions, shape=x.shape)
    np.testing.assert_array_equal(np.argwhere(back[0, 0]), [[0, 0], [0, 2], [2, 0], [2, 2]])

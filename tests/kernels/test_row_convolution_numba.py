"""Convolution of few channels, with pixels of rows in lanes, and its gradients, against the plain definition."""

from unittest import mock

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minigrad.kernels import conv, conv_input, jit
from minigrad.kernels.window_geometry import output_size

from .compiled import compiled_kernels
from .layouts import integers, layouts, relaid
from .strip_cases import assert_equal, dtypes, pairs

rows = compiled_kernels("row_convolution_numba")
spread = compiled_kernels("spread_rows_numba")
direct = compiled_kernels("convolution_numba")

PLAIN = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}


@st.composite
def cases(draw):
    """Images, kernels, a bias or None, a cotangent, and settings; rows shorter and longer than a vector."""
    kernel, dilation, padding = draw(pairs), draw(pairs), draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    padding = tuple(min(pad, d * (k - 1)) for pad, d, k in zip(padding, dilation, kernel, strict=True))
    size = draw(st.tuples(st.integers(2, 12), st.integers(1, 40)))
    count = output_size(size, kernel, (1, 1), padding, dilation)
    assume(count[0] >= rows.ROWS and count[1] > 0)
    n, c, o = draw(st.integers(0, 3)), draw(st.integers(1, 4)), draw(st.integers(1, 13))
    rng, dtype = np.random.default_rng(draw(st.integers(0, 2**32))), draw(dtypes)
    made = [integers(rng, shape, dtype) for shape in ((n, c, *size), (o, c, *kernel), o, (n, o, *count))]
    made[2] = made[2] if draw(st.booleans()) else None
    return made, {"stride": (1, 1), "padding": padding, "dilation": dilation, "groups": 1}, count


def fast(x, w, b, g, where, count):
    """The result, and the gradient of the images in two ways."""
    with mock.patch.object(spread, "cost", return_value=np.inf):
        y, by_rows = rows.conv(x, w, b, count=count, **where), rows.conv_input(g, w, shape=x.shape, **where)
    sides = {name: where[name] for name in ("padding", "dilation")}
    return y, by_rows, spread.conv_input(g, w, shape=x.shape, **sides)


def plain(x, w, b, g, where, count):
    with jit.numpy_only(), np.errstate(invalid="ignore"):
        to_images = conv_input(g, w, shape=x.shape, **where)
        return conv(x, w, b, **where), to_images, to_images


@settings(max_examples=80, deadline=None)
@given(cases(), layouts)
def test_it_equals_the_definition(case, layout):
    (x, w, b, g), where, count = case
    assert_equal(fast(relaid(x, layout), relaid(w, layout), b, relaid(g, layout), where, count),
                 plain(x, w, b, g, where, count))  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(cases(), st.sampled_from([np.nan, np.inf, -np.inf]), st.data())
def test_what_is_not_finite_is_where_the_definition_has_it(case, value, data):
    (x, w, b, g), where, count = case
    assume(x.size > 0)
    for array in (x, g):
        array[tuple(data.draw(st.integers(0, n - 1)) for n in array.shape)] = value
    w[w == 0] = 1
    with np.errstate(invalid="ignore"):
        for result, expected in zip(fast(x, w, b, g, where, count), plain(x, w, b, g, where, count), strict=True):
            np.testing.assert_array_equal(np.isfinite(result), np.isfinite(expected))


def lenet(n=9):
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape).astype(np.float32) for shape in ((n, 1, 32, 32), (6, 1, 5, 5), 6, (n, 6, 28, 28))]


def test_results_are_the_same_bits_for_any_number_of_threads(monkeypatch):
    results = []
    for threads in (1, 2, 3):
        monkeypatch.setattr("minigrad.kernels.threads.thread_count", lambda threads=threads: threads)
        results.append(fast(*lenet(), PLAIN, (28, 28)))
    for others in results[1:]:
        assert_equal(others, results[0])


def test_it_is_taken_where_it_costs_least():
    x, w, b, g = lenet()

    def takes(function, *args, way=(rows, "convolve_rows"), **settings):
        with mock.patch.object(*way, wraps=getattr(*way)) as kernel:
            function(*args, **settings)
        return kernel.called

    assert takes(direct.conv, x, w, b, **PLAIN)
    assert takes(direct.conv, x[..., :20, :20].astype(np.float64), w.astype(np.float64), b, **PLAIN)
    assert not takes(direct.conv_input, g, w, shape=x.shape, **PLAIN)  # one channel would fill a sixth of a tile
    assert not takes(direct.conv, x, w, b, **{**PLAIN, "stride": (2, 2)})
    assert not takes(direct.conv, x[..., :8, :8], w, b, **PLAIN)  # rows of 4 would fill a fourth of a vector
    w, g = np.ones((16, 6, 5, 5), np.float32), np.ones((3, 16, 10, 10), np.float32)
    assert takes(direct.conv_input, g, w, shape=(3, 6, 14, 14), way=(spread, "spread_images"), **PLAIN)

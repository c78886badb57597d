"""Columns hold what windows read, and their way back is the transpose."""

from importlib import import_module

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from minigrad.kernels.columns import Windows, col2im, im2col
from tests.kernels.compiled import compiled_kernels

from .layouts import integers

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def cases(draw):
    kernel, stride, dilation = draw(pairs), draw(pairs), draw(pairs)
    padding = draw(st.tuples(st.integers(-2, 4), st.integers(-2, 4)))
    size = draw(st.tuples(st.integers(1, 8), st.integers(1, 8)))
    count = tuple(
        (n + 2 * a - d * (k - 1) - 1) // s + 1
        for n, k, s, a, d in zip(size, kernel, stride, padding, dilation, strict=True)
    )
    assume(min(count) > 0)
    first = draw(st.integers(0, count[0] - 1))
    rows = draw(st.integers(1, count[0] - first))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, c = draw(st.integers(0, 3)), draw(st.integers(1, 3))
    x, columns = integers(rng, (n, c, *size)), integers(rng, (c, *kernel, n, rows, count[1]))
    return x, columns, Windows(kernel, stride, padding, dilation, count), first


def read(x, windows, first, c, p, q, n, i, j):
    h = windows.stride[0] * (first + i) + windows.dilation[0] * p - windows.padding[0]
    w = windows.stride[1] * j + windows.dilation[1] * q - windows.padding[1]
    return x[n, c, h, w] if 0 <= h < x.shape[2] and 0 <= w < x.shape[3] else 0


@given(cases())
def test_columns_are_what_windows_read(case):
    x, columns, windows, first = case
    im2col(x, columns, windows, first)
    for place in np.ndindex(columns.shape):
        assert columns[place] == read(x, windows, first, *place)


@given(cases())
def test_col2im_is_the_transpose_of_im2col(case):
    x, columns, windows, first = case
    gathered, scattered = np.empty_like(columns), np.zeros_like(x)
    im2col(x, gathered, windows, first)
    col2im(columns, scattered, windows, first)
    assert np.vdot(gathered, columns) == np.vdot(x, scattered)


@given(cases())
def test_compiled_variants_do_the_same(case):
    fast = compiled_kernels("columns_numba")
    plain = import_module("minigrad.kernels.columns")
    x, columns, windows, first = case
    outs = []
    for module in (plain, fast):
        gathered, scattered = np.full_like(columns, np.nan), x.copy()
        assert module.im2col(x, gathered, windows, first) is None
        assert module.col2im(columns, scattered, windows, first) is None
        outs.append((gathered, scattered))
    for ours, theirs in zip(*outs, strict=True):
        np.testing.assert_array_equal(ours, theirs)

"""Window geometry: the formulas against windows that are counted one by one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minigrad.kernels.window_geometry import (
    crop_image,
    effective_kernel_size,
    output_size,
    pad_image,
    padded_size,
    taps,
    transposed_size,
    window_count,
    window_span,
)

small = st.integers(1, 5)


@given(size=st.integers(1, 12), kernel=small, stride=small, padding=st.integers(0, 4), dilation=small)
def test_windows_are_as_many_as_fit(size, kernel, stride, padding, dilation):
    reach = effective_kernel_size(kernel, dilation)
    assert reach == np.ptp(dilation * np.arange(kernel)) + 1
    starts = range(-padding, size + padding, stride)
    whole = [start for start in starts if start + reach <= size + padding]
    assert max(0, window_count(size, kernel, stride, padding, dilation)) == len(whole)
    if whole and 2 * padding <= kernel:  # as in pooling
        unread = whole[-1] + reach < size + padding
        more = unread and whole[-1] + stride < size  # a window over the edge, which begins inside
        assert window_count(size, kernel, stride, padding, dilation, ceil_mode=True) == len(whole) + more


@given(count=small, kernel=small, stride=small, dilation=small, padding=st.integers(0, 3))
def test_span_and_transposed_size_are_inverse_to_the_count(count, kernel, stride, dilation, padding):
    span = window_span(count, kernel, stride, dilation)
    assert window_count(span, kernel, stride, 0, dilation) == count
    size = transposed_size(count, kernel, stride, padding, dilation)
    assert size == span - 2 * padding
    assert window_count(size, kernel, stride, padding, dilation) == count
    assert transposed_size(count, kernel, stride, padding, dilation, 2) == size + 2


@given(st.tuples(small, small), st.tuples(small, small), st.tuples(small, small), st.tuples(small, small))
def test_taps_read_what_the_formula_says(size, kernel, stride, padding):
    count = output_size(size, kernel, stride, padding)
    if min(count) < 1:
        return
    x = np.arange(size[0] * size[1], dtype=float).reshape(1, 1, *size) + 1
    padded = pad_image(x, padding, padded_size(count, kernel, stride))
    around = np.pad(x[0, 0], [(p, p + s + k) for p, s, k in zip(padding, stride, kernel, strict=True)])
    for (p, q), view in taps(padded, count, kernel, stride):
        for i, j in np.ndindex(count):
            assert view[0, 0, i, j] == around[stride[0] * i + p, stride[1] * j + q]
    back = np.zeros_like(x)
    crop_image(padded, padding, back)
    read = np.zeros(size, bool)
    height, width = (n - p for n, p in zip(padded_size(count, kernel, stride), padding, strict=True))
    read[: max(height, 0), : max(width, 0)] = True
    np.testing.assert_array_equal(back[0, 0], np.where(read, x[0, 0], 0))

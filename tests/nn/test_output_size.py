"""Sizes of results: the formula, what does not fit, and what the layers really give."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from minigrad import ShapeError, UsageError, nn

small = st.integers(1, 5)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "expected"),
    [(7, 3, 1, 0, 5), (7, 3, 2, 0, 3), (5, 3, 1, 1, 5), (5, 3, 2, 1, 3), (227, 11, 4, 0, 55), (11, 5, 2, 0, 4)],
)
def test_convolutions_of_the_textbook(size, kernel, stride, padding, expected):
    assert nn.conv_output_size(size, kernel, stride, padding, exact=True) == expected


@pytest.mark.parametrize(("size", "kernel", "stride", "padding"), [(5, 3, 3, 1), (10, 3, 2, 0), (224, 11, 4, 0)])
def test_what_does_not_fit_is_refused_when_asked_to_be_exact(size, kernel, stride, padding):
    assert nn.conv_output_size(size, kernel, stride, padding) >= 1
    for function in (nn.conv_output_size, nn.pool_output_size):
        with pytest.raises(ShapeError, match=r"is not whole: try a size of (\d+) or (\d+)") as caught:
            function(size, kernel, stride, padding, exact=True)
        near = [int(word) for word in str(caught.value).replace(":", " ").split() if word.isdigit()][-2:]
        assert near[0] < size < near[1]
        for other in near:
            function(other, kernel, stride, padding, exact=True)


@given(
    size=st.tuples(st.integers(1, 12), st.integers(1, 12)), kernel=small, stride=small, padding=small, dilation=small
)
def test_sizes_are_those_of_the_layers(size, kernel, stride, padding, dilation):
    assume(all(n + 2 * padding >= dilation * (kernel - 1) + 1 for n in size))
    x = np.ones((1, *size), np.float32)
    layer = nn.Conv2d(1, 1, kernel, stride, padding, dilation)
    grown = nn.conv_output_size(size, kernel, stride, padding, dilation)
    assert layer(x).shape[1:] == grown
    if 2 * padding <= kernel:
        for ceil_mode in (False, True):
            pool = nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=ceil_mode)
            assert pool(x).shape[1:] == nn.pool_output_size(size, kernel, stride, padding, dilation, ceil_mode)
    y = np.ones((1, *grown), np.float32)
    back = nn.ConvTranspose2d(1, 1, kernel, stride, padding, dilation=dilation)
    assume(all((n - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1 >= 1 for n in grown))
    assert back(y).shape[1:] == nn.conv_transpose_output_size(grown, kernel, stride, padding, 0, dilation)


def test_pooling_moves_by_its_kernel_unless_told_otherwise():
    assert nn.pool_output_size((224, 112), 2) == (112, 56)
    assert nn.pool_output_size((6, 6), 2, 1, 1) == (7, 7)
    assert nn.pool_output_size((6, 9), (2, 3), (1, 3)) == (5, 3)


@pytest.mark.parametrize("function", [nn.conv_output_size, nn.pool_output_size, nn.conv_transpose_output_size])
def test_settings_that_make_no_sense_are_refused(function):
    with pytest.raises(UsageError, match="must be at least 1, and padding at least 0"):
        function(5, 0)
    with pytest.raises(UsageError, match="takes one integer, or two for height and width"):
        function((5, 5), (3, 3, 3))


def test_nothing_left_is_refused():
    with pytest.raises(ShapeError, match="reaches over 5 pixels but the padded side has only 4"):
        nn.conv_output_size(4, 3, dilation=2)
    with pytest.raises(ShapeError, match="padding 3 leaves nothing"):
        nn.conv_transpose_output_size(1, 3, padding=3)

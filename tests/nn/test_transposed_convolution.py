"""Transposed convolutions reach each size that their convolution comes from."""

import numpy as np
import pytest

from minigrad import UsageError, nn


def x32(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


def test_transposed_convolution_reaches_each_size_that_the_convolution_maps_to_its_input(rng):
    conv, back = nn.Conv2d(1, 2, 3, stride=2, padding=1), nn.ConvTranspose2d(2, 1, 3, stride=2, padding=1)
    for size in (7, 8):
        small = conv(x32(rng, 1, 1, size, size))
        assert back(small, output_size=(size, size)).shape == (1, 1, size, size)
    with pytest.raises(
        UsageError, match=r"output_size \(9, 9\) cannot be reached from \(4, 4\): .* \(7, 7\) to \(8, 8\)"
    ):
        back(small, output_size=[9, 9])

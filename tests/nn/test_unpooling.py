"""Max unpooling puts elements back."""

import numpy as np

from minigrad import nn


def x32(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


def test_max_unpooling_puts_elements_back(rng):
    x = x32(rng, 2, 3, 5, 7)
    y, positions = nn.MaxPool2d(2, return_indices=True)(x)
    restored = nn.MaxUnpool2d(2)(y, positions, output_size=(5, 7))
    kept = np.asarray(restored) != 0
    np.testing.assert_array_equal(np.asarray(restored)[kept], x[kept])
    assert kept.sum() == np.asarray(y).size
    line, places = nn.MaxPool1d(2, return_indices=True)(x[0])
    assert nn.MaxUnpool1d(2)(line, places, output_size=(7,)).shape == (3, 5, 7)

"""A residual block goes through its shortcut."""

import numpy as np

from minigrad import nn


def x32(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


def test_residual_goes_through_its_shortcut(rng):
    x = x32(rng, 2, 3)
    body, around = nn.Linear(3, 4), nn.Linear(3, 4)
    np.testing.assert_array_equal(nn.Residual(body, around)(x).numpy(), (body(x) + around(x)).numpy())

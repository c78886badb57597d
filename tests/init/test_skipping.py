"""Nothing is drawn inside of `skip`."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import init


@pytest.mark.parametrize("name", ["uniform", "normal", "truncated_normal", "orthogonal", "he_normal", "xavier_uniform"])
def test_skip_draws_nothing_until_its_end(name):
    initializer = getattr(init, name)
    mg.seed(7)
    expected = initializer((5, 4))
    mg.seed(7)
    with init.skip():
        zeros = initializer((5, 4))
    assert zeros.dtype == expected.dtype
    assert not zeros.any()
    np.testing.assert_array_equal(initializer((5, 4)), expected)

"""Paths of optimizers: the steps that the optimizer takes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import UsageError
from minigrad.optim import SGD
from minigrad.viz.optimizer_path import descend


def bowl(x, y):
    return x**2 / 20 + y**2


@given(x=st.floats(-5, 5), y=st.floats(-5, 5), lr=st.floats(0.01, 0.9))
def test_gradient_descent_on_a_bowl_is_its_closed_form(x, y, lr):
    points, values = descend(bowl, (x, y), lambda p: SGD(p, lr=lr), steps=10)
    k = np.arange(11)
    expected = np.stack([x * (1 - lr / 10) ** k, y * (1 - 2 * lr) ** k], axis=1)
    np.testing.assert_allclose(points, expected, atol=1e-5)
    np.testing.assert_allclose(values, bowl(*expected.T), atol=1e-4)


def test_a_path_that_flies_off_ends_there():
    points, values = descend(bowl, (1, 1), lambda p: SGD(p, lr=3), steps=100, limit=50)
    assert np.abs(points[:-1]).max() <= 50 < np.abs(points[-1]).max()
    assert len(points) == len(values) < 10


def test_a_path_that_is_not_a_number_ends_there():
    points, values = descend(lambda x, y: mg.log(x) + 0 * y, (0.5, 1), lambda p: SGD(p, lr=1), steps=9)
    assert np.isnan(values[-1])
    assert len(points) == len(values) == 2


@pytest.mark.parametrize(("start", "steps"), [((1, 2, 3), 5), ((1,), 5), ((1, 2), 0)])
def test_start_and_steps_are_checked(start, steps):
    with pytest.raises(UsageError, match="start is x and y, and steps at least 1"):
        descend(bowl, start, lambda p: SGD(p, lr=0.1), steps=steps)

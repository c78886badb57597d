"""Standardization where squares overflow: a factor of x leaves the result alone and divides the gradient."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from tests.helper import variable

FACTOR = 2.0**600  # whose square no float64 holds


def standardize(x, w, axis):
    return mg.standardize(x, w, None, axis=axis, eps=0.0)[0]


def standardize_layer(x, w, axis):
    return mg.standardize_layer(x, w, None, axis=axis, eps=0.0)


def gradients(x, w, cotangent, axis, *, recorded, function=standardize):
    x, w = variable(x), variable(w)
    out = function(x, w, axis)
    out.backward(Tensor(cotangent), create_graph=recorded)
    return out.numpy(), x.grad.numpy(), w.grad.numpy()


@pytest.mark.parametrize("axis", [(1,), (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("function", [standardize, standardize_layer])
def test_large_numbers_have_the_gradients_of_small_ones(function, axis, recorded, rng):
    x, w, g = rng.normal(size=(3, 4, 5)), rng.normal(size=(4, 5)), rng.normal(size=(3, 4, 5))
    expected = gradients(x, w, g, axis, recorded=recorded, function=function)
    with np.errstate(over="ignore"):
        out, dx, dw = gradients(x * FACTOR, w, g, axis, recorded=recorded, function=function)
    for found, wanted in zip((out, dx * FACTOR, dw), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("recorded", [False, True])
def test_rows_that_overflow_leave_the_others_alone(recorded, rng):
    x, w, g = rng.normal(size=(3, 5)), rng.normal(size=(3, 5)), rng.normal(size=(3, 5))
    factor = np.array([[1.0], [FACTOR], [1.0]])
    expected = gradients(x, w, g, (1,), recorded=recorded)
    with np.errstate(over="ignore"):
        out, dx, dw = gradients(x * factor, w, g, (1,), recorded=recorded)
    for found, wanted in zip((out, dx * factor, dw), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)

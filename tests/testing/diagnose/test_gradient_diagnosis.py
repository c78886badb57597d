"""The diagnosis of a wrong gradient from what its call does at generic points near the failing one."""

import numpy as np

import minigrad as mg
from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.diagnose.generic_point import numerical_gradient
from minigrad.testing.diagnose.gradient_diagnosis import cause_at_point, diagnose_gradient

E = np.array([[1.0, 2.5], [-3.0, 0.5]])
F = np.array([[0.5, 2.0], [1.5, 3.0]])


def test_numerical_gradient_is_that_of_the_weighted_sum():
    call = FunctionCall.of(lambda x, y: mg.sin(x) * y, E, F)
    np.testing.assert_allclose(numerical_gradient(call, [F], 0), F * F * np.cos(E), rtol=1e-8)
    np.testing.assert_allclose(numerical_gradient(call, [F], 1), F * np.sin(E), rtol=1e-8)


def test_a_right_gradient_has_no_cause():
    call = FunctionCall.of(lambda x, y: mg.sin(x) * y, E, F)
    assert diagnose_gradient(call, 0).cause == ""
    assert cause_at_point(call) is None


def test_one_element_is_explained_by_several_points():
    # At x = 2 alone, "3 g x" in place of "3 g x^2" is a constant factor: other points tell them apart.
    call = FunctionCall.of(lambda x: x**3, np.array(2.0), vjp=lambda g, x: 3 * g * x)
    assert diagnose_gradient(call, 0).cause == "missing factor"
    assert cause_at_point(call) == "missing factor"

"""The likely cause of a wrong gradient, from its numbers and from what its call does."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing.call import Call
from minigrad.testing.cause import CAUSES, likely_cause
from minigrad.testing.fingerprint import cause_here, diagnosed, numerical

E = np.array([[1.0, 2.5], [-3.0, 0.5]])
F = np.array([[0.5, 2.0], [1.5, 3.0]])


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        (E, ""),
        (-E, "wrong sign"),
        (0 * E, "zero gradient"),
        (E.T, "transposed"),
        (0.25 * E, "constant factor"),
        (E / F, "missing factor"),
        (E * F, "missing factor"),
        (E / F**2, "missing factor"),
        (E * [[1, 1], [1, 0]], "element missed"),
        (E * np.nan, "not a number"),
        (np.ones((3, 2, 2)), "missing un-broadcast"),
        (E + F, ""),
    ],
)
def test_numbers_tell(found, cause):
    assert likely_cause(found, E, [("x", F)]).cause == cause
    assert cause in (*CAUSES, "")


def test_a_cause_is_named_with_what_speaks_for_it():
    assert likely_cause(E / F, E, [("x", F)]).detail == "expected = found * x"
    assert likely_cause(3 * E, E).detail == "found = 3 * expected"
    assert "(1, 1)" in likely_cause(E * [[1, 1], [1, 0]], E).detail


def test_numerical_gradient_is_that_of_the_weighted_sum():
    call = Call.of(lambda x, y: mg.sin(x) * y, E, F)
    np.testing.assert_allclose(numerical(call, [F], 0), F * F * np.cos(E), rtol=1e-8)
    np.testing.assert_allclose(numerical(call, [F], 1), F * np.sin(E), rtol=1e-8)


def test_a_right_gradient_has_no_cause():
    call = Call.of(lambda x, y: mg.sin(x) * y, E, F)
    assert diagnosed(call, 0).cause == ""
    assert cause_here(call) is None


def test_one_element_is_explained_by_several_points():
    # At x = 2 alone, "3 g x" in place of "3 g x^2" is a constant factor: other points tell them apart.
    call = Call.of(lambda x: x**3, np.array(2.0), vjp=lambda g, x: 3 * g * x)
    assert diagnosed(call, 0).cause == "missing factor"
    assert cause_here(call) == "missing factor"

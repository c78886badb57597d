"""The likely cause of a wrong gradient, from its numbers alone."""

import numpy as np
import pytest

from minigrad.testing.diagnose.cause import CAUSES, likely_cause

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

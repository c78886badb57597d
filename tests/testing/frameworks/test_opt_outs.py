"""Gradients that are meant not to be the derivative: said by whoever checks, and told by the report."""

import numpy as np
import pytest

from minigrad.errors import UsageError
from minigrad.testing import LawViolation, Verdict, check_grads, gradtest

CORRECT, WRONG = Verdict.CORRECT, Verdict.WRONG


def passed_on(g, x):
    return 1.0 * g


@pytest.mark.parametrize("said", [True, lambda x: x + 1])
def test_straight_through_estimator_is_held_to_the_surrogate_and_the_report_says_so(said, rng):
    x = rng.normal(size=3)
    assert check_grads(np.round, x, vjp=passed_on).verdict is WRONG
    report = check_grads(np.round, x, vjp=passed_on, straight_through=said)
    assert report.verdict is CORRECT
    assert "straight-through: the gradient is held to that of" in report.note
    assert check_grads(np.round, x, vjp=lambda g, x: 2 * g, straight_through=said).verdict is WRONG


def test_clipped_straight_through_estimator_has_a_surrogate():
    x = np.array([-2.0, 0.3, 0.9, 1.7])

    def clipped(g, x):
        return g * (np.abs(x) < 1)

    def surrogate(x):
        return np.clip(x, -1, 1)

    assert check_grads(np.sign, x, vjp=clipped, straight_through=surrogate).verdict is CORRECT
    assert check_grads(np.sign, x, vjp=clipped, straight_through=True).verdict is WRONG


def test_gradtest_of_a_straight_through_estimator_is_found_wrong_with_a_line_that_says_it():
    def rounded(x):
        return np.round(x)

    gradtest(vjp=passed_on, straight_through=True, examples=10, laws=["gradient", "linearity"])(rounded).gradtest()
    with pytest.raises(LawViolation, match="straight_through=True"):
        gradtest(vjp=lambda g, x: 2 * g, straight_through=True, examples=10)(rounded).gradtest()


def test_symmetric_by_assumption_is_differentiated_along_symmetric_matrices(rng):
    a = rng.normal(size=(3, 3))
    a = a @ a.T + np.eye(3)

    def logdet(a):
        return 2 * np.log(np.diag(np.linalg.cholesky(a))).sum()  # which reads the lower triangle only

    def inverse(a):
        return np.linalg.inv(a)

    assert check_grads(logdet, a, grad=inverse).verdict is WRONG
    report = check_grads(logdet, a, grad=inverse, symmetric=0)
    assert report.verdict is CORRECT
    assert "symmetric by assumption: argument 0" in report.note
    assert check_grads(logdet, a, grad=lambda a: 2 * np.linalg.inv(a), symmetric=0).verdict is WRONG
    with pytest.raises(UsageError, match="no square matrix"):
        check_grads(np.sum, np.ones((2, 3)), grad=np.ones_like, symmetric=(0,))

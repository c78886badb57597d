"""Kinks of an output that many inputs enter, functions in lower precision, and points where the value is 0."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import Verdict, check_grads


def positive_part(x):
    return np.sum(np.maximum(x, 0))


@pytest.mark.parametrize("zeros", [1, 20])
def test_wrong_element_beside_kinks_is_found_among_many_inputs(zeros, rng):
    x = np.r_[np.zeros(zeros), rng.normal(size=100)]

    def one_wrong(x):
        g = 1.0 * (x > 0)
        g[-1] += 0.5
        return g

    assert check_grads(positive_part, x, grad=lambda x: 1.0 * (x > 0)).verdict is Verdict.CORRECT
    report = check_grads(positive_part, x, grad=one_wrong)
    assert (report.verdict, report.element) == (Verdict.WRONG, (len(x) - 1,))
    assert check_grads(positive_part, x, grad=lambda x: 2.0 * (x > 0)).verdict is Verdict.WRONG


def test_forgotten_penalty_of_a_lasso_is_found(rng):
    a, b, w = rng.normal(size=(20, 100)), rng.normal(size=20), rng.normal(size=100)
    w[3] = 0

    def loss(w):
        return 0.5 * np.sum((a @ w - b) ** 2) + np.sum(np.abs(w))

    assert check_grads(loss, w, grad=lambda w: a.T @ (a @ w - b) + np.sign(w)).verdict is Verdict.CORRECT
    assert check_grads(loss, w, grad=lambda w: a.T @ (a @ w - b)).verdict is Verdict.WRONG


@pytest.mark.parametrize("factor", [2.02, 3, 20, -2])
def test_wrong_gradient_of_a_function_in_single_precision_is_never_called_correct(factor):
    def f(x):
        return np.sum(x.astype(np.float32) ** 2)

    assert check_grads(f, np.array([0.3, 0.7]), grad=lambda x: factor * x).verdict is not Verdict.CORRECT


@pytest.mark.parametrize("f", [lambda x: x**2, mg.square, lambda x: x * x, lambda x: x**3, lambda x: x**4])
def test_functions_that_are_zero_at_the_point_are_decided(f):
    assert check_grads(f, np.zeros(1)).verdict is Verdict.CORRECT


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_point_that_is_not_finite_is_inconclusive(value):
    report = check_grads(mg.sin, np.array([value]))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "not finite" in report.note

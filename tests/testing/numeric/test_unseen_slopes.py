"""Slopes that differences do not see: half precision rounds them to 0, or a period is shorter than the steps."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import Verdict, check_grads, laws


def half(f):
    """f computed in half precision."""
    return lambda x: np.asarray(f(x.astype(np.float16)), np.float64)


TAILS = (1e-6, -1e-6, 1e-4, 3e-4, 1e-3, 0.5, 40.0)


@pytest.mark.parametrize("x", [*TAILS, (1e-6, 0.5), (1e-6, 200.0)])
@pytest.mark.parametrize(
    ("f", "rule"), [(np.square, lambda g, x: 2 * g * x), (lambda x: x**3, lambda g, x: 3 * g * x**2)]
)
def test_half_precision_is_not_blamed_for_what_it_rounds_to_0(f, rule, x):
    for computed in (half(f), lambda x: f(x.astype(np.float16))):
        assert check_grads(computed, np.array(x), vjp=rule).verdict is not Verdict.WRONG


def test_wrong_rule_of_half_precision_is_found_where_its_slope_shows():
    assert check_grads(half(np.square), 0.02, vjp=lambda g, x: 2.2 * g * x).verdict is Verdict.WRONG


@pytest.mark.parametrize("x", [1e-6, 0.0])
def test_a_grid_is_not_taken_for_half_precision(x):
    assert check_grads(lambda x: np.floor(8 * x) / 8, x, grad=lambda x: 1.0).verdict is Verdict.WRONG
    assert check_grads(lambda x: np.maximum(x, 1e-4) ** 2, x, grad=lambda x: 2 * x + 1e-3).verdict is Verdict.WRONG


@pytest.mark.parametrize("period", [1e-6, -1e-6, 9.999999974752427e-07])
@pytest.mark.parametrize("x", [0.5, 20.0, 40.0, 800.0, -1e4])
def test_a_short_period_is_not_taken_for_a_constant(x, period):
    assert check_grads(mg.remainder, x, period).verdict is not Verdict.WRONG


def test_wrong_rule_of_a_short_period_is_found():
    report = check_grads(lambda x: np.remainder(x, 1e-6), 40.0, grad=lambda x: 1.1)
    assert report.verdict is Verdict.WRONG


def test_rounding_beside_a_masked_element_is_not_blamed():
    laws.silence(mg.det, np.array([[[1e-6]], [[0.5]]]))

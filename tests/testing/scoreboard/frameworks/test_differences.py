"""Plain differences contradict what is wrong, and say nothing where they do not settle."""

import numpy as np
import pytest

from minigrad.testing.check import GradientCheck
from minigrad.testing.frameworks.by_hand import ByHand
from minigrad.testing.scoreboard.frameworks.differences import SUM, wrong_entry


def entry_of(f, gradient, *x):
    check = GradientCheck(f, [np.array(x, float)], {}, ByHand(vjp=lambda g, x: gradient(g, x)))
    with np.errstate(all="ignore"):
        return wrong_entry(check.flat)


def test_right_slope_is_not_contradicted():
    assert entry_of(np.sin, lambda g, x: g * np.cos(x), 0.3, 800.0, 1e-6) is None


def test_wrong_slope_is_found_with_the_right_one():
    entry = entry_of(np.sin, lambda g, x: g * np.cos(x) * [1, 2], 0.3, 0.7)
    assert (entry.output, entry.input, entry.kink) == (1, 1, False)
    assert entry.found == pytest.approx(2 * np.cos(0.7))
    assert entry.expected == pytest.approx(np.cos(0.7), rel=1e-6)


@pytest.mark.parametrize("found", [0.0, np.nan, np.inf])
@pytest.mark.parametrize("f", [np.sign, np.cbrt, lambda x: x * np.log(np.abs(x) + 1e-300), np.sqrt])
def test_jump_infinite_slope_and_edge_of_the_domain_contradict_nothing(f, found):
    assert entry_of(f, lambda g, x: g * found, 0.0) is None


def test_nan_at_a_kink_is_told_with_both_slopes():
    entry = entry_of(np.abs, lambda g, x: g * np.nan, 0.0)
    assert entry.kink
    assert entry.sides == (-1.0, 1.0)


def test_subgradient_is_right():
    assert entry_of(np.abs, lambda g, x: g * 0.5, 0.0) is None


def test_wrong_sign_is_told_of_the_expression_that_shows_it():
    entry = entry_of(np.sin, lambda g, x: np.maximum(g, 0) * np.cos(x), 0.0)
    assert (entry.sign, entry.found, entry.expected) == (-1, 0.0, -1.0)


def test_ties_that_each_get_everything_are_wrong_together():
    entry = entry_of(np.max, lambda g, x: g * np.ones_like(x), 1.0, 1.0)
    assert (entry.input, entry.found, entry.expected) == (SUM, 2.0, 1.0)


def test_output_without_a_slope_is_told():
    entry = entry_of(np.cbrt, lambda g, x: g / np.cbrt(x) ** 2 / 3, 0.0, 8.0)
    assert np.isnan(entry.found)
    assert (entry.output, entry.input, entry.no_slope_of_others) == (1, 0, True)

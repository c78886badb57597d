"""At a kink every valid subgradient is correct, the convention is named, and anything else is wrong."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import functional
from minigrad.autograd.registry import REGISTRY, op
from minigrad.testing import Verdict, check_grads


@pytest.fixture(autouse=True)
def _own_ops():
    """Ops made in a test are gone after it."""
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


def relu_with(slope_at_zero):
    made = op(name="test_kinked")(lambda x: np.maximum(x, 0.0))
    made.vjp("x")(lambda g, x: g * mg.where(x > 0, 1.0, mg.where(x == 0, slope_at_zero, 0.0)))
    return made


@pytest.mark.parametrize(
    ("slope", "name"),
    [
        (0.0, "zero"),
        (1.0, "the right derivative"),
        (0.5, "the mean of the two one-sided derivatives"),
        (0.3, ""),
    ],
)
@pytest.mark.parametrize("x", [[0.0], [0.0, 1.0, -1.0], [0.0] * 4])
def test_relu_at_zero_may_have_any_slope_between_0_and_1(slope, name, x):
    report = check_grads(relu_with(slope), np.array(x))
    assert report.verdict is Verdict.CORRECT, str(report)
    assert report.kinks == x.count(0.0)
    expected = f"at a kink the gradient equals {name}" if name else "between the one-sided derivatives"
    assert expected in report.convention


@pytest.mark.parametrize("slope", [-1.0, -0.01, 1.01, 2.0])
@pytest.mark.parametrize("x", [[0.0], [1.0, 0.0, -1.0]])
def test_relu_at_zero_may_have_no_other_slope(slope, x):
    report = check_grads(relu_with(slope), np.array(x))
    assert report.verdict is Verdict.WRONG
    assert report.element == (x.index(0.0),)
    assert report.found == slope
    np.testing.assert_allclose(report.expected, np.clip(slope, 0, 1), atol=1e-6)
    assert "not a subgradient" in report.note


def max_with(row):
    """The largest of an array, with this gradient."""
    return lambda x: np.max(x), lambda x: np.array(row)


@pytest.mark.parametrize("row", [[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.9, 0.1]])
def test_valid_gradients_of_max_at_a_tie(row):
    f, grad = max_with(row)
    assert check_grads(f, np.array([2.0, 2.0]), grad=grad)


@pytest.mark.parametrize("row", [[1.0, 1.0], [0.0, 0.0], [0.5, 0.0], [0.9, 0.9]])
def test_gradients_of_max_at_a_tie_that_do_not_add_up_to_one(row):
    f, grad = max_with(row)
    report = check_grads(f, np.array([2.0, 2.0]), grad=grad)
    assert report.verdict is Verdict.WRONG
    assert "jointly" in report.note


@pytest.mark.parametrize("row", [[1.0, 1.0, 0.0], [0.5, 0.5, 0.5], [0.0, 0.0, 0.0]])
def test_three_way_tie_of_max(row):
    f, grad = max_with(row)
    assert check_grads(f, np.ones(3), grad=grad).verdict is Verdict.WRONG


@pytest.mark.parametrize("signs", [(0.0, 0.0), (1.0, 1.0), (1.0, -1.0), (-0.3, 0.7)])
def test_difference_of_abs_takes_every_convention(signs):
    # Neither convex nor concave: the derivative along (1, 1) is 0, and that of a valid subgradient need not be.
    report = check_grads(lambda x: np.abs(x[0]) - np.abs(x[1]), np.zeros(2), grad=lambda x: np.array(signs))
    assert report.verdict is Verdict.CORRECT, str(report)


def test_sum_of_many_abs_takes_every_pattern_of_signs(rng):
    signs = rng.choice((-1.0, 1.0), 12)
    assert check_grads(lambda x: np.sum(np.abs(x)), np.zeros(12), grad=lambda x: signs)
    assert check_grads(lambda x: np.sum(np.abs(x) * signs), np.zeros(12), grad=lambda x: np.ones(12))


@pytest.mark.parametrize("row", [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.25, 0.25]])
def test_median_at_a_tie_is_smooth_along_each_line_and_yet_has_a_kink(row):
    assert check_grads(np.median, np.ones(3), grad=lambda x: np.array(row, float))


def test_median_at_a_tie_with_a_gradient_that_is_none():
    for row in ([1.0, 1.0, 0.0], [2.0, 0.0, 0.0], [-1.0, 1.0, 1.0]):
        report = check_grads(np.median, np.ones(3), grad=lambda x, row=row: np.array(row))
        assert report.verdict is Verdict.WRONG, row


@pytest.mark.parametrize("exponent", range(3, 16))
@pytest.mark.parametrize("sign", [-1, 1])
def test_right_rule_beside_a_kink_is_correct_and_not_asked_for_more(exponent, sign):
    x = np.array([sign * 10.0**-exponent, 0.5])
    for f in (functional.relu, mg.abs, lambda x: mg.max(x + mg.Tensor(np.array([0.5, 0.0])))):
        report = check_grads(f, x)
        assert report.verdict is Verdict.CORRECT, str(report)


@pytest.mark.parametrize("distance", [1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-9])
def test_slope_of_the_other_side_is_wrong_beside_a_kink(distance):
    for x, slope in ((distance, 0.0), (-distance, 1.0)):
        report = check_grads(lambda x: np.sum(np.maximum(x, 0)), np.array([x]), grad=lambda x, s=slope: np.array([s]))
        assert report.verdict is Verdict.WRONG, (x, str(report))
        np.testing.assert_allclose(report.expected, 1 - slope, atol=1e-6)


def test_large_array_with_kinks_is_correct_and_a_wrong_element_beside_them_is_found(rng):
    x = rng.normal(size=2000)
    x[::10] = 0
    report = check_grads(functional.relu, x)
    assert report.verdict is Verdict.CORRECT, str(report)
    assert report.kinks == 200
    made = op(name="test_kinked")(lambda x: np.maximum(x, 0.0))
    made.vjp("x")(lambda g, x: g * np.where((np.arange(2000) == 7) | (x <= 0), 0.0, 1.0))
    x[7] = 0.5
    assert check_grads(made, x, order=1).element == (7,)


def test_large_array_with_an_invalid_subgradient_at_its_kinks():
    report = check_grads(relu_with(2.0), np.zeros(500), order=1)
    assert report.verdict is Verdict.WRONG
    assert "not a subgradient" in report.note


def test_second_order_is_not_judged_at_a_kink_and_this_is_said():
    report = check_grads(functional.relu, np.array([0.0, 1.0]))
    assert (report.verdict, report.order) == (Verdict.CORRECT, 2)
    assert "second order was not judged at kinks" in report.note

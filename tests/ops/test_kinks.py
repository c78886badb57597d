"""Points without a derivative, or with an infinite one beside them: what the rules answer there is a promise too."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from tests.helper import variable

KINKS = {
    "abs at 0": (lambda x: x.abs(), 0.0, 0.0),
    "relu at 0": (lambda x: x.relu(), 0.0, 0.0),
    "sign at 0": (lambda x: mg.sign(x), 0.0, 0.0),
    "floor at an integer": (lambda x: mg.floor(x), 1.0, 0.0),
    "maximum at a tie": (lambda x: mg.maximum(x, 2.0), 2.0, 1.0),
    "maximum, second at a tie": (lambda x: mg.maximum(2.0, x), 2.0, 0.0),
    "minimum at a tie": (lambda x: mg.minimum(x, 2.0), 2.0, 1.0),
    "maximum with itself": (lambda x: mg.maximum(x, x), 2.0, 1.0),
    "clip at its bound": (lambda x: x.clip(0, 1), 1.0, 1.0),
    "clip outside": (lambda x: x.clip(0, 1), 2.0, 0.0),
    "square at 0": (lambda x: x**2, 0.0, 0.0),
    "first power at 0": (lambda x: x**1, 0.0, 1.0),
    "power 0 at 0": (lambda x: x**0, 0.0, 0.0),
    "negative base": (lambda x: x**3, -2.0, 12.0),
    "reciprocal by power": (lambda x: x**-1, -2.0, -0.25),
    "exponent of 0": (lambda x: 0.0**x, 2.0, 0.0),
}


@pytest.mark.parametrize(("f", "x", "expected"), KINKS.values(), ids=KINKS)
@pytest.mark.parametrize("shape", [(), (2,)])
def test_slope_at_a_kink_is_the_promised_one(f, x, expected, shape):
    v = variable(np.full(shape, x))
    f(v).sum().backward()
    np.testing.assert_array_equal(v.grad.numpy(), np.full(shape, expected))


def test_power_rule_of_tensors_at_zero():
    x, y = variable([0.0, 0.0, 2.0]), variable([0.0, 2.0, 0.0])
    (x**y).sum().backward()
    assert x.grad.tolist() == [0, 0, 0]
    assert y.grad.tolist() == [0, 0, np.log(2)]


# f is finite where it is selected, but its slope is infinite or NaN where it is not.
UNSELECTED = {
    "sqrt": (mg.sqrt, 4.0, 0.25),
    "log": (mg.log, 4.0, 0.25),
    "divide": (lambda x: 1.0 / x, 2.0, -0.25),
    "reciprocal": (mg.reciprocal, 2.0, -0.25),
    "root by power": (lambda x: x**0.5, 4.0, 0.25),
    "quotient": (lambda x: mg.sin(x) / x, 2.0, np.cos(2) / 2 - np.sin(2) / 4),
    "log1p": (lambda x: mg.log1p(x - 1), 4.0, 0.25),
}


@pytest.mark.parametrize(("f", "x", "expected"), UNSELECTED.values(), ids=UNSELECTED)
def test_branch_that_where_did_not_select_sends_no_nan(f, x, expected):
    def selected(v):
        return mg.where(v > 0, f(v), 0.0)

    with np.errstate(all="ignore"):
        v = variable([0.0, x])
        selected(v).sum().backward()
        np.testing.assert_allclose(v.grad.numpy(), [0, expected], rtol=1e-12)
        recorded = mg.grad(lambda v: selected(v).sum())(np.array([0.0, x]))
        np.testing.assert_allclose(recorded.numpy(), [0, expected], rtol=1e-12)


def test_unselected_nan_input_stays_out_of_the_gradient():
    x, y = variable([np.nan, 1.0]), variable([2.0, np.inf])
    mg.where(np.array([False, True]), x * 3, y * 5).sum().backward()
    assert x.grad.tolist() == [0, 3]
    assert y.grad.tolist() == [5, 0]


def test_huge_numbers_do_not_overflow():
    x = variable([-1000.0, 1000.0])
    (mg.sigmoid(x) + mg.tanh(x)).sum().backward()
    assert x.grad.tolist() == [0, 0]
    assert mg.sigmoid(x).tolist() == [0, 1]


@pytest.mark.parametrize("values", [[0.0, 2.0, 3.0], [0.0, 0.0, 3.0], [np.inf, 2.0]])
def test_product_rule_with_zeros_and_infinities(values):
    x = variable(values)
    x.prod().backward()
    expected = [np.prod([v for j, v in enumerate(values) if j != i]) for i in range(len(values))]
    assert x.grad.tolist() == expected


def test_nan_passes_through_relu_and_maximum():
    assert np.isnan(mg.relu(Tensor([np.nan])).numpy()).all()
    assert np.isnan(mg.maximum(Tensor([np.nan]), 0).numpy()).all()


def test_pooling_of_nothing_but_minus_infinity_takes_the_first_pixel():
    x = variable(np.full((1, 1, 2, 2), -np.inf))
    mg.functional.max_pool2d(x, 2).sum().backward()
    assert x.grad.tolist() == [[[[1, 0], [0, 0]]]]

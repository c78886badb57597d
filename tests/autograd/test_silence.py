"""The rule of silence: what is masked stays out of gradients, and what is not masked stays NaN.

`laws.silence` holds every op of the registry to it; here are cases with their values.
"""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, no_grad
from minigrad import functional as F  # noqa: N812
from minigrad.autograd import backward, silence
from minigrad.testing import LawViolation, laws
from tests.helper import variable

NAN, INF = np.nan, np.inf


def gradient(f, x):
    with np.errstate(all="ignore"):
        return mg.grad(f)(x).numpy()


def test_missing_targets_do_not_reach_the_prediction():
    target, p = np.array([1.0, NAN, 3.0]), np.array([0.5, 0.6, 0.7])
    known = ~np.isnan(target)
    for loss, expected in ((F.mse_loss, [-1, 0, -4.6]), (F.l1_loss, [-1, 0, -1]), (F.huber_loss, [-0.5, 0, -1])):
        found = gradient(lambda p, loss=loss: mg.where(known, loss(p, target, reduction="none"), 0).sum(), p)
        np.testing.assert_allclose(found, expected)


def test_ignored_row_of_infinite_scores_gets_no_gradient():
    x = np.array([[-INF] * 3, [0.0, 1.0, 2.0]])
    found = gradient(lambda x: F.cross_entropy(x, np.array([-100, 2])), x)
    np.testing.assert_allclose(found, [[0, 0, 0], [0.09003057, 0.24472847, -0.33475904]], rtol=1e-6)
    weights = np.array([[1.0, 2.0, 3.0], [3.0, 4.0, 5.0]])
    found = gradient(lambda x: (F.softmax(x, 1) * weights)[1].sum(), x)
    np.testing.assert_allclose(found, [[0, 0, 0], [-0.14181709, -0.14077036, 0.28258745]], rtol=1e-6)


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_row_that_is_masked_adds_nothing_to_shared_weights(bad):
    x, ok = np.array([[bad, 1.0], [2.0, 3.0]]), np.array([[False], [True]])

    def loss(w):
        return mg.where(ok, F.linear(Tensor(x), w), 0).sum()

    np.testing.assert_array_equal(gradient(loss, np.ones((3, 2))), [[2, 3]] * 3)


@pytest.mark.parametrize("bad", [NAN, INF])
def test_scan_gives_what_lies_before_the_masked_part(bad):
    x = np.array([2.0, bad, 3.0])
    mask = np.array([True, False, False])
    found = gradient(lambda x: mg.where(mask, mg.cumulative_prod(x), 0).sum(), x)
    np.testing.assert_array_equal(found, [1, 0, 0])


def test_constant_row_with_infinite_slope_is_silent():
    x = np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 4.0]])

    def loss(x):
        return (mg.standardize(x, None, None, axis=1, eps=0.0)[0] * np.array([1.0, 3.0, 2.0]))[1].sum()

    found = gradient(loss, x)
    np.testing.assert_array_equal(found[0], 0)
    np.testing.assert_allclose(found[1], gradient(loss, np.array([[0.0, 1.0, 5.0], x[1]]))[1])


def test_matrix_of_a_stack_that_is_masked_is_silent():
    x = np.stack([np.eye(2), [[2.0, 1.0], [1.0, 3.0]]])  # equal eigenvalues: their vectors have infinite slopes
    found = gradient(lambda x: mg.eigh(x)[1][1].sum(), x)
    np.testing.assert_array_equal(found[0], 0)
    assert np.isfinite(found[1]).all()


@pytest.mark.parametrize("f", [mg.abs, mg.sin, mg.square, mg.exp, F.softmax, mg.vector_norm])
def test_nan_that_is_not_masked_stays(f):
    found = gradient(lambda x: f(x).sum(), np.array([NAN, 1.0]))
    assert np.isnan(found[0])


def test_part_of_a_row_that_is_not_masked_stays_nan():
    found = gradient(lambda x: F.softmax(x, 1)[0, 0], np.array([[NAN, 1.0], [0.0, 1.0]]))
    assert np.isnan(found[0]).all()
    np.testing.assert_array_equal(found[1], 0)


@pytest.mark.parametrize("f", [mg.sqrt, mg.log, mg.sin, F.silu, lambda x: F.log_softmax(x, 0)])
def test_second_order_is_silent_too(f):
    def loss(x):
        return mg.where(np.array([True, False]), f(x), 0).sum()

    def slopes(x):
        return (mg.grad(loss)(x) ** 2).sum()

    x = np.array([0.7, -INF])
    found, expected = gradient(slopes, x), gradient(slopes, np.array([0.7, -1e300]))
    assert found[1] == 0
    np.testing.assert_allclose(found[0], expected[0])


def test_accumulated_gradients_of_variables_are_silent():
    x = variable([4.0, -1.0])
    with np.errstate(invalid="ignore"):
        mg.where(x.data > 0, mg.sqrt(x), 0).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [0.25, 0])


def test_stack_with_a_matrix_that_is_not_finite_computes_the_others():
    x = np.stack([np.full((2, 2), INF), [[2.0, 0.0], [0.0, 4.0]]])
    with no_grad():
        assert np.isnan(mg.inv(x)[0]).all()
        np.testing.assert_array_equal(mg.inv(x)[1], [[0.5, 0], [0, 0.25]])
        np.testing.assert_allclose(mg.svdvals(x)[1], [4, 2])


def convolved(spoil):
    """The gradient of many pixels that a few kernels read, for a cotangent that is 0 for the second kernel."""
    rng = np.random.default_rng(0)
    x, w, g = rng.normal(size=(4, 8, 16, 16)), rng.normal(size=(2, 8, 3, 3)), rng.normal(size=(4, 2, 14, 14))
    g[:, 1] = 0
    spoil(x, w, g)
    with np.errstate(invalid="ignore"):
        return mg.grad(lambda x: (mg.ops.conv(x, w, None) * g).sum())(x).numpy()


def test_few_numbers_that_a_rule_is_given_are_looked_at_instead_of_many(monkeypatch):
    def infinite(x, w, g):
        w[1, 3, 1] = [INF, -INF, np.nan]

    for module in (backward, silence):
        monkeypatch.setattr(module, "MANY", 1)
    expected = convolved(lambda x, w, g: w[1].fill(0))
    np.testing.assert_array_equal(convolved(infinite), expected)
    looked_at = []
    monkeypatch.setattr(backward, "has_nan", lambda cotangent: looked_at.append(cotangent.shape))
    np.testing.assert_array_equal(convolved(lambda x, w, g: None), expected)
    assert expected.shape not in looked_at


def test_the_law_finds_an_engine_without_the_rule(monkeypatch):
    laws.silence(mg.sin, np.array([0.5, 0.7]))
    monkeypatch.setattr(backward, "has_nan", lambda cotangent: False)
    with pytest.raises(LawViolation, match=r"law `silence` does not hold for sin(.|\n)*whose results are masked"):
        laws.silence(mg.sin, np.array([0.5, 0.7]))

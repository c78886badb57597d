"""Cumulative sums and products, differences, and the recurrence behind them."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import ShapeError, Tensor, UsageError
from tests.helper import numerical_gradient, variable

X = np.array([[1.5, 0.0, -2.0, 3.0], [0.5, 2.0, 0.0, 0.0]])
SCANS = [mg.cumulative_sum, mg.cumulative_prod]
EQUALS = {mg.cumulative_sum: np.cumulative_sum, mg.cumulative_prod: np.cumulative_prod}


@pytest.mark.parametrize("f", SCANS)
@pytest.mark.parametrize("axis", [0, 1, -1, -2])
@pytest.mark.parametrize("include_initial", [False, True])
def test_scan_equals_numpys(f, axis, include_initial):
    found = f(Tensor(X), axis=axis, include_initial=include_initial)
    np.testing.assert_array_equal(found.numpy(), EQUALS[f](X, axis=axis, include_initial=include_initial))


@pytest.mark.parametrize("f", SCANS)
@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("include_initial", [False, True])
def test_gradient_of_a_scan_is_right_also_at_zeros(f, axis, include_initial):
    x, weights = variable(X), np.cos(np.arange(15))

    def weighed(a, g):
        out = g(a, axis=axis, include_initial=include_initial)
        return (out * weights[: out.size].reshape(out.shape)).sum()

    weighed(x, f).backward()
    np.testing.assert_allclose(x.grad.numpy(), numerical_gradient(lambda a: weighed(a, EQUALS[f]), [X]), atol=1e-9)


def test_gradient_of_a_long_product_is_that_of_its_logarithm(rng):
    x, g = variable(rng.choice([-1, 1], 20_000) * rng.uniform(0.99, 1.01, 20_000)), rng.normal(size=20_000)
    out = mg.cumulative_prod(x)
    out.backward(Tensor(g))
    expected = np.cumsum((g * out.numpy())[::-1])[::-1] / x.numpy()
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-9, atol=1e-9)


def test_gradient_of_a_long_product_with_zeros_is_right(rng):
    values, g = rng.uniform(0.9, 1.1, 3000), rng.normal(size=3000)
    values[[700, 2000]] = 0
    x = variable(values)
    mg.cumulative_prod(x).backward(Tensor(g))
    ahead = np.prod(values[:700]) * np.concatenate([[1], np.cumprod(values[701:])])
    assert x.grad.numpy()[700] == pytest.approx(g[700:] @ ahead, rel=1e-10)
    assert not x.grad.numpy()[701:].any()


@pytest.mark.parametrize("f", SCANS)
def test_scan_of_an_empty_vector_is_empty(f):
    assert f(Tensor(np.empty(0))).shape == (0,)
    assert f(Tensor(np.empty(0)), include_initial=True).shape == (1,)


@pytest.mark.parametrize("f", SCANS)
@pytest.mark.parametrize("dtype", [np.int64, np.bool_, np.int8])
def test_scan_of_integers_equals_numpys(f, dtype):
    x = np.array([1, 0, 1], dtype)
    found, expected = f(Tensor(x)), EQUALS[f](x)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found.numpy(), expected)


@pytest.mark.parametrize("f", SCANS)
def test_only_a_vector_needs_no_axis(f):
    with pytest.raises(ShapeError, match="axis= is needed"):
        f(Tensor(X))
    with pytest.raises(ShapeError, match="axis= is needed"):
        f(Tensor(1.0))
    with pytest.raises(ShapeError, match="out of range"):
        f(Tensor(X), axis=2)


def test_cumulative_product_that_underflows_has_a_finite_gradient():
    x = variable(np.full(200, 1e-3))
    mg.cumulative_prod(x).sum().backward()
    assert np.isfinite(x.grad.numpy()).all()
    np.testing.assert_allclose(x.grad.numpy()[:2], [1.001001001, 0.001001001], rtol=1e-6)


def test_recurrence_equals_the_loop():
    a, b = np.array([9.0, 2.0, 0.0, 3.0]), np.array([1.0, 1.0, 5.0, 1.0])
    assert mg.linear_scan(Tensor(a), Tensor(b), axis=0).tolist() == [1, 3, 5, 16]
    with pytest.raises(ShapeError, match="one shape"):
        mg.linear_scan(Tensor(a), Tensor(b[:2]), axis=0)


@pytest.mark.parametrize("n", [0, 1, 2, 5])
@pytest.mark.parametrize("axis", [0, -1])
def test_differences_equal_numpys(n, axis):
    np.testing.assert_array_equal(mg.diff(Tensor(X), n=n, axis=axis).numpy(), np.diff(X, n, axis))


def test_differences_of_what_was_joined():
    x, first, last = variable(X), variable([[1.0], [2.0]]), X[:, :2]
    out = mg.diff(x, prepend=first, append=last)
    np.testing.assert_array_equal(out.numpy(), np.diff(X, prepend=first.numpy(), append=last))
    out.sum().backward()
    assert x.grad.tolist() == [[0] * 4] * 2
    assert first.grad.tolist() == [[-1], [-1]]


def test_negative_number_of_differences_is_refused():
    with pytest.raises(UsageError, match="at least 0"):
        mg.diff(Tensor(X), n=-1)


@pytest.mark.peer
@pytest.mark.parametrize(("f", "name"), [(mg.cumulative_sum, "cumsum"), (mg.cumulative_prod, "cumprod")])
def test_gradient_equals_pytorchs(f, name, torch):
    theirs, mine = torch.tensor(X, requires_grad=True), variable(X)
    getattr(torch, name)(theirs, 1).square().sum().backward()
    mg.square(f(mine, axis=1)).sum().backward()
    np.testing.assert_allclose(mine.grad.numpy(), theirs.grad.numpy(), rtol=1e-12)

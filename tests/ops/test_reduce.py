"""Reductions: values, axes, empty arrays, ties, and the moments."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import ShapeError, Tensor
from tests.helper import numerical_gradient, variable

ALL = ["sum", "mean", "prod", "max", "min", "any", "all", "count_nonzero", "var", "std"]
AXES = [None, 0, -1, (0, 2), (-1, 0), ()]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("keepdims", [False, True])
def test_reduction_equals_numpys(name, axis, keepdims, rng):
    x = rng.integers(-3, 4, size=(2, 3, 4)).astype(np.float64)
    found, expected = (
        getattr(mg, name)(Tensor(x), axis=axis, keepdims=keepdims),
        np.asarray(getattr(np, name)(x, axis=axis, keepdims=keepdims)),  # NumPy 2.1 gives a count as an int
    )
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [*ALL, "logsumexp"])
def test_axis_named_twice_or_out_of_range_is_refused(name):
    x = Tensor(np.ones((2, 3)))
    with pytest.raises(ShapeError, match="names a dimension twice"):
        getattr(mg, name)(x, axis=(1, -1))
    with pytest.raises(ShapeError, match="out of range"):
        getattr(mg, name)(x, axis=2)


@pytest.mark.parametrize("name", [*ALL, "argmax", "argmin"])
@pytest.mark.parametrize("dtype", [np.int64, np.bool_, np.uint8])
def test_reduction_of_integers_and_booleans_equals_numpys(name, dtype):
    x = np.array([[1, 0, 1], [0, 0, 1]], dtype)
    found, expected = getattr(mg, name)(Tensor(x), axis=1), getattr(np, name)(x, axis=1)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found.numpy(), expected)
    assert not found.requires_grad


@pytest.mark.parametrize(
    ("name", "expected"),
    [("sum", 0), ("prod", 1), ("any", False), ("all", True), ("count_nonzero", 0), ("logsumexp", -math.inf)],
)
def test_reduction_of_nothing_is_the_neutral_element(name, expected):
    assert getattr(mg, name)(Tensor(np.empty((2, 0))), axis=1).tolist() == [expected] * 2


@pytest.mark.parametrize("name", ["max", "min"])
def test_largest_of_nothing_is_refused(name):
    with pytest.raises(ShapeError, match=f"the {name} of no elements does not exist"):
        getattr(mg, name)(Tensor(np.empty((2, 0))), axis=1)
    assert getattr(mg, name)(Tensor(np.empty((2, 0))), axis=0).shape == (0,)


def gradient(f, values):
    x = variable(values)
    out = f(x)
    out.backward(np.ones(out.shape))
    return x.grad.tolist()


@pytest.mark.parametrize("f", [mg.max, mg.min])
def test_first_of_equal_elements_takes_the_gradient(f):
    assert gradient(lambda x: f(x, axis=1), [[1.0, 1, 1], [2, 2, 2]]) == [[1, 0, 0], [1, 0, 0]]
    assert gradient(lambda x: f(x, axis=(1, 0)), [[1.0, 1], [1, 1]]) == [[1, 0], [0, 0]]


# ---- logsumexp -----------------------------------------------------------------------------------------------


def test_logsumexp_neither_overflows_nor_vanishes():
    x = np.array([[1000.0, 1000.0], [-1000.0, -1000.0]])
    np.testing.assert_allclose(mg.logsumexp(Tensor(x), axis=1).numpy(), [1000 + math.log(2), -1000 + math.log(2)])
    np.testing.assert_allclose(gradient(lambda x: mg.logsumexp(x, axis=1), x), np.full((2, 2), 0.5), rtol=1e-12)


def test_infinities_share_the_gradient_of_logsumexp():
    inf = math.inf
    x = [[inf, 1.0, inf], [-inf, -inf, -inf], [-inf, 0.0, -inf]]
    assert mg.logsumexp(Tensor(x), axis=1).tolist() == [inf, -inf, 0]
    np.testing.assert_array_equal(
        gradient(lambda x: mg.logsumexp(x, axis=-1), x), [[0.5, 0, 0.5], [1 / 3] * 3, [0, 1, 0]]
    )


def test_logsumexp_of_integers_is_floating():
    np.testing.assert_allclose(mg.logsumexp(Tensor(np.array([0, 0]))).item(), math.log(2))


# ---- moments -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("correction", [0, 1, 0.5])
def test_moments_with_a_correction_equal_numpys(correction, rng):
    x = rng.normal(size=(3, 4))
    for name in ("var", "std"):
        found = getattr(mg, name)(Tensor(x), axis=1, correction=correction).numpy()
        np.testing.assert_allclose(found, getattr(np, name)(x, axis=1, ddof=correction), rtol=1e-12)


def test_std_of_equal_elements_has_a_zero_gradient():
    assert gradient(lambda x: mg.std(x, axis=1), [[2.0, 2.0, 2.0], [0.0, 0.0, 0.0]]) == [[0] * 3] * 2
    assert gradient(mg.std, 5.0) == 0


def test_std_of_huge_numbers_does_not_overflow():
    np.testing.assert_allclose(mg.std(Tensor(np.array([-1e200, 1e200]))).item(), 1e200)


@pytest.mark.parametrize("f", [mg.var, mg.std])
def test_moments_have_the_right_gradient(f, rng):
    x = rng.normal(size=(2, 3))
    expected = numerical_gradient(lambda a: np.sum(f(a, axis=1, correction=1)), [x])
    np.testing.assert_allclose(gradient(lambda x: f(x, axis=1, correction=1), x), expected, rtol=1e-7)


def test_product_of_a_long_row_with_zeros_has_the_right_gradient():
    x = np.ones(500)
    assert sum(gradient(mg.prod, x)) == 500
    x[7] = 0
    assert np.flatnonzero(gradient(mg.prod, x)).tolist() == [7]
    x[9] = 0
    assert not np.any(gradient(mg.prod, x))


@pytest.mark.peer
@pytest.mark.parametrize("name", ["logsumexp", "prod", "std", "var"])
def test_gradient_equals_pytorchs(name, torch, rng):
    x = rng.normal(size=(3, 4))
    theirs = torch.tensor(x, requires_grad=True)
    getattr(torch, name)(theirs, 1).pow(2).sum().backward()
    correction = {"correction": 1} if name in ("std", "var") else {}
    found = gradient(lambda x: getattr(mg, name)(x, axis=1, **correction) ** 2, x)
    np.testing.assert_allclose(found, theirs.grad.numpy(), rtol=1e-11)


@pytest.mark.parametrize("f", [mg.sum, mg.prod, mg.cumulative_sum, mg.cumulative_prod])
def test_dtype_is_that_of_the_result_and_the_gradient_that_of_the_input(f):
    x = Tensor([1.5, 2.0, 3.0], requires_grad=True)
    y = f(x, dtype=np.float64)
    assert y.dtype == np.float64
    mg.sum(y).backward()
    assert x.grad.dtype == np.float32
    np.testing.assert_array_equal(x.grad.numpy(), mg.grad(lambda v: mg.sum(f(v)))(x.detach()).numpy())
    assert f(Tensor(np.ones(2, np.int8))).dtype == np.int64
    assert f(Tensor(np.ones(2, np.int8)), dtype=np.int8).dtype == np.int8

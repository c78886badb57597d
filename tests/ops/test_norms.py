"""Norms: NumPy's values and choice between vectors and matrices, no overflow on the way, gradients at 0."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import ShapeError, Tensor, UsageError
from tests.helper import numerical_gradient, variable

X = np.random.default_rng(9).normal(size=(2, 3, 4))
ORDERS = [2, 1, 0, 3, 1.5, 0.5, -1, -2, math.inf, -math.inf]
MATRIX_ORDERS = ["fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf]


@pytest.mark.parametrize("ord", ORDERS)
@pytest.mark.parametrize("axis", [None, 1, -1, (0, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_vector_norm_equals_numpys(ord, axis, keepdims):
    found = mg.vector_norm(Tensor(X), axis=axis, keepdims=keepdims, ord=ord)
    expected = np.linalg.vector_norm(X, axis=axis, keepdims=keepdims, ord=ord)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("ord", MATRIX_ORDERS)
@pytest.mark.parametrize("keepdims", [False, True])
def test_matrix_norm_equals_numpys(ord, keepdims):
    found = mg.matrix_norm(Tensor(X), keepdims=keepdims, ord=ord)
    expected = np.linalg.matrix_norm(X, keepdims=keepdims, ord=ord)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("ord", "axis"),
    [
        (None, None), (None, 1), (3, -1), (None, (0, 1)), ("fro", (2, 0)), ("nuc", (0, -1)), (1, (1, 0)),
        (math.inf, (2, 1)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("keepdims", [False, True])
def test_norm_chooses_as_numpys(ord, axis, keepdims):
    found, expected = mg.norm(Tensor(X), ord, axis=axis, keepdims=keepdims), np.linalg.norm(X, ord, axis, keepdims)
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(mg.norm(Tensor(X[0]), 2).item(), np.linalg.norm(X[0], 2))


def slope(f, values, dtype=np.float64):
    x = variable(values, dtype)
    f(x).sum().backward()
    return x.grad.numpy()


@pytest.mark.parametrize("ord", ORDERS)
def test_gradient_of_a_vector_norm_is_right(ord):
    expected = numerical_gradient(lambda a: np.sum(np.linalg.vector_norm(a, axis=1, ord=ord)), [X])
    np.testing.assert_allclose(slope(lambda x: mg.vector_norm(x, axis=1, ord=ord), X), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("ord", MATRIX_ORDERS)
def test_gradient_of_a_matrix_norm_is_right(ord):
    expected = numerical_gradient(lambda a: np.sum(np.linalg.matrix_norm(a, ord=ord)), [X])
    np.testing.assert_allclose(slope(lambda x: mg.matrix_norm(x, ord=ord), X), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("ord", [o for o in ORDERS if o >= 0])
def test_gradient_at_zero_is_zero(ord):
    assert not slope(lambda x: mg.vector_norm(x, ord=ord), np.zeros(3)).any()
    assert not slope(lambda x: mg.vector_norm(x, axis=0, ord=ord), 0.0 * X).any()


@pytest.mark.parametrize("ord", [2, 3, 1.5, 1, math.inf])
@pytest.mark.parametrize("scale", [1e200, 1e-200, 1e-310])
def test_norm_neither_overflows_nor_vanishes_on_the_way(ord, scale):
    x = np.array([3.0, -4.0])
    with np.errstate(over="raise"):
        np.testing.assert_allclose(mg.vector_norm(Tensor(x * scale), ord=ord).item(), np.linalg.norm(x, ord) * scale)
        np.testing.assert_allclose(
            slope(lambda v: mg.vector_norm(v, ord=ord), x * scale), slope(lambda v: mg.vector_norm(v, ord=ord), x)
        )


def test_half_precision_does_not_overflow_either():
    assert mg.norm(Tensor(np.full(4, 300, np.float16))).item() == 600
    assert slope(mg.norm, np.full(4, 300), np.float16).tolist() == [0.5] * 4


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("ord", ORDERS)
def test_dtype_is_kept(dtype, ord):
    x = variable(X, dtype)
    out = mg.vector_norm(x, ord=ord)
    out.backward()
    assert out.dtype == x.grad.dtype == dtype


def test_norm_of_integers_of_infinity_and_of_nothing():
    assert mg.norm(Tensor(np.array([3, 4]))).item() == 5
    assert mg.norm(Tensor([math.inf, 1.0])).item() == math.inf
    assert math.isnan(mg.norm(Tensor([math.nan, 1.0])).item())
    assert mg.norm(Tensor(np.empty((2, 0))), axis=1).tolist() == [0, 0]
    assert mg.norm(Tensor(-2.0)).item() == 2


def test_largest_of_equal_elements_is_the_first():
    assert slope(lambda x: mg.vector_norm(x, ord=math.inf), [1.0, -3.0, 3.0]).tolist() == [0, -1, 0]


@pytest.mark.parametrize(
    ("f", "error"),
    [
        (lambda x: mg.norm(x, 2), ShapeError),
        (lambda x: mg.norm(x, axis=(0, 1, 2)), ShapeError),
        (lambda x: mg.norm(x, axis=(0, -3)), ShapeError),
        (lambda x: mg.norm(x, "fro", axis=0), UsageError),
        (lambda x: mg.vector_norm(x, ord="fro"), UsageError),
        (lambda x: mg.vector_norm(x, axis=(1, 1)), ShapeError),
        (lambda x: mg.matrix_norm(x, ord=3), UsageError),
        (lambda x: mg.matrix_norm(x[0, 0]), ShapeError),
    ],
)
def test_misuse_is_a_clear_error(f, error):
    with pytest.raises(error):
        f(Tensor(X))


@pytest.mark.peer
@pytest.mark.parametrize("ord", [2, 1, 3, math.inf])
def test_gradient_equals_pytorchs_also_at_zero(ord, torch):
    x = np.array([[1.0, -2.0, 0.0], [0.0, 0.0, 0.0]])
    theirs = torch.tensor(x, requires_grad=True)
    torch.linalg.vector_norm(theirs, ord, 1)[:1].sum().backward()
    np.testing.assert_allclose(slope(lambda x: mg.vector_norm(x, axis=1, ord=ord)[:1], x), theirs.grad.numpy())

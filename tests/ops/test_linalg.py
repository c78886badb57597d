"""Products of vectors and matrices: NumPy's values, conventions of axes, and gradients."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import ShapeError, Tensor
from tests.helper import numerical_gradient, variable

RNG = np.random.default_rng(7)
X, Y = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(2, 3, 4))
V, W = RNG.normal(size=(5, 3)), RNG.normal(size=3)
A, B = RNG.normal(size=(4, 3)), RNG.normal(size=(3, 5))

CALLS = {
    "vecdot": (lambda x, y: mg.vecdot(x, y), lambda x, y: np.linalg.vecdot(x, y), X, Y),
    "vecdot, another axis": (lambda x, y: mg.vecdot(x, y, axis=0), lambda x, y: np.sum(x * y, 0), X, Y),
    "vecdot, broadcast": (lambda x, y: mg.vecdot(x, y), lambda x, y: x @ y, V, W),
    "outer": (lambda x, y: mg.outer(x, y), np.linalg.outer, W, V[:, 0]),
    "outer, empty": (lambda x, y: mg.outer(x, y), np.linalg.outer, W, W[:0]),
    "cross": (lambda x, y: mg.cross(x, y), np.cross, V, W),
    "cross, another axis": (lambda x, y: mg.cross(x, y, axis=1), lambda x, y: np.cross(x, y, axis=1), X, Y),
    "tensordot": (lambda x, y: mg.tensordot(x, y), np.tensordot, X, Y.reshape(3, 4, 2)),
    "tensordot, 1": (lambda x, y: mg.tensordot(x, y, axes=1), lambda x, y: np.tensordot(x, y, 1), A, B),
    "tensordot, 0": (lambda x, y: mg.tensordot(x, y, axes=0), lambda x, y: np.tensordot(x, y, 0), W, W),
    "tensordot, named": (
        lambda x, y: mg.tensordot(x, y, axes=((-1, 0), (2, 0))),
        lambda x, y: np.tensordot(x, y, ((-1, 0), (2, 0))), X, Y,
    ),
    "kron": (lambda x, y: mg.kron(x, y), np.kron, A, B),
    "kron, different dimensions": (lambda x, y: mg.kron(x, y), np.kron, X[:, :2, :2], W),
    "matmul, vectors": (lambda x, y: mg.matmul(x, y), np.matmul, W, W),
    "matmul, stack and vector": (lambda x, y: mg.matmul(x, y), np.matmul, X, Y[0, 0]),
}  # fmt: skip
each = pytest.mark.parametrize(("ours", "numpys", "x", "y"), CALLS.values(), ids=CALLS)


@each
def test_product_equals_numpys(ours, numpys, x, y):
    np.testing.assert_allclose(ours(Tensor(x), Tensor(y)).numpy(), numpys(x, y), rtol=1e-12, atol=1e-14)
    assert isinstance(ours(x, y), (np.ndarray, np.generic))


@each
def test_product_has_the_right_gradients(ours, numpys, x, y):
    xs, weights = [variable(x), variable(y)], np.cos(np.arange(numpys(x, y).size)).reshape(numpys(x, y).shape)
    (ours(*xs) * weights).sum().backward()
    for i, v in enumerate(xs):
        expected = numerical_gradient(lambda a, b: np.sum(numpys(a, b) * weights), [x, y], i)
        np.testing.assert_allclose(v.grad.numpy(), expected, rtol=1e-7, atol=1e-9)


@each
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_product_keeps_the_dtype(ours, numpys, x, y, dtype):
    x, y = variable(x, dtype), variable(y, dtype)
    out = ours(x, y)
    assert out.dtype == dtype
    out.sum().backward()
    assert x.grad.dtype == y.grad.dtype == dtype


def test_tensor_multiplied_with_itself_gets_both_gradients():
    x = variable(W)
    mg.vecdot(x, x).backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * W)


@pytest.mark.parametrize("offset", [-5, -1, 0, 2, 9])
def test_diagonal_and_trace_equal_numpys(offset):
    np.testing.assert_array_equal(mg.diagonal(Tensor(X), offset=offset).numpy(), np.linalg.diagonal(X, offset=offset))
    np.testing.assert_allclose(mg.trace(Tensor(X), offset=offset).numpy(), np.linalg.trace(X, offset=offset))


@pytest.mark.parametrize("offset", [-5, -1, 0, 2, 9])
def test_gradient_of_the_trace_lies_on_its_diagonal(offset):
    x = variable(X)
    mg.trace(x, offset=offset).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.broadcast_to(np.eye(3, 4, offset), X.shape))


REFUSED = {
    "vecdot of different sizes": (lambda: mg.vecdot(Tensor([1.0]), Tensor([1.0, 2.0])), "1 elements along axis -1"),
    "vecdot from the front": (lambda: mg.vecdot(Tensor(X), Tensor(X[0]), axis=1), "count the axis from the end"),
    "outer of matrices": (lambda: mg.outer(Tensor(A), Tensor(B)), "two vectors"),
    "cross of two elements": (lambda: mg.cross(Tensor(A[:, :2]), Tensor(A[:, :2])), "does not have size 3"),
    "tensordot that does not fit": (lambda: mg.tensordot(Tensor(A), Tensor(B)), "do not fit"),
    "tensordot over one twice": (lambda: mg.tensordot(Tensor(A), Tensor(A), axes=((0, 0), (0, 1))), "twice"),
    "diagonal of a vector": (lambda: mg.diagonal(Tensor(W)), "at least 2 dimensions"),
    "matmul of a number": (lambda: mg.matmul(Tensor(1.0), Tensor(A)), r"use \*"),
    "matrix_transpose of a vector": (lambda: mg.matrix_transpose(Tensor(W)), "at least 2 dimensions"),
}


@pytest.mark.parametrize(("f", "message"), REFUSED.values(), ids=REFUSED)
def test_misuse_is_a_clear_shape_error(f, message):
    with pytest.raises(ShapeError, match=message):
        f()


def test_vecdot_keeps_small_integers():
    x = mg.Tensor(np.array([1, 2, 3], np.uint8))
    assert mg.vecdot(x, x).dtype == np.uint8
    assert mg.vecdot(x, x).item() == 14

"""NumPy's functions on Tensors: NumPy's values, a Tensor for a result, and the gradient behind it."""

import numpy as np
import pytest

from minigrad import Tensor
from tests.helper import numerical_gradient, variable

X = np.random.default_rng(4).normal(size=(3, 3))

CALLS = {
    "arctan2": lambda x: np.arctan2(x, x.T),
    "hypot": lambda x: np.hypot(x, 1),
    "logaddexp": lambda x: np.logaddexp(x, x.T),
    "vecdot": lambda x: np.vecdot(x, x),
    "std": lambda x: np.std(x, axis=0, ddof=1),
    "var": lambda x: np.var(x),
    "cumsum": lambda x: np.cumsum(x),
    "cumprod": lambda x: np.cumprod(x, axis=1),
    "cumulative_sum": lambda x: np.cumulative_sum(x, axis=0, include_initial=True),
    "diff": lambda x: np.diff(x, prepend=x, axis=0),
    "clip": lambda x: np.clip(x, 0, 1),
    "where": lambda x: np.where(x > 0, x, 0),
    "astype": lambda x: np.astype(x, np.float64),
    "moveaxis": lambda x: np.moveaxis(x, 0, 1),
    "swapaxes": lambda x: np.swapaxes(x, 0, 1),
    "broadcast_arrays": lambda x: np.broadcast_arrays(x[0], x)[0],
    "meshgrid": lambda x: np.meshgrid(x[0], x[1])[0],
    "stack": lambda x: np.stack([x, x], axis=-1),
    "unstack": lambda x: np.unstack(x)[0],
    "split": lambda x: np.split(x, 3)[1],
    "flip": lambda x: np.flip(x, 1),
    "roll": lambda x: np.roll(x, 1),
    "repeat": lambda x: np.repeat(x, 2, axis=-1),
    "tile": lambda x: np.tile(x, (2, 1)),
    "tril": lambda x: np.tril(x, 1),
    "triu": lambda x: np.triu(x),
    "sort": lambda x: np.sort(x, axis=0),
    "sort, flattened": lambda x: np.sort(x, axis=None),
    "take": lambda x: np.take(x, [0, 4]),
    "take, axis": lambda x: np.take(x, [0, 1], axis=1),
    "take_along_axis": lambda x: np.take_along_axis(x, np.array([[0], [1], [2]]), 1),
    "dot": lambda x: np.dot(x, x),
    "dot, vectors": lambda x: np.dot(x[0], x[1]),
    "dot, number": lambda x: np.dot(x, 2.0),
    "dot, stack": lambda x: np.dot(np.stack([x, x]), np.stack([x, x])),
    "outer": lambda x: np.outer(x, x),
    "cross": lambda x: np.cross(x, x[0]),
    "kron": lambda x: np.kron(x, x),
    "tensordot": lambda x: np.tensordot(x, x, axes=((0,), (1,))),
    "einsum": lambda x: np.einsum("ij,kj->ik", x, x),
    "diagonal": lambda x: np.diagonal(x, 1),
    "diagonal of the first axes": lambda x: np.diagonal(np.stack([x, x], axis=-1)),
    "trace": lambda x: np.trace(x),
    "linalg.inv": lambda x: np.linalg.inv(x),
    "linalg.solve": lambda x: np.linalg.solve(x, x[0]),
    "linalg.det": lambda x: np.linalg.det(x),
    "linalg.slogdet": lambda x: np.linalg.slogdet(x).logabsdet,
    "linalg.pinv": lambda x: np.linalg.pinv(x),
    "linalg.matrix_power": lambda x: np.linalg.matrix_power(x, 3),
    "linalg.cholesky": lambda x: np.linalg.cholesky(x @ x.T),
    "linalg.eigh": lambda x: np.linalg.eigh(x + x.T).eigenvalues,
    "linalg.eigvalsh": lambda x: np.linalg.eigvalsh(x + x.T),
    "linalg.svd": lambda x: np.linalg.svd(x).S,
    "linalg.svdvals": lambda x: np.linalg.svdvals(x),
    "linalg.qr": lambda x: np.linalg.qr(x).R,
    "linalg.norm": lambda x: np.linalg.norm(x),
    "linalg.norm, spectral": lambda x: np.linalg.norm(x, 2),
    "linalg.vector_norm": lambda x: np.linalg.vector_norm(x, axis=0),
    "linalg.matrix_norm": lambda x: np.linalg.matrix_norm(x, ord="nuc"),
}


@pytest.mark.parametrize("f", CALLS.values(), ids=CALLS)
def test_function_has_numpys_values_and_records(f):
    x, expected = variable(X), np.asarray(f(X))
    out = f(x)
    assert isinstance(out, Tensor)
    assert (out.shape, out.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-11, atol=1e-13)
    weights = np.cos(np.arange(expected.size)).reshape(expected.shape)
    out.backward(weights)
    slopes = numerical_gradient(lambda a: np.sum(f(a) * weights), [X])
    np.testing.assert_allclose(x.grad.numpy(), slopes, rtol=1e-6, atol=1e-8)


CONSTANTS = {
    "argsort": lambda x: np.argsort(x),
    "argmax": lambda x: np.argmax(x, axis=0),
    "count_nonzero": lambda x: np.count_nonzero(x, axis=0),
    "nonzero": lambda x: np.nonzero(x > 0)[0],
    "where": lambda x: np.where(x > 0)[1],
    "searchsorted": lambda x: np.searchsorted(np.sort(x[0]), x),
    "zeros_like": lambda x: np.zeros_like(x, dtype=np.int64),
    "ones_like": lambda x: np.ones_like(x),
    "full_like": lambda x: np.full_like(x, 2),
    "matrix_rank": lambda x: np.linalg.matrix_rank(x),
    "any": lambda x: np.any(x > 0, axis=1),
    "isfinite": lambda x: np.isfinite(x),
}


@pytest.mark.parametrize("f", CONSTANTS.values(), ids=CONSTANTS)
def test_function_without_a_derivative_gives_a_constant(f):
    out, expected = f(variable(X)), np.asarray(f(X))
    assert isinstance(out, Tensor)
    assert not out.requires_grad
    assert out.dtype == expected.dtype
    np.testing.assert_array_equal(out.numpy(), expected)

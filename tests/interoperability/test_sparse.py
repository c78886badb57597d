"""Sparse matrices of SciPy as constants: `A @ x` and `x @ A`, of every format, with all kinds of derivatives."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import minigrad as mg
from minigrad import DTypeError, ShapeError, Tensor
from minigrad.testing import check_grads

RNG = np.random.default_rng(0)
DENSE = RNG.normal(size=(3, 4)) * (RNG.uniform(size=(3, 4)) < 0.5)
FORMATS = {
    f"{name}_{kind}": getattr(sparse, f"{name}_{kind}")
    for name in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
    for kind in ("array", "matrix")
}
every_format = pytest.mark.parametrize("name", FORMATS)
VECTOR, MATRIX, STACK = RNG.normal(size=4), RNG.normal(size=(4, 2)), RNG.normal(size=(2, 4, 3))


@every_format
@pytest.mark.parametrize("x", [VECTOR, MATRIX, STACK], ids=["vector", "matrix", "stack"])
def test_products_are_those_of_the_dense_matrix(name, x):
    a = FORMATS[name](DENSE)
    variable = Tensor(x, requires_grad=True)
    out = a @ variable
    assert isinstance(out, Tensor)
    np.testing.assert_allclose(out.numpy(), DENSE @ x)
    assert isinstance(a @ Tensor(x), Tensor)
    np.testing.assert_allclose(mg.matmul(a, variable).numpy(), DENSE @ x)
    np.testing.assert_allclose(np.matmul(a.toarray(), variable).numpy(), DENSE @ x)
    row = x if x.ndim == 1 else np.swapaxes(x, -1, -2)
    transposed = FORMATS[name](DENSE.T)
    np.testing.assert_allclose((Tensor(row, requires_grad=True) @ transposed).numpy(), row @ DENSE.T)
    assert check_grads(lambda x: a @ x, x)
    assert check_grads(lambda row: row @ transposed, row)


@given(st.integers(0, 4), st.integers(1, 4), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_gradient_is_the_product_with_the_transpose(rows, columns, width, seed):
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(rows, columns)) * (rng.uniform(size=(rows, columns)) < 0.5)
    x, g = Tensor(rng.normal(size=(columns, width)), requires_grad=True), rng.normal(size=(rows, width))
    (sparse.csr_array(dense) @ x).backward(g)
    np.testing.assert_allclose(x.grad.numpy(), dense.T @ g, atol=1e-12)


def test_derivatives_of_all_kinds_go_through():
    a = sparse.csr_array(DENSE)

    def energy(x):
        return mg.exp(a @ x).sum()

    x, v = Tensor(VECTOR), Tensor(RNG.normal(size=4))
    exact = DENSE.T @ np.diag(np.exp(DENSE @ VECTOR)) @ DENSE
    np.testing.assert_allclose(mg.hessian(energy)(x).numpy(), exact, rtol=1e-9)
    np.testing.assert_allclose(mg.hvp(energy, x, v).numpy(), exact @ v.numpy(), rtol=1e-9)
    np.testing.assert_allclose(mg.jvp(lambda x: a @ x, (x,), (v,))[1].numpy(), DENSE @ v.numpy())
    np.testing.assert_allclose(mg.jacobian(lambda x: a @ x)(x).numpy(), DENSE)
    batch = Tensor(RNG.normal(size=(5, 4)))
    np.testing.assert_allclose(mg.vmap(mg.grad(energy))(batch).numpy()[3], mg.grad(energy)(batch[3]).numpy())
    np.testing.assert_allclose(mg.vmap(lambda x: x @ a.T)(batch).numpy(), batch.numpy() @ DENSE.T)


def test_complex_matrices_give_pytorchs_gradient():
    dense = DENSE + 1j * DENSE[::-1]
    x = Tensor(VECTOR + 1j * VECTOR[::-1], requires_grad=True)
    (mg.abs(sparse.csr_array(dense) @ x) ** 2).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * dense.conj().T @ (dense @ x.numpy()))
    real = Tensor(VECTOR, requires_grad=True)
    mg.real(sparse.csr_array(dense) @ real).sum().backward()
    np.testing.assert_allclose(real.grad.numpy(), dense.real.sum(axis=0))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("stored", [np.float32, np.float64, np.int32, np.bool_])
def test_dtypes_are_numpys(kind, stored):
    dense = (DENSE != 0).astype(stored)
    x = Tensor(VECTOR.astype(kind), requires_grad=True)
    out = sparse.csr_array(dense) @ x
    assert out.dtype == np.result_type(stored, kind)
    out.sum().backward()
    assert x.grad.dtype == kind


def test_what_is_written_to_the_matrix_later_changes_nothing_recorded():
    a = sparse.csr_array(DENSE)
    x = Tensor(VECTOR, requires_grad=True)
    out = a @ x
    a.data[:] = 0
    out.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), DENSE.sum(axis=0))


def test_layer_with_a_sparse_matrix_trains_and_compiles():
    a = sparse.csr_array(DENSE)
    target = DENSE @ VECTOR

    def trained(compiled):
        x = Tensor(np.zeros(4), requires_grad=True)
        optimizer = mg.optim.SGD([x], lr=0.1)

        def step(target):
            optimizer.zero_grad()
            loss = ((a @ x - target) ** 2).sum()
            loss.backward()
            optimizer.step()
            return loss

        run = mg.compile(step) if compiled else step
        return [run(Tensor(target)).item() for _ in range(5)]

    losses = trained(False)
    assert losses[-1] < losses[0]
    assert trained(True) == losses


def test_compiled_function_sees_what_is_written_to_the_matrix():
    a = sparse.csr_array(DENSE)
    run = mg.compile(lambda x: a @ x)
    for factor in (1, 1, 1, 2, 3):
        a.data[:] = factor * sparse.csr_array(DENSE).data
        np.testing.assert_allclose(run(Tensor(VECTOR)).numpy(), factor * DENSE @ VECTOR)


def test_misuse_is_told():
    a, x = sparse.csr_array(DENSE), Tensor(VECTOR, requires_grad=True)
    with pytest.raises(ShapeError, match=r"shape \(3, 4\) has 4 columns, but x has 3 rows"):
        a @ x[:3]
    with pytest.raises(ShapeError, match=r"transpose of .* shape \(3, 4\) has 3 columns, but x has 4 rows"):
        x @ a
    with pytest.raises(ShapeError, match="needs vectors or matrices"):
        a @ Tensor(2.0, requires_grad=True)
    with pytest.raises(ShapeError, match=r"of two dimensions, not of shape \(4,\)"):
        sparse.coo_array(VECTOR) @ x
    with pytest.raises(DTypeError, match="two sparse matrices have no Tensor between them"):
        mg.matmul(a, a)
    with pytest.raises(DTypeError):
        sparse.csr_matrix(DENSE) * x  # a matrix product, for SciPy's older matrices: A @ x is meant


def test_arrays_and_other_users_of_scipy_get_what_they_got():
    a = sparse.csr_array(DENSE)
    np.testing.assert_allclose(a @ VECTOR, DENSE @ VECTOR)
    assert isinstance(a @ a.T, sparse.csr_array)
    np.testing.assert_array_equal(np.asarray(Tensor(VECTOR)), VECTOR)
    with pytest.raises(mg.GraphError, match="lose its history"):
        np.asarray(Tensor(VECTOR, requires_grad=True))
    assert pickle.loads(pickle.dumps(a)).nnz == a.nnz

"""Exponentials, triangular systems, eigenvalues, and what is made of products: laws, and PyTorch's values."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import ShapeError, Tensor, UsageError, linalg
from minigrad.testing import check_grads

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(3, 3)), RNG.normal(size=(2, 4, 4))
C = A + 1j * RNG.normal(size=(3, 3))
TALL, TAU = RNG.normal(size=(4, 3)), RNG.normal(size=3)
seeds = st.integers(0, 2**32 - 1)


def drawn(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


# ---- what holds ------------------------------------------------------------------------------------------------------


@given(seeds, st.integers(1, 4), st.floats(0.01, 30))
def test_exponential_is_that_of_the_eigenvalues(seed, size, scale):
    x = scale * drawn(seed, size, size)
    symmetric = (x + x.T) / 2
    w, v = np.linalg.eigh(symmetric)
    expected = (v * np.exp(w)) @ v.T
    np.testing.assert_allclose(linalg.matrix_exp(symmetric), expected, atol=1e-10 * np.abs(expected).max())
    inverse = linalg.matrix_exp(-symmetric / scale) @ linalg.matrix_exp(symmetric / scale)
    np.testing.assert_allclose(inverse, np.eye(size), atol=1e-8)


def test_exponential_of_rotations_and_of_nilpotent_matrices():
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    np.testing.assert_allclose(linalg.matrix_exp(np.pi / 2 * turn), turn, atol=1e-15)
    np.testing.assert_allclose(linalg.matrix_exp(np.array([[0.0, 7.0], [0.0, 0.0]])), [[1, 7], [0, 1]])
    assert linalg.matrix_exp(Tensor(np.eye(2, dtype=np.float16))).dtype == np.float16
    assert np.isnan(linalg.matrix_exp(np.stack([np.full((2, 2), np.nan), turn]))).sum() == 4


@given(seeds, st.integers(1, 200), st.booleans())
def test_triangular_systems_are_solved_by_one_triangle(seed, size, upper):
    x = drawn(seed, size, size) + 2 * size**0.5 * np.eye(size)
    y = drawn(seed + 1, size, 2)
    out = linalg.solve_triangular(x, y, upper=upper)
    triangle = np.triu(x) if upper else np.tril(x)
    np.testing.assert_allclose(triangle @ out, y, atol=1e-9)


@given(seeds, st.integers(1, 5), st.booleans())
def test_eigenvectors_are_normalized_to_one_function(seed, size, real):
    x = drawn(seed, size, size) + (0 if real else 1j * drawn(seed + 1, size, size))
    w, v = linalg.eig(x)
    np.testing.assert_allclose(x @ v, v * w, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(v, axis=0), 1)
    largest = np.take_along_axis(v, np.abs(v).argmax(axis=0, keepdims=True), 0)
    np.testing.assert_allclose(largest.imag, 0, atol=1e-12)
    assert (largest.real > 0).all()
    assert w.dtype == v.dtype == np.complex128


def parts(x):
    return mg.stack([mg.real(x), mg.imag(x)])


@pytest.mark.parametrize("x", [A, B, A.astype(np.float64) + np.diag([3.0, 0, -3])], ids=["pair", "stack", "real"])
def test_gradients_of_eigenvalues_and_vectors_are_right_in_any_direction(x):
    for k in (0, 1):
        report = check_grads(lambda x, k=k: parts(linalg.eig(x)[k]), x)
        assert report, report


def test_gradients_at_complex_matrices_are_right():
    def function(re, im):
        w, v = linalg.eig(re + 1j * im)
        return mg.concat([parts(w).reshape((-1,)), parts(v).reshape((-1,))])

    report = check_grads(function, C.real, C.imag)
    assert report, report


@given(seeds, st.integers(1, 5), st.integers(1, 5))
def test_lu_factors_make_the_matrix(seed, rows, columns):
    x = drawn(seed, 2, rows, columns)
    p, lower, upper = (np.asarray(part) for part in linalg.lu(x))
    np.testing.assert_allclose(p @ lower @ upper, x, atol=1e-9)
    assert (np.abs(lower) <= 1 + 1e-12).all()
    assert not np.triu(lower, 1).any()
    assert not np.tril(upper, -1).any()


@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 4), (4, 2)], ids=str)
def test_gradients_of_lu_factors_are_right(shape):
    x = drawn(7, *shape)
    for k in (1, 2):
        assert check_grads(lambda x, k=k: linalg.lu(x)[k], x)
    assert check_grads(lambda x: linalg.lu_factor(x).LU, x)


def test_products_in_the_cheapest_order_are_the_product():
    sizes = (3, 7, 2, 9, 4)
    xs = [RNG.normal(size=pair) for pair in pairwise(sizes)]
    np.testing.assert_allclose(linalg.multi_dot(xs), np.linalg.multi_dot(xs))
    found = linalg.multi_dot([xs[0][0], *xs[1:3], xs[3][:, 0]])
    np.testing.assert_allclose(found, (xs[0] @ xs[1] @ xs[2] @ xs[3])[0, 0])
    assert check_grads(lambda *xs: linalg.multi_dot(xs), *xs[:3])


def test_reflections_make_orthogonal_columns():
    tau = 2 / (1 + (np.tril(TALL, -1) ** 2).sum(axis=0))
    q = linalg.householder_product(TALL, tau)
    np.testing.assert_allclose(q.T @ q, np.eye(3), atol=1e-12)
    raw, factors = np.linalg.qr(TALL, "raw")
    np.testing.assert_allclose(linalg.householder_product(raw.T, factors), np.linalg.qr(TALL)[0], atol=1e-12)


def test_least_squares_leaves_the_smallest_rest():
    y = RNG.normal(size=(4, 2))
    found, expected = linalg.lstsq(TALL, y), np.linalg.lstsq(TALL, y)
    for mine, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, other)
    np.testing.assert_allclose(linalg.lstsq(TALL, y[:, 0]).residuals, expected[1][0])
    assert check_grads(lambda x, y: linalg.lstsq(x, y).solution, TALL, y)


@pytest.mark.parametrize(
    ("function", "arrays"),
    [
        (linalg.vander, (np.array([0.0, 2.0, -1.5]),)),
        (lambda x: linalg.vander(x, 5), (np.array([[0.0, 2.0]]),)),
        (linalg.cond, (A,)),
        (lambda x: linalg.cond(x, 1), (A,)),
        (linalg.tensorinv, (B[0].reshape(2, 2, 4),)),
        (linalg.tensorsolve, (B[0].reshape(2, 2, 4), A[:2, :2])),
        (linalg.householder_product, (TALL, TAU)),
    ],
)
def test_gradients_of_compositions_are_right(function, arrays):
    report = check_grads(function, *arrays)
    assert report, report


def test_numpys_functions_take_tensors():
    x = Tensor(A, requires_grad=True)
    assert np.linalg.eig(x).eigenvalues.requires_grad
    np.testing.assert_allclose(np.linalg.cond(x).item(), np.linalg.cond(A))
    np.testing.assert_allclose(np.linalg.multi_dot([x, x, x]).numpy(), A @ A @ A)
    np.testing.assert_allclose(np.linalg.tensorsolve(x, Tensor(A[0])).numpy(), np.linalg.solve(A, A[0]))
    assert np.linalg.lstsq(x, A)[0].requires_grad


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: linalg.multi_dot([A]), UsageError, "needs two matrices"),
        (lambda: linalg.multi_dot([A, TALL]), ShapeError, r"\(3, 3\), \(4, 3\) do not fit"),
        (lambda: linalg.vander(np.array(1.0)), ShapeError, "give a vector"),
        (lambda: linalg.vander(A, -1), UsageError, "at least 0, got -1"),
        (lambda: linalg.tensorinv(TALL, 1), ShapeError, "not as many elements"),
        (lambda: linalg.tensorinv(A, 0), UsageError, "above 0, got 0"),
        (lambda: linalg.tensorsolve(TALL, A[0]), ShapeError, "not as many elements"),
        (lambda: linalg.householder_product(TALL.T, TAU), ShapeError, "M >= N"),
    ],
)
def test_misuse_is_told(call, error, words):
    with pytest.raises(error, match=words):
        call()


# ---- against PyTorch -------------------------------------------------------------------------------------------------


def by_vectors(lib, w, v):
    """A function of eigenvectors that does not change with their phases."""
    return lib.abs(v) ** 2 * lib.real(w)[..., None, :]


def norms(T, x, p):
    """PyTorch's cond, which cannot be differentiated for these norms."""
    return T.matrix_norm(x, p) * T.matrix_norm(T.inv(x), p)


PAIRS = {
    **{f"matrix_exp {name}": (linalg.matrix_exp, lambda T, x: T.matrix_exp(x), (x,))
       for name, x in {"A": A, "B": B, "C": C, "large": 5 * A}.items()},
    **{
        f"solve_triangular {settings}": (
            lambda x, y, s=settings: linalg.solve_triangular(x, y, upper=s[0], left=s[1], unitriangular=s[2]),
            lambda T, x, y, s=settings: T.solve_triangular(x, y, upper=s[0], left=s[1], unitriangular=s[2]),
            (A + 3 * np.eye(3), C.real),
        )
        for settings in [(u, left, one) for u in (False, True) for left in (False, True) for one in (False, True)]
    },
    **{f"eigvals {name}": (lambda x: mg.exp(linalg.eigvals(x)).sum(-1), lambda T, x: T.eigvals(x).exp().sum(-1), (x,))
       for name, x in {"A": A, "B": B, "C": C}.items()},
    **{f"eig {name}": (lambda x: by_vectors(mg, *linalg.eig(x)).sum((-2, -1)),
                       lambda T, x: by_vectors(pytest.importorskip("torch"), *T.eig(x)).sum((-2, -1)), (x,))
       for name, x in {"A": A, "B": B, "C": C}.items()},
    "householder_product": (linalg.householder_product, lambda T, x, t: T.householder_product(x, t), (TALL, TAU)),
    "householder_product C": (linalg.householder_product, lambda T, x, t: T.householder_product(x, t),
                              (TALL + 1j * TALL[::-1], TAU + 0.3j)),
    **{f"lu {k} {name}": (lambda x, k=k: linalg.lu(x)[k], lambda T, x, k=k: T.lu(x)[k], (x,))
       for k in range(3) for name, x in {"A": A, "B": B, "C": C, "tall": TALL, "wide": TALL.T.copy()}.items()},
    **{f"lu_factor {name}": (lambda x: linalg.lu_factor(x).LU, lambda T, x: T.lu_factor(x)[0], (x,))
       for name, x in {"A": A, "B": B, "tall": TALL, "wide": TALL.T.copy()}.items()},
    **{f"lu_solve {left} {adj} {name}": (
        lambda x, y, s=(left, adj): linalg.lu_solve(*linalg.lu_factor(x), y, left=s[0], adjoint=s[1]),
        lambda T, x, y, s=(left, adj): T.lu_solve(*T.lu_factor(x), y, left=s[0], adjoint=s[1]),
        (x, C if name == "C" else A.T.copy()))
       for left in (True, False) for adj in (True, False) for name, x in {"A": A, "C": C}.items()},
    "multi_dot": (lambda *xs: linalg.multi_dot(xs), lambda T, *xs: T.multi_dot(xs), (TAU[[0, 1, 2, 0]], TALL, A)),
    "vander": (linalg.vander, lambda T, x: T.vander(x), (np.array([0.0, 2, 3]),)),
    "vander 5": (lambda x: linalg.vander(x, 5), lambda T, x: T.vander(x, N=5), (np.array([0.0, 2, 3]),)),
    **{f"cond {p}": (lambda x, p=p: linalg.cond(x, p), lambda T, x, p=p: T.cond(x, p), (A,))
       for p in (None, 2, -2, "nuc")},
    **{f"cond {p}": (lambda x, p=p: linalg.cond(x, p), lambda T, x, p=p: norms(T, x, p), (A,))
       for p in (1, -1, np.inf, -np.inf, "fro")},
    "tensorinv": (linalg.tensorinv, lambda T, x: T.tensorinv(x), (B[0].reshape(2, 2, 4),)),
    "tensorsolve": (linalg.tensorsolve, lambda T, x, y: T.tensorsolve(x, y), (B[0].reshape(2, 2, 4), A[:2, :2])),
    "tensorsolve axes": (lambda x, y: linalg.tensorsolve(x, y, (1,)), lambda T, x, y: T.tensorsolve(x, y, (1,)),
                         (B[0].reshape(2, 4, 2), A[:2, :2])),
    "lstsq": (lambda x, y: linalg.lstsq(x, y).solution, lambda T, x, y: T.lstsq(x, y).solution, (TALL, TALL[:, :2])),
}  # fmt: skip


@pytest.mark.peer
@pytest.mark.parametrize("name", PAIRS)
def test_values_and_gradients_equal_pytorchs(name):
    torch = pytest.importorskip("torch")
    ours, theirs, arrays = PAIRS[name]
    xs = [Tensor(x, requires_grad=True) for x in arrays]
    others = [torch.tensor(x, requires_grad=True) for x in arrays]
    out, expected = ours(*xs), theirs(torch.linalg, *others)
    np.testing.assert_allclose(out.numpy(), expected.detach().resolve_conj().numpy(), rtol=1e-9, atol=1e-11)
    weights = np.cos(np.arange(out.size)).reshape(out.shape)
    total = torch.real(expected * torch.tensor(weights)).sum()
    if not total.requires_grad:  # a permutation
        return
    total.backward()
    mg.real(out * weights).sum().backward()
    for x, other in zip(xs, others, strict=True):
        np.testing.assert_allclose(x.grad.numpy(), other.grad.resolve_conj().numpy(), rtol=1e-8, atol=1e-9)

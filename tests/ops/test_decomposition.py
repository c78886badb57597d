"""cholesky, eigh, svd and qr: what they give, gradients of what is well-defined, and refusals of what is not."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import GraphError, ShapeError, Tensor, UsageError
from minigrad.domain import FULL_RANK, POSITIVE_DEFINITE, SYMMETRIC
from tests.helper import numerical_gradient, variable

RNG = np.random.default_rng(5)
POSITIVE = POSITIVE_DEFINITE.project(RNG.normal(size=(2, 3, 3)))
SYMMETRICS = SYMMETRIC.project(RNG.normal(size=(2, 3, 3)))
TALL, WIDE = FULL_RANK.project(RNG.normal(size=(2, 4, 3))), FULL_RANK.project(RNG.normal(size=(3, 4)))
SQUARE = FULL_RANK.project(RNG.normal(size=(3, 3)))


def gradient(f, x):
    v = variable(x)
    out = f(v)
    out.backward(np.cos(np.arange(out.size)).reshape(out.shape))
    return v.grad.numpy()


def numerical(f, x):
    weights = np.cos(np.arange(np.size(f(x)))).reshape(np.shape(f(x)))
    return numerical_gradient(lambda a: np.sum(f(a) * weights), [x])


# ---- what they give ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("upper", [False, True])
def test_cholesky_equals_numpys(upper):
    found = mg.cholesky(Tensor(POSITIVE), upper=upper).numpy()
    np.testing.assert_allclose(found, np.linalg.cholesky(POSITIVE, upper=upper), rtol=1e-12)


def test_eigh_equals_numpys():
    found, expected = mg.eigh(Tensor(SYMMETRICS)), np.linalg.eigh(SYMMETRICS)
    np.testing.assert_allclose(found.eigenvalues.numpy(), expected.eigenvalues, rtol=1e-12)
    np.testing.assert_allclose(found.eigenvectors.numpy(), expected.eigenvectors, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(mg.eigvalsh(Tensor(SYMMETRICS)).numpy(), np.linalg.eigvalsh(SYMMETRICS), rtol=1e-12)


@pytest.mark.parametrize("x", [TALL, WIDE, SQUARE], ids=["tall", "wide", "square"])
@pytest.mark.parametrize("full_matrices", [False, True])
def test_svd_equals_numpys(x, full_matrices):
    found, expected = mg.svd(Tensor(x), full_matrices=full_matrices), np.linalg.svd(x, full_matrices=full_matrices)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a.numpy(), b)
    assert found.S is found[1]
    np.testing.assert_allclose(mg.svdvals(Tensor(x)).numpy(), np.linalg.svdvals(x), rtol=1e-12)


@pytest.mark.parametrize("x", [TALL, WIDE, SQUARE], ids=["tall", "wide", "square"])
@pytest.mark.parametrize("mode", ["reduced", "complete"])
def test_qr_equals_numpys(x, mode):
    found, expected = mg.qr(Tensor(x), mode=mode), np.linalg.qr(x, mode)
    np.testing.assert_array_equal(found.Q.numpy(), expected.Q)
    np.testing.assert_array_equal(found.R.numpy(), expected.R)


DECOMPOSITIONS = {
    "cholesky": (lambda x: (mg.cholesky(x),), POSITIVE),
    "eigh": (mg.eigh, SYMMETRICS),
    "svd": (lambda x: mg.svd(x, full_matrices=False), TALL),
    "svdvals": (lambda x: (mg.svdvals(x),), WIDE),
    "qr": (mg.qr, TALL),
}
each = pytest.mark.parametrize(("f", "x"), DECOMPOSITIONS.values(), ids=DECOMPOSITIONS)


@each
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_dtype_is_kept_also_where_lapack_does_not_know_it(f, x, dtype):
    v = variable(x, dtype)
    out = f(v)
    assert {part.dtype for part in out} == {np.dtype(dtype)}
    sum(part.sum() for part in out).backward()
    assert v.grad.dtype == dtype
    assert np.isfinite(v.grad.numpy()).all()


@each
def test_bare_arrays_give_bare_arrays(f, x):
    assert {type(part) for part in f(x)} == {np.ndarray}


@each
def test_matrices_without_elements(f, x):
    v = variable(np.empty((2, 0, 0)))
    out = f(v)
    assert all(part.shape[0] == 2 and part.size == 0 for part in out)
    sum(part.sum() for part in out).backward()
    assert v.grad.shape == (2, 0, 0)


@each
def test_vector_is_refused(f, x):
    with pytest.raises(ShapeError):
        f(Tensor(np.ones(3)))


# ---- the symmetric part --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("f", "x"), [(mg.cholesky, POSITIVE), (mg.eigvalsh, SYMMETRICS)])
def test_only_the_symmetric_part_counts_and_the_gradient_is_symmetric(f, x):
    turn = np.triu(RNG.normal(size=x.shape), 1)
    skewed = x + turn - np.swapaxes(turn, -1, -2)
    np.testing.assert_allclose(f(Tensor(skewed)).numpy(), f(Tensor(x)).numpy(), rtol=1e-12, atol=1e-14)
    g = gradient(f, skewed)
    np.testing.assert_allclose(g, np.swapaxes(g, -1, -2))
    np.testing.assert_allclose(g, numerical(lambda a: f(a), x), rtol=1e-6, atol=1e-9)


def test_matrix_that_is_not_positive_definite_is_named_as_the_cause():
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        mg.cholesky(Tensor(-np.eye(2)))


@pytest.mark.parametrize("vectors", [lambda x: mg.eigh(x)[1], lambda x: mg.svd(x, full_matrices=False)[0]])
def test_values_are_told_apart_by_their_ratio_however_small_they_are(vectors):
    scale = 2.0**-70
    found = gradient(vectors, scale * SYMMETRICS) * scale
    np.testing.assert_allclose(found, gradient(vectors, SYMMETRICS), rtol=1e-9)


# ---- equal eigenvalues and singular values -------------------------------------------------------------------


def test_symmetric_function_of_equal_eigenvalues_has_the_right_gradient():
    for x in (np.eye(3), np.zeros((2, 2)), np.diag([1.0, 1.0, 2.0]), SYMMETRICS[0]):
        found = gradient(lambda x: mg.exp(mg.eigvalsh(x)).sum(), x)
        w, v = np.linalg.eigh(x)
        np.testing.assert_allclose(found, v * np.exp(w) @ v.T, rtol=1e-9, atol=1e-12)


def test_projection_on_the_space_of_equal_eigenvalues_has_the_right_gradient():
    def projection(x):
        v = mg.eigh(x)[1][..., :2]
        return v @ mg.matrix_transpose(v)

    x = np.diag([1.0, 1.0, 2.0])
    np.testing.assert_allclose(gradient(projection, x), numerical(projection, x), rtol=1e-7, atol=1e-9)


def test_what_is_lost_between_equal_eigenvalues_comes_out_as_zero():
    def exponential(x):
        w, v = mg.eigh(x)
        return (v * mg.expand_dims(mg.exp(w), axis=-2)) @ mg.matrix_transpose(v)

    weights = np.cos(np.arange(4)).reshape(2, 2)
    np.testing.assert_allclose(gradient(exponential, np.eye(2)), np.diag(np.e * np.diag(weights)), atol=1e-12)
    x = np.diag([1.0, 2.0])
    np.testing.assert_allclose(gradient(exponential, x), numerical(exponential, x), rtol=1e-7)


def test_polar_factor_has_the_right_gradient_at_equal_singular_values():
    def polar(x):
        u, _, vh = mg.svd(x, full_matrices=False)
        return u @ vh

    q = np.linalg.qr(RNG.normal(size=(3, 3))).Q  # all singular values are 1
    for x in (q, np.eye(2), SQUARE, np.linalg.qr(RNG.normal(size=(4, 2))).Q):
        np.testing.assert_allclose(gradient(polar, x), numerical(polar, x), rtol=1e-7, atol=1e-9)


def test_sum_of_equal_singular_values_has_the_right_gradient():
    for x in (np.eye(3), -2 * np.eye(2), np.linalg.qr(RNG.normal(size=(4, 2))).Q):
        v = variable(x)
        mg.svdvals(v).sum().backward()
        expected = numerical_gradient(lambda a: np.linalg.svdvals(a).sum(), [x])
        np.testing.assert_allclose(v.grad.numpy(), expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("x", [np.zeros((2, 3)), np.ones((3, 2)), np.diag([1.0, 0.0])])
def test_gradient_of_singular_values_stays_finite_without_full_rank(x):
    v = variable(x)
    mg.svdvals(v).sum().backward()
    assert np.isfinite(v.grad.numpy()).all()
    assert np.linalg.norm(v.grad.numpy(), 2) <= 1 + 1e-12  # a subgradient of the nuclear norm


# ---- what has no derivative ----------------------------------------------------------------------------------


def test_further_singular_vectors_have_no_gradient():
    u, s, vh = mg.svd(variable(TALL))
    with pytest.raises(GraphError, match=r"columns of u beyond the first 3 .* use full_matrices=False"):
        (u.sum() + s.sum()).backward()
    vh = mg.svd(variable(WIDE)).Vh
    with pytest.raises(GraphError, match="rows of vh beyond the first 3"):
        vh.sum().backward()


@pytest.mark.parametrize("x", [TALL, WIDE], ids=["tall", "wide"])
def test_what_the_full_decompositions_share_with_the_reduced_ones_has_a_gradient(x):
    def polar(v, full_matrices):
        u, _, vh = mg.svd(v, full_matrices=full_matrices)
        return u[..., :3] @ vh[..., :3, :]

    for f in (polar, lambda v, full: mg.qr(v, mode="complete" if full else "reduced").R[..., :3, :]):
        found, expected = [gradient(lambda v, f=f, full=full: f(v, full), x) for full in (True, False)]
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_further_columns_of_a_complete_q_have_no_gradient():
    with pytest.raises(GraphError, match=r'columns of q beyond the first 3 .* mode="reduced"'):
        mg.qr(variable(TALL), mode="complete").Q.sum().backward()


def test_other_modes_of_qr_are_refused():
    with pytest.raises(UsageError, match="reduced"):
        mg.qr(Tensor(TALL), mode="raw")


@pytest.mark.peer
@pytest.mark.parametrize(
    ("ours", "theirs", "x"),
    [
        (lambda x: mg.cholesky(x), lambda torch, x: torch.linalg.cholesky(x), POSITIVE),
        (lambda x: mg.eigh(x).eigenvalues, lambda torch, x: torch.linalg.eigh(x).eigenvalues, SYMMETRICS),
        (lambda x: mg.square(mg.eigh(x)[1]), lambda torch, x: torch.linalg.eigh(x)[1].square(), SYMMETRICS),
        (
            lambda x: mg.abs(mg.svd(x, full_matrices=False)[0]),
            lambda t, x: t.linalg.svd(x, full_matrices=False)[0].abs(),
            TALL,
        ),
        (
            lambda x: mg.abs(mg.svd(x, full_matrices=False)[2]),
            lambda t, x: t.linalg.svd(x, full_matrices=False)[2].abs(),
            WIDE,
        ),
        (lambda x: mg.qr(x).Q, lambda torch, x: torch.linalg.qr(x).Q, TALL),
        (lambda x: mg.qr(x).R, lambda torch, x: torch.linalg.qr(x).R, WIDE),
    ],
)
def test_gradient_equals_pytorchs(ours, theirs, x, torch):
    v = torch.tensor(x, requires_grad=True)
    out = theirs(torch, v)
    out.backward(torch.tensor(np.cos(np.arange(out.numel())).reshape(out.shape)))
    np.testing.assert_allclose(gradient(ours, x), v.grad.numpy(), rtol=1e-9, atol=1e-11)

"""Inverse, solution, determinant, powers and pseudo-inverse: values, conventions, and singular matrices."""

import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad import ShapeError, Tensor
from minigrad.domain import INVERTIBLE
from tests.helper import numerical_gradient, variable

RNG = np.random.default_rng(11)
A = INVERTIBLE.project(RNG.normal(size=(3, 3)))
STACK = INVERTIBLE.project(RNG.normal(size=(2, 1, 3, 3)))
WIDE = RNG.normal(size=(2, 3, 4))
SINGULAR = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])

CALLS = {
    "inv": (mg.inv, np.linalg.inv, STACK),
    "det": (mg.det, np.linalg.det, STACK),
    "slogdet": (lambda x: mg.slogdet(x).logabsdet, lambda x: np.linalg.slogdet(x).logabsdet, STACK),
    "pinv": (mg.pinv, np.linalg.pinv, WIDE),
    "matrix_power 5": (lambda x: mg.matrix_power(x, 5), lambda x: np.linalg.matrix_power(x, 5), STACK),
    "matrix_power 1": (lambda x: mg.matrix_power(x, 1), lambda x: np.linalg.matrix_power(x, 1), STACK),
    "matrix_power -2": (lambda x: mg.matrix_power(x, -2), lambda x: np.linalg.matrix_power(x, -2), STACK),
    "solve, vector": (
        lambda x: mg.solve(x, WIDE[0, :, 0].astype(x.dtype)),
        lambda x: np.linalg.solve(x, WIDE[0, :, 0]),
        STACK,
    ),
    "solve, matrix": (lambda x: mg.solve(x, WIDE.astype(x.dtype)), lambda x: np.linalg.solve(x, WIDE), STACK),
}
each = pytest.mark.parametrize(("ours", "numpys", "x"), CALLS.values(), ids=CALLS)


@each
def test_values_equal_numpys(ours, numpys, x):
    for found in (ours(Tensor(x)).numpy(), ours(x)):
        np.testing.assert_allclose(found, numpys(x), rtol=1e-11)


@each
def test_gradient_is_right(ours, numpys, x):
    v, weights = variable(x), np.cos(np.arange(numpys(x).size)).reshape(numpys(x).shape)
    (ours(v) * weights).sum().backward()
    expected = numerical_gradient(lambda a: np.sum(numpys(a) * weights), [x])
    np.testing.assert_allclose(v.grad.numpy(), expected, rtol=1e-6, atol=1e-8)


@each
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_dtype_is_kept_also_where_lapack_does_not_know_it(ours, numpys, x, dtype):
    v = variable(x, dtype)
    out = ours(v)
    assert out.dtype == dtype
    np.testing.assert_allclose(out.numpy(), numpys(x), rtol=0.1, atol=0.02)
    out.sum().backward()
    assert v.grad.dtype == dtype


def test_half_precision_can_be_mixed_with_double():
    x, y = Tensor(np.eye(2, dtype=np.float16)), Tensor(np.ones((2, 1)))
    assert mg.solve(x, y).dtype == np.float64


def test_power_zero_is_the_identity():
    np.testing.assert_array_equal(mg.matrix_power(Tensor(STACK), 0).numpy(), np.broadcast_to(np.eye(3), STACK.shape))
    assert isinstance(mg.matrix_power(STACK, 0), np.ndarray)


def test_integers_give_floating_constants():
    x = Tensor(np.array([[2, 0], [0, 4]]))
    for found in (mg.inv(x), mg.pinv(x), mg.matrix_power(x, -1)):
        np.testing.assert_allclose(found.numpy(), [[0.5, 0], [0, 0.25]])
    np.testing.assert_allclose(mg.det(x).item(), 8)


def test_matrices_without_elements():
    x = Tensor(np.empty((2, 0, 0)))
    assert (mg.inv(x).shape, mg.det(x).tolist(), mg.slogdet(x).logabsdet.tolist()) == ((2, 0, 0), [1, 1], [0, 0])
    assert mg.pinv(Tensor(np.empty((0, 3)))).shape == (3, 0)


# ---- right-hand sides ----------------------------------------------------------------------------------------


def test_right_hand_side_of_one_dimension_is_a_vector_and_all_others_are_matrices():
    stack, y = Tensor(np.stack([A, A])), np.ones((2, 3))
    assert mg.solve(stack, np.ones(3)).shape == (2, 3)
    with pytest.raises(ShapeError, match="M is 3 in x but 2 in y"):
        mg.solve(stack, y)  # not two vectors, but a matrix with two rows
    assert mg.solve(stack, y[..., None]).shape == (2, 3, 1)


def test_gradient_of_the_right_hand_side_undoes_its_broadcasting():
    for y in (np.ones(3), np.ones((3, 2)), np.ones((4, 3, 2))):
        v = variable(y)
        mg.solve(STACK, v).sum().backward()
        expected = numerical_gradient(lambda b: np.sum(np.linalg.solve(STACK, b)), [y])
        np.testing.assert_allclose(v.grad.numpy(), expected, rtol=1e-7)


# ---- singular matrices ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [mg.inv, lambda x: mg.solve(x, np.ones(2))])
def test_singular_matrix_is_named_as_the_cause(f):
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        f(Tensor(np.ones((2, 2))))


def test_slogdet_of_a_singular_matrix_is_minus_infinity_and_has_no_gradient():
    x = variable(np.ones((2, 2)))
    found = mg.slogdet(x)
    assert (found.sign.item(), found.logabsdet.item()) == (0, -np.inf)
    with pytest.raises(np.linalg.LinAlgError):
        found.logabsdet.backward()


@pytest.mark.parametrize(
    "x", [SINGULAR, np.zeros((2, 2)), np.zeros((1, 1)), np.ones((3, 3)), np.diag([1.0, 1e-30, 2.0])]
)
def test_determinant_of_a_singular_matrix_has_the_cofactors_for_its_gradient(x):
    def cofactor(i, j):
        return (-1) ** (i + j) * np.linalg.det(np.delete(np.delete(x, i, 0), j, 1))

    expected = np.array([[cofactor(i, j) for j in range(len(x))] for i in range(len(x))])
    v = variable(x)
    mg.det(v).backward()
    np.testing.assert_allclose(v.grad.numpy(), expected, atol=1e-12)
    np.testing.assert_allclose(mg.grad(lambda v: mg.grad(mg.det)(v)[0, 0])(x).numpy()[0, 0], 0, atol=1e-12)


def test_determinant_of_a_singular_matrix_has_second_derivatives():
    hessian = mg.hessian(mg.det)(np.zeros((2, 2))).numpy().reshape(4, 4)
    np.testing.assert_allclose(hessian, [[0, 0, 0, 1], [0, 0, -1, 0], [0, -1, 0, 0], [1, 0, 0, 0]], atol=1e-12)


def test_second_derivatives_of_a_determinant_are_exact_where_a_large_matrix_is_nearly_singular():
    x = 1e12 * np.array([[1.0, 1.0], [1.0, 1.0 + 1e-9]])
    hessian = mg.hessian(mg.det)(x).numpy().reshape(4, 4)
    np.testing.assert_allclose(hessian, np.fliplr(np.diag([1.0, -1.0, -1.0, 1.0])), atol=1e-12)


def test_second_derivatives_of_a_determinant_follow_the_condition_of_the_matrix_not_its_scale():
    # The least singular value, 0.02, is rounding beside the largest, 7e12: a rule by the inverse is off by 0.5 %.
    x = 2.0**40 * np.array([[1.0, 2.0, -3.0], [2.0, 0.0, 0.0], [3.0, 2.0, -3.0]])
    x[2, 2] += 2.0**-4
    expected = np.zeros((3, 3, 3, 3))  # d2 det / dx_ij dx_hk = e_ihm e_jkn x_mn, e the Levi-Civita symbol
    for i, h, m in itertools.permutations(range(3)):
        for j, k, n in itertools.permutations(range(3)):
            expected[i, j, h, k] = levi_civita(i, h, m) * levi_civita(j, k, n) * x[m, n]
    np.testing.assert_allclose(mg.hessian(mg.det)(x).numpy(), expected, rtol=1e-9)


def levi_civita(i, j, k):
    return (i - j) * (j - k) * (k - i) / 2


def test_slogdet_survives_where_det_overflows():
    x = variable(np.eye(400) * 1e10)
    found = mg.slogdet(x)
    np.testing.assert_allclose(found.logabsdet.item(), 4000 * np.log(10))
    found.logabsdet.backward()
    np.testing.assert_allclose(x.grad.numpy(), np.eye(400) * 1e-10)


def test_gradient_of_a_determinant_does_not_overflow_before_it_does():
    x = np.diag(np.repeat([1e3, 1e-3], 120))
    v = variable(x)
    mg.det(v).backward()
    np.testing.assert_allclose(np.diag(v.grad.numpy()), 1 / np.diag(x), rtol=1e-10)


def test_pseudo_inverse_cuts_small_singular_values():
    x = np.diag([1.0, 1e-3])
    assert mg.pinv(Tensor(x), rtol=1e-2).tolist() == [[1, 0], [0, 0]]
    np.testing.assert_allclose(mg.pinv(Tensor(x)).numpy(), np.diag([1, 1e3]))


@pytest.mark.parametrize("x", [SINGULAR, WIDE, np.zeros((2, 3)), np.empty((0, 3)), STACK])
def test_rank_equals_numpys(x):
    np.testing.assert_array_equal(mg.matrix_rank(Tensor(x)).numpy(), np.linalg.matrix_rank(x) if x.size else 0)


@pytest.mark.parametrize("f", [mg.inv, mg.det, mg.slogdet, lambda x: mg.matrix_power(x, 2), lambda x: mg.solve(x, x)])
@pytest.mark.parametrize("shape", [(2, 3), (3,), ()])
def test_matrix_that_is_not_square_is_refused(f, shape):
    with pytest.raises(ShapeError):
        f(Tensor(np.ones(shape)))


@pytest.mark.peer
@pytest.mark.parametrize("name", ["inv", "det", "pinv"])
def test_gradient_equals_pytorchs(name, torch):
    x = WIDE if name == "pinv" else STACK
    theirs, mine = torch.tensor(x, requires_grad=True), variable(x)
    getattr(torch.linalg, name)(theirs).square().sum().backward()
    mg.square(getattr(mg, name)(mine)).sum().backward()
    np.testing.assert_allclose(mine.grad.numpy(), theirs.grad.numpy(), rtol=1e-9, atol=1e-11)


def test_each_matrix_may_have_its_own_rtol():
    x = np.stack([np.diag([1.0, 0.1]), np.diag([1.0, 0.1])])
    rtol = np.array([0.5, 0.01])
    assert mg.matrix_rank(mg.Tensor(x), rtol=mg.Tensor(rtol)).tolist() == [1, 2]
    np.testing.assert_allclose(mg.pinv(mg.Tensor(x), rtol=rtol).numpy()[:, 1, 1], [0, 10])

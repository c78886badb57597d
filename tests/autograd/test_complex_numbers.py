"""The convention of complex gradients at the boundary, and what is refused in words."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, optim
from minigrad.errors import DTypeError

Z = np.array([1 + 2j, 3 - 1j, -0.5 + 0.25j])


def squared(z):
    return (mg.abs(z) ** 2).sum()


def test_gradient_of_a_real_loss_points_uphill():
    z = Tensor(Z, requires_grad=True)
    squared(z).backward()
    np.testing.assert_allclose(z.grad.numpy(), 2 * Z)  # d|z|^2/dx + i d|z|^2/dy
    assert squared(z - 0.1 * z.grad) < squared(z)


def test_all_ways_to_a_gradient_have_one_convention():
    def loss(z):
        return (mg.exp(z) * z.conj()).sum().real

    z = Tensor(Z, requires_grad=True)
    out = loss(z)
    by_tensor = mg.grad(out, z, retain_graph=True)
    out.backward()
    for found in (by_tensor, mg.grad(loss)(Z), mg.value_and_grad(loss)(Z)[1], mg.vjp(loss, Z)[1](1.0)[0]):
        np.testing.assert_allclose(found.numpy(), z.grad.numpy())


def test_vjp_is_the_adjoint_of_jvp():
    def f(z):
        return mg.exp(z) * z.conj() + 2j * z.real

    g, v = Z * (2 - 1j), Z * (0.5 + 1j) + 1
    _, pull = mg.vjp(f, Z)
    _, pushed = mg.jvp(f, (Z,), (v,))
    _, push = mg.linearize(f, Z)
    np.testing.assert_allclose(push(v).numpy(), pushed.numpy())
    np.testing.assert_allclose(np.vdot(g, pushed.numpy()).real, np.vdot(pull(g)[0].numpy(), v).real)


def test_cotangent_of_a_holomorphic_function_is_multiplied_by_the_conjugate_of_its_derivative():
    g = Z * (2 - 1j)
    np.testing.assert_allclose(mg.vjp(mg.exp, Z)[1](g)[0].numpy(), g * np.exp(Z).conj())


def test_real_input_of_a_complex_result_takes_the_real_part():
    x = Tensor(np.array([1.0, 2.0, 3.0]), requires_grad=True)
    squared(x * (1 + 2j) + 1j).backward()
    assert x.grad.dtype == np.float64
    np.testing.assert_allclose(x.grad.numpy(), 2 * (x.numpy() + 2 * (2 * x.numpy() + 1)))


def test_gradient_of_a_gradient():
    z = Tensor(Z, requires_grad=True)
    (slope,) = [mg.grad((mg.abs(z) ** 4).sum(), z, create_graph=True)]
    np.testing.assert_allclose(slope.numpy(), 4 * np.abs(Z) ** 2 * Z)
    squared(slope).backward()
    np.testing.assert_allclose(z.grad.numpy(), 96 * np.abs(Z) ** 4 * Z)
    np.testing.assert_allclose(mg.hvp(squared, Z, 1j * Z).numpy(), 2j * Z)


def test_norm_at_0_has_the_gradient_0_and_its_square_a_smooth_one():
    z = np.array([0j, 0j])
    np.testing.assert_array_equal(mg.grad(lambda z: mg.abs(z).sum())(z).numpy(), z)
    np.testing.assert_array_equal(mg.grad(lambda z: mg.linalg.vector_norm(z))(z).numpy(), z)
    v = np.array([1j, 2 - 1j])
    np.testing.assert_allclose(mg.hvp(lambda z: mg.linalg.vector_norm(z) ** 2, z, v).numpy(), 2 * v)
    np.testing.assert_allclose(mg.hvp(squared, z, v).numpy(), 2 * v)


def test_custom_vjp_takes_and_gives_gradients_of_users():
    @mg.custom_vjp
    def square(z):
        return z * z

    square.defvjp(lambda z: (z * z, z), lambda z, g: (g * 2 * z.conj(),))
    np.testing.assert_allclose(mg.grad(lambda z: squared(square(z)))(Z).numpy(), 4 * np.abs(Z) ** 2 * Z)
    twice = mg.hvp(lambda z: squared(square(z)), Z, 1j * Z + 1)
    np.testing.assert_allclose(twice.numpy(), mg.hvp(lambda z: squared(z * z), Z, 1j * Z + 1).numpy())


def test_jacobian_of_a_complex_function_of_real_numbers():
    x = np.array([0.5, 2.0])
    np.testing.assert_allclose(mg.jacobian(lambda x: mg.exp(1j * x))(x).numpy(), np.diag(1j * np.exp(1j * x)))


@pytest.mark.parametrize("transform", [mg.jacobian, mg.hessian])
def test_matrix_of_derivatives_by_complex_numbers_is_refused(transform):
    with pytest.raises(DTypeError, match="matrix of real derivatives"):
        transform(squared)(Z)


def test_complex_loss_is_refused():
    z = Tensor(Z, requires_grad=True)
    for run in (lambda: z.sum().backward(), lambda: mg.grad(mg.sum)(Z), lambda: mg.grad(z.sum(), z)):
        with pytest.raises(DTypeError, match=r"a loss is real, as abs\(z\) or z\.real"):
            run()
    z.sum().backward(1.0)
    np.testing.assert_array_equal(z.grad.numpy(), np.ones(3))


def test_complex_cotangent_or_tangent_of_a_real_value_is_refused():
    with pytest.raises(DTypeError, match="the cotangent g is complex"):
        mg.vjp(mg.exp, np.ones(3))[1](Z)
    with pytest.raises(DTypeError, match="the tangent v is complex"):
        mg.jvp(mg.exp, (np.ones(3),), (Z,))


@pytest.mark.parametrize(
    "run",
    [
        lambda: Tensor(Z).astype(float),
        lambda: mg.tensor(Z, dtype=float),
        lambda: setattr(mg.zeros(3), "data", Z),
        lambda: mg.full(2, 1j, dtype="float32"),
        lambda: mg.linspace(0, 1j, 3, dtype="float64"),
    ],
)
def test_imaginary_parts_are_not_lost_without_a_word(run):
    with pytest.raises(DTypeError, match="complex numbers do not become"):
        run()


FOR_REAL_NUMBERS = [
    mg.sort, mg.max, mg.argmax, mg.relu, mg.softmax, mg.var, mg.std, mg.logsumexp, mg.floor, mg.sigmoid,
    mg.functional.gelu, mg.fft.rfft, lambda z: mg.less(z, z), lambda z: mg.maximum(z, 0.0), lambda z: mg.clip(z, 0, 1),
    lambda z: mg.hypot(z, 1.0), lambda z: mg.functional.mse_loss(z, z),
]  # fmt: skip


@pytest.mark.parametrize("run", FOR_REAL_NUMBERS)
@pytest.mark.parametrize("make", [Tensor, np.asarray, lambda z: Tensor(z, requires_grad=True)])
def test_functions_of_real_numbers_refuse_complex_ones(run, make):
    with pytest.raises(DTypeError, match="for real numbers"):
        run(make(Z))


def test_python_numbers_are_weak():
    x = mg.ones(2)
    assert (x * 1j).dtype == np.complex64
    assert (mg.ones(2, dtype="float64") + 1j).dtype == np.complex128
    assert mg.tensor(1j).dtype == np.complex64
    assert complex(mg.tensor(1 + 2j)) == 1 + 2j
    assert mg.result_type("float32", 1j) == np.complex64


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.RMSprop, optim.Adagrad, optim.AdamW])
def test_optimizers_descend(kind):
    z = Tensor(Z, requires_grad=True)
    optimizer = kind([z], lr=0.05)
    losses = []
    for _ in range(50):
        optimizer.zero_grad()
        loss = squared(z - 1j)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    again = kind([z], lr=0.05)
    again.load_state_dict(optimizer.state_dict())


@pytest.mark.peer
@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam"])
def test_steps_equal_pytorchs(name):
    torch = pytest.importorskip("torch")
    mine, theirs = Tensor(Z, requires_grad=True), torch.tensor(Z, requires_grad=True)
    ours, yours = getattr(optim, name)([mine], lr=0.05), getattr(torch.optim, name)([theirs], lr=0.05)
    for _ in range(5):
        ours.zero_grad()
        yours.zero_grad()
        squared(mine - 1j).backward()
        (torch.abs(theirs - 1j) ** 2).sum().backward()
        ours.step()
        yours.step()
    np.testing.assert_allclose(mine.numpy(), theirs.detach().numpy(), rtol=1e-6)

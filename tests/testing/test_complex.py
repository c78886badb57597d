"""The kit on functions of complex numbers: right derivatives pass, and planted faults are found and named."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import UsageError
from minigrad.testing import LawViolation, check_grads, gradtest, laws, real_parts

Z = np.array([1 + 2j, 3 - 1j, -0.5 + 0.25j])
W = np.array([0.5 - 1j, 2 + 0.75j, 1 + 1j])


def planted(forward, rule, other=None):
    """An op of one or two complex inputs, whose rule for the first one is given."""
    op = mg.Op(forward, "planted", complex="nonholomorphic")
    op.vjp("x")(rule)
    if other is not None:
        op.vjp("y")(other)
    return op


FAULTS = {
    "missing conj": (planted(lambda x: np.abs(x) ** 2, lambda g, x: 2 * g * x), "conjugate"),
    "imaginary part dropped": (planted(lambda x: x * x, lambda g, x: (2 * g * x).real + 0j), "part dropped"),
    "real part dropped": (planted(lambda x: x * x, lambda g, x: 1j * (2 * g * x).imag), "part dropped"),
    "wrong sign of the imaginary part": (planted(lambda x: 2 * x.real + x.imag, lambda g: (2 + 1j) * g), "conjugate"),
    "wrong sign of the real part": (planted(lambda x: x.real, lambda g, x: -g + 0j), "wrong sign"),
    "adjoint in place of the transpose": (
        planted(lambda x, y: x * y, lambda g, y: g * mg.conj(y), lambda g, x: g * x), "conjugate"
    ),
    "cotangent conjugated": (planted(lambda x: x * (1 + 2j), lambda g: mg.conj(g) * (1 + 2j)), "conjugate"),
    "cotangent not conjugated": (planted(np.conj, lambda g: g), "conjugate"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_is_found_and_named(name):
    op, cause = FAULTS[name]
    args = [Z, W][: len(op.inputs)]
    report = check_grads(op, *args, order=1)
    assert report.verdict.value == "wrong"
    assert "part of argument 0" in report.argument
    with pytest.raises(LawViolation) as violation:
        laws.gradient(op, *args)
    assert violation.value.cause == cause


def test_gradtest_draws_complex_arrays_and_names_the_fault():
    @gradtest(dtype="complex128", examples=20)
    def right(z, w):
        return mg.abs(z * w.conj()) + z.real

    right.gradtest()
    op, cause = FAULTS["missing conj"]
    with pytest.raises(LawViolation) as violation:
        gradtest(dtype="complex128")(op).gradtest()
    assert violation.value.cause == cause


@pytest.mark.parametrize(
    "f",
    [
        mg.exp,
        mg.abs,
        mg.sign,
        mg.conj,
        lambda z: (z * z).imag,
        lambda z: mg.fft.fft(z),
        lambda z: mg.linalg.vecdot(z, W),
    ],
)
def test_right_derivative_is_correct_to_second_order(f):
    report = check_grads(f, Z)
    assert report
    assert report.order == 2


def test_real_arguments_with_complex_results_are_checked_by_the_parts_of_results():
    assert check_grads(mg.fft.rfft, np.arange(4.0))
    wrong = mg.Op(lambda x: x * (1 + 2j), "planted", complex="holomorphic")
    wrong.vjp("x")(lambda g: g * (1 - 2j))
    assert check_grads(wrong, np.arange(3.0)).verdict.value == "wrong"


def test_gradient_by_hand_has_pytorchs_convention():
    def square(z):
        return np.sum(np.abs(z) ** 2)

    assert check_grads(square, Z, grad=lambda z: 2 * z)
    assert not check_grads(square, Z, grad=lambda z: 2 * z.conj())
    assert check_grads(np.multiply, Z, W, vjp=lambda g, z, w: (g * w.conj(), g * z.conj()))
    assert not check_grads(np.multiply, Z, W, vjp=lambda g, z, w: (g * w, g * z))
    assert check_grads(np.exp, Z, vjp=lambda g, z: g * np.exp(z).conj(), jvp=lambda v, z: v * np.exp(z))
    assert not check_grads(np.exp, Z, vjp=lambda g, z: g * np.exp(z).conj(), jvp=lambda v, z: v * np.exp(z).conj())
    laws.all_of(np.multiply, Z, W, vjp=lambda g, z, w: (g * w.conj(), g * z.conj()))


def test_complex_gradient_of_a_real_argument_is_refused():
    with pytest.raises(UsageError, match="argument 0 is real, but its gradient is complex"):
        check_grads(lambda x, z: np.sum(x * z).real, np.ones(3), Z, grad=lambda x, z: (z, x))


def test_real_parts_is_the_function_of_parts():
    f = real_parts(mg.multiply, 0, 1)
    z, w = [np.stack([x.real, x.imag], -1) for x in (Z, W)]
    found = f(mg.tensor(z), mg.tensor(w)).numpy()
    np.testing.assert_allclose(found[:, 0] + 1j * found[:, 1], Z * W)
    laws.all_of(f, z, w)


@pytest.mark.peer
def test_functions_of_other_frameworks_are_checked_by_parts():
    torch = pytest.importorskip("torch")
    from minigrad.testing.torch import check_grads as check_torch

    assert check_torch(lambda z: torch.abs(z) * torch.exp(z), torch.tensor(Z))
    jnp = pytest.importorskip("jax.numpy")
    from minigrad.testing.jax import check_grads as check_jax

    assert check_jax(lambda z: jnp.abs(z) * jnp.exp(z), Z)

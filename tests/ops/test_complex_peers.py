"""Gradients of complex numbers beside PyTorch's, which have one convention with them, and JAX's, their conjugates."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

pytestmark = pytest.mark.peer


def numbers(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape) * 0.7 + 1j * rng.normal(size=shape)


UNARY = [
    "abs", "acos", "acosh", "angle", "asin", "asinh", "atan", "atanh", "conj", "cos", "cosh", "exp", "exp2", "expm1",
    "imag", "log", "log10", "log1p", "log2", "negative", "positive", "real", "reciprocal", "sign", "sin", "sinh",
    "sqrt", "square", "tan", "tanh",
]  # fmt: skip
IN_TORCH = {"conj": "conj_physical", "sign": "sgn"}
IN_JAX = {"acos": "arccos", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan", "atanh": "arctanh"}
NOT_IN_JAX = ("exp2", "log2", "log10")  # which are not for complex numbers there
OTHERWISE_IN_JAX = ("acosh", "sign")  # another sign where the real part is negative; no slope at all

# minigrad's function, PyTorch's, and the arguments
PRODUCTS = {
    "add": (mg.add, "add", numbers(3), numbers(2, 3)),
    "subtract": (mg.subtract, "subtract", numbers(3), numbers(2, 3)),
    "multiply": (mg.multiply, "multiply", numbers(2, 3), numbers(3).real),
    "divide": (mg.divide, "divide", numbers(2, 3).real, numbers(3)),
    "pow": (mg.pow, "pow", numbers(3), numbers(3, seed=1)),
    "pow of real numbers": (mg.pow, "pow", abs(numbers(3).real), numbers(3, seed=1)),
    "where": (lambda x, y: mg.where(True, x, y), lambda t, x, y: t.where(t.tensor(True), x, y), numbers(3), numbers(3)),
    "matmul": (mg.matmul, "matmul", numbers(2, 3), numbers(3, 2)),
    "linear": (mg.functional.linear, lambda t, *xs: t.nn.functional.linear(*xs), numbers(2, 3), numbers(4, 3),
               numbers(4)),
    "einsum": (lambda x, y: mg.einsum("ij,jk->i", x, y), lambda t, x, y: t.einsum("ij,jk->i", x, y), numbers(2, 3),
               numbers(3, 2)),
    "tensordot": (lambda x, y: mg.tensordot(x, y, 1), lambda t, x, y: t.tensordot(x, y, 1), numbers(2, 3),
                  numbers(3, 2)),
    "vecdot": (mg.vecdot, lambda t, x, y: t.linalg.vecdot(x, y), numbers(2, 3), numbers(2, 3, seed=1)),
    "outer": (mg.outer, "outer", numbers(3), numbers(2)),
    "solve": (mg.solve, lambda t, x, y: t.linalg.solve(x, y), numbers(3, 3), numbers(3, 2)),
    "inv": (mg.inv, lambda t, x: t.linalg.inv(x), numbers(3, 3)),
    "det": (mg.det, lambda t, x: t.linalg.det(x), numbers(3, 3)),
    "slogdet": (lambda x: mg.slogdet(x).logabsdet, lambda t, x: t.linalg.slogdet(x).logabsdet, numbers(3, 3)),
    "slogdet's sign": (lambda x: mg.slogdet(x).sign, lambda t, x: t.linalg.slogdet(x).sign, numbers(3, 3)),
    "pinv": (mg.pinv, lambda t, x: t.linalg.pinv(x), numbers(3, 2)),
    "matrix_power": (lambda x: mg.matrix_power(x, -2), lambda t, x: t.linalg.matrix_power(x, -2), numbers(3, 3)),
    "trace": (mg.trace, "trace", numbers(3, 3)),
    "vector_norm": (mg.vector_norm, lambda t, x: t.linalg.vector_norm(x), numbers(3)),
    "vector_norm 3": (lambda x: mg.vector_norm(x, ord=3), lambda t, x: t.linalg.vector_norm(x, 3), numbers(3)),
    "matrix_norm": (lambda x: mg.matrix_norm(x, ord="nuc"), lambda t, x: t.linalg.matrix_norm(x, "nuc"), numbers(3, 2)),
    "svdvals": (mg.svdvals, lambda t, x: t.linalg.svdvals(x), numbers(3, 2)),
    "qr": (lambda x: mg.qr(x).R, lambda t, x: t.linalg.qr(x).R, numbers(3, 2)),
    "sum": (lambda x: mg.sum(x, axis=0), lambda t, x: x.sum(0), numbers(3, 2)),
    "mean": (lambda x: mg.mean(x, axis=0), lambda t, x: x.mean(0), numbers(3, 2)),
    "prod": (lambda x: mg.prod(x, axis=0), lambda t, x: x.prod(0), numbers(3, 2)),
    "cumulative_sum": (lambda x: mg.cumulative_sum(x, axis=0), lambda t, x: x.cumsum(0), numbers(3, 2)),
    "cumulative_prod": (lambda x: mg.cumulative_prod(x, axis=0), lambda t, x: x.cumprod(0), numbers(3, 2)),
    "getitem": (lambda x: x[[0, 2, 0]], lambda t, x: x[[0, 2, 0]], numbers(3)),
    "concat": (lambda x, y: mg.concat([x, y]), lambda t, x, y: t.cat([x, y]), numbers(3), numbers(2).real),
    "flip": (lambda x: mg.flip(x), lambda t, x: x.flip(0), numbers(3)),
    "roll": (lambda x: mg.roll(x, 1), lambda t, x: x.roll(1), numbers(3)),
    "tril": (mg.tril, "tril", numbers(3, 3)),
    "diagonal": (mg.diagonal, "diagonal", numbers(3, 3)),
    "astype": (lambda x: x.astype("complex128"), lambda t, x: x.to(t.complex128), numbers(3).real),
}  # fmt: skip
TRANSFORMS = [
    (name, settings)
    for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
    for settings in ({}, {"n": 3, "norm": "ortho"}, {"n": 6, "norm": "forward"})
] + [(name, {"s": (3, 4)}) for name in ("fftn", "ifftn", "rfftn", "irfftn")]


def gradients(f, arrays, weight):
    xs = [Tensor(x, requires_grad=True) for x in arrays]
    out = f(*xs)
    out.backward(weight if out.dtype.kind == "c" else weight.real)
    return [x.grad.numpy() for x in xs]


def compare_to_pytorch(f, theirs, arrays):
    torch = pytest.importorskip("torch")
    run = (lambda t, *xs: getattr(t, theirs)(*xs)) if isinstance(theirs, str) else theirs
    weight = numbers(*f(*arrays).shape, seed=9)
    ts = [torch.tensor(x, requires_grad=True) for x in arrays]
    out = run(torch, *ts)
    out.backward(torch.tensor(weight if out.is_complex() else weight.real))
    for mine, t in zip(gradients(f, arrays, weight), ts, strict=True):
        found = t.grad.resolve_conj().numpy()
        assert mine.dtype == found.dtype
        np.testing.assert_allclose(mine, found, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", UNARY)
def test_elementwise_gradient_is_pytorchs(name):
    compare_to_pytorch(getattr(mg, name), IN_TORCH.get(name, name), [numbers(4)])


@pytest.mark.parametrize("name", PRODUCTS)
def test_gradient_is_pytorchs(name):
    f, theirs, *arrays = PRODUCTS[name]
    compare_to_pytorch(f, theirs, arrays)


@pytest.mark.parametrize(("name", "settings"), TRANSFORMS)
def test_gradient_of_a_fourier_transform_is_pytorchs(name, settings):
    x = numbers(4, 5)
    x = x.real if name in ("rfft", "rfftn", "ihfft") else x
    compare_to_pytorch(
        lambda x: getattr(mg.fft, name)(x, **settings), lambda t, x: getattr(t.fft, name)(x, **settings), [x]
    )


@pytest.mark.parametrize("name", [name for name in UNARY if name not in NOT_IN_JAX + OTHERWISE_IN_JAX])
def test_gradient_of_a_real_loss_is_the_conjugate_of_jax(name):
    jax = pytest.importorskip("jax")
    x = numbers(4)
    with jax.enable_x64(True):
        theirs = getattr(jax.numpy, IN_JAX.get(name, name))
        found = jax.grad(lambda z: jax.numpy.sum(jax.numpy.abs(theirs(z)) ** 2 + jax.numpy.real(theirs(z))))(x)
    mine = mg.grad(lambda z: (mg.abs(getattr(mg, name)(z)) ** 2 + getattr(mg, name)(z).real).sum())(x)
    np.testing.assert_allclose(mine.numpy(), np.conj(found), rtol=1e-9, atol=1e-11)

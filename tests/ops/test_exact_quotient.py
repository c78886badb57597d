"""Lengths at 0: what is smooth in their squares has the right derivatives of every order there, what is not has 0."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from tests.helper import variable

ZERO = np.zeros(3)
U = np.array([1.0, 2.0, -1.0])
LENGTHS = {
    "vector_norm": mg.norm,
    "hypot": lambda x: mg.hypot(mg.hypot(x[0], x[1]), x[2]),
    "abs": lambda x: mg.abs(x[0]),
    "std": lambda x: mg.std(x) * math.sqrt(3),
    "row": lambda x: mg.vector_norm(mg.reshape(x, (1, 3)), axis=1, keepdims=True)[0, 0],
}
SQUARES = {
    "vector_norm": np.eye(3),
    "hypot": np.eye(3),
    "abs": np.diag([1.0, 0.0, 0.0]),
    "std": np.eye(3) - 1 / 3,
    "row": np.eye(3),
}
"""The matrix A of the length sqrt(x @ A @ x)."""

EVEN = {
    "power": (lambda n: n**2, [0, 2, 0, 0]),
    "product": (lambda n: 3 * (n * n) / 2, [0, 3, 0, 0]),
    "difference": (lambda n: n**4 - n**2, [0, -2, 0, 24]),
    "power of a power": (lambda n: (n**2) ** 2, [0, 0, 0, 24]),
    "square": (lambda n: -mg.square(n) * n**2, [0, 0, 0, -24]),
    "exponential": (lambda n: mg.exp(-(n**2)), [0, -2, 0, 12]),
    "root": (lambda n: mg.sqrt(1 + n**2), [0, 1, 0, -3]),
    "in single precision and back": (lambda n: n.astype(np.float32).astype(np.float64) ** 2, [0, 2, 0, 0]),
}
"""Even functions of a length, and their derivatives at 0."""


def derivatives_along(f, direction, count=4):
    """The derivatives of t -> f(t * direction) at t = 0."""
    found, g = [], lambda t: f(t * direction)
    for _ in range(count):
        g = mg.grad(g)
        found.append(g(Tensor(np.zeros(()))).item())
    return found


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("even", EVEN)
def test_even_function_of_a_length_has_its_derivatives_at_zero(length, even):
    h, expected = EVEN[even]
    size = math.sqrt(U @ SQUARES[length] @ U)
    found = derivatives_along(lambda x: h(LENGTHS[length](x)), U)
    np.testing.assert_allclose(found, [d * size**k for k, d in enumerate(expected, 1)], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("length", LENGTHS)
def test_hessian_of_a_squared_length_at_zero(length):
    found = mg.hessian(lambda x: LENGTHS[length](x) ** 2)(Tensor(ZERO))
    np.testing.assert_allclose(found, 2 * SQUARES[length], atol=1e-12)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("h", [lambda n: n, lambda n: 3 * n, lambda n: (n - 1) ** 2, lambda n: n**3, mg.sinh])
def test_what_is_not_even_in_a_length_has_zero_derivatives_there(length, h):
    assert derivatives_along(lambda x: h(LENGTHS[length](x)), U) == [0] * 4


def test_length_beside_others_that_are_not_zero():
    x = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]])
    weight = np.array([1.0, 2.0, 5.0])

    def second(f):
        v = variable(x)
        f(v).backward(create_graph=True)
        first, v.grad = v.grad, None
        (first * np.arange(1.0, 7).reshape(3, 2)).sum().backward()
        return v.grad.numpy()

    for keepdims in (False, True):
        w = weight[:, None] if keepdims else weight
        by_norm = second(lambda x: (mg.vector_norm(x, axis=1, keepdims=keepdims) ** 2 * w).sum())  # noqa: B023
        np.testing.assert_allclose(by_norm, second(lambda x: (mg.sum(x * x, axis=1) * weight).sum()), rtol=1e-12)


def test_length_times_a_matrix_is_summed_over_the_same_length_only():
    x, m = np.zeros((2, 3)), np.arange(1.0, 9).reshape(2, 4)

    def f(x):
        return ((mg.vector_norm(x, axis=1, keepdims=True) * m) ** 2).sum()

    expected = np.diag(np.repeat(2 * (m**2).sum(axis=1), 3))
    np.testing.assert_allclose(mg.hessian(f)(Tensor(x)).numpy().reshape(6, 6), expected)

    def mixed(x):
        return mg.vector_norm(x, axis=1).sum() ** 2  # the product of two lengths is a kink

    assert not mg.hessian(mixed)(Tensor(x)).numpy().any()


def test_another_length_of_the_same_vector_is_the_same_length():
    found = mg.hessian(lambda x: mg.norm(x) * mg.norm(x))(Tensor(ZERO))
    np.testing.assert_allclose(found, 2 * np.eye(3))
    x = np.zeros((2, 2))
    other = mg.hessian(lambda x: (mg.vector_norm(x, axis=0) * mg.vector_norm(x, axis=1)).sum())(Tensor(x))
    assert not other.numpy().any()
    assert not mg.hessian(lambda x: (mg.abs(x) * x).sum())(Tensor(ZERO)).numpy().any()
    assert not mg.hessian(lambda x: mg.hypot(x[0], 0.0) * mg.hypot(x[0], 1.0))(Tensor(ZERO)).numpy().any()


def test_long_history_of_a_cotangent_is_not_searched_for_ever():
    def f(x):
        n = mg.norm(x)
        y = n
        for _ in range(200):
            y = (y + y) / 2
        return y * n

    def g(x):
        n = mg.norm(x)
        return ((n + n) / 2) * n

    assert mg.hessian(f)(Tensor(np.zeros(1))).item() == 0  # the subgradient
    assert mg.hessian(g)(Tensor(np.zeros(1))).item() == 2

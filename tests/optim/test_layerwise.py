"""LARS and LAMB: by the formulas of their papers, and by what follows from them."""

from functools import partial

import numpy as np
import pytest

from minigrad import Tensor, UsageError, optim
from tests.helper import variable

CURVATURE = np.array([[1.0, 100.0, 0.01], [2.0, 0.5, 10.0]])
START = np.array([[1.0, -2.0, 3.0], [0.5, 5.0, -1.0]])


def curvature(x):
    return CURVATURE.reshape(-1)[: x.size].reshape(x.shape)


def slope(x):
    return x * curvature(x)


def descend(params, optimizer, steps, scale=1.0):
    for _ in range(steps):
        optimizer.zero_grad()
        (scale * sum((0.5 * p * p * curvature(p)).sum() for p in params)).backward()
        optimizer.step()
    return [p.numpy() for p in params]


def norm(x):
    return np.sqrt(np.sum(x * x))


@pytest.mark.parametrize("adapt", [False, True])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_steps_of_lars_equal_the_formulas(adapt, sign):
    settings = {"lr": 2.0, "momentum": 0.8, "weight_decay": 0.1, "trust_coefficient": 0.02, "adapt_vectors": adapt}
    xs, vs = [START, START[0]], [0.0, 0.0]
    for _ in range(20):
        for k, x in enumerate(xs):
            layer = adapt or x.ndim > 1
            g, decay = sign * slope(x), 0.1 if layer else 0.0
            rate = 0.02 * norm(x) / (norm(g) + decay * norm(x) + 1e-9) if layer else 1.0
            vs[k] = 0.8 * vs[k] + 2.0 * 0.001 * rate * (g + decay * x)
            xs[k] = x - vs[k]
    params = [variable(START), variable(START[0])]
    optimizer = optim.LARS(params, **{**settings, "lr": 0.002}, maximize=sign < 0)
    for own, expected in zip(descend(params, optimizer, 20), xs, strict=True):
        np.testing.assert_allclose(own, expected, rtol=1e-11)


@pytest.mark.parametrize("adapt", [False, True])
def test_steps_of_lamb_equal_the_formulas(adapt):
    xs, ms, ss = [START, START[0]], [0.0, 0.0], [0.0, 0.0]
    for t in range(1, 21):
        for k, x in enumerate(xs):
            layer, g = adapt or x.ndim > 1, slope(x)
            ms[k], ss[k] = 0.9 * ms[k] + 0.1 * g, 0.99 * ss[k] + 0.01 * g * g
            u = ms[k] / (1 - 0.9**t) / (np.sqrt(ss[k] / (1 - 0.99**t)) + 1e-6) + (0.3 * x if layer else 0)
            xs[k] = x - 0.05 * (norm(x) / norm(u) if layer else 1) * u
    params = [variable(START), variable(START[0])]
    optimizer = optim.LAMB(params, lr=0.05, betas=(0.9, 0.99), weight_decay=0.3, adapt_vectors=adapt)
    for own, expected in zip(descend(params, optimizer, 20), xs, strict=True):
        np.testing.assert_allclose(own, expected, rtol=1e-11)


@pytest.mark.parametrize("kind", [optim.LARS, partial(optim.LAMB, eps=1e-12)])
def test_steps_do_not_depend_on_the_scale_of_the_loss(kind):
    small, large = variable(START), variable(START)
    descend([small], kind([small], lr=0.1), 5, scale=1e-3)
    descend([large], kind([large], lr=0.1), 5, scale=1e3)
    np.testing.assert_allclose(small.numpy(), large.numpy(), rtol=1e-4)


@pytest.mark.parametrize("kind", [optim.LARS, optim.LAMB])
def test_weights_or_gradients_of_zero_give_finite_steps(kind):
    zero, still = variable(np.zeros((2, 2))), variable(np.ones((2, 2)))
    optimizer = kind([zero, still], lr=0.1, weight_decay=0.0)
    zero.grad, still.grad = Tensor(np.ones((2, 2))), Tensor(np.zeros((2, 2)))
    optimizer.step()
    assert (zero.numpy() < 0).all()
    np.testing.assert_array_equal(still.numpy(), 1)


def test_a_trust_coefficient_that_is_not_positive_is_refused():
    with pytest.raises(UsageError, match="trust_coefficient must be above 0 and finite, got 0"):
        optim.LARS([variable(START)], trust_coefficient=0)

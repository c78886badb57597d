"""Adam: by its formulas, by what follows from them, and against PyTorch."""

import numpy as np
import pytest

from minigrad import Tensor
from minigrad.optim import Adam
from tests.helper import variable

CURVATURE = np.array([1.0, 100.0, 0.01])
START = np.array([1.0, -2.0, 3.0])
SETTINGS = [
    {},
    {"betas": (0.5, 0.9)},
    {"eps": 0.1},
    {"weight_decay": 0.3},
    {"betas": (0.0, 0.99), "weight_decay": 0.01},
]


def descend(p, optimizer, steps):
    for _ in range(steps):
        optimizer.zero_grad()
        (0.5 * (p * p * CURVATURE).sum()).backward()
        optimizer.step()
    return p.numpy()


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_steps_equal_the_formulas(settings):
    full = {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0} | settings
    (beta1, beta2), x, m, s = full["betas"], START, 0, 0
    for t in range(1, 31):
        g = CURVATURE * x + full["weight_decay"] * x
        m, s = beta1 * m + (1 - beta1) * g, beta2 * s + (1 - beta2) * g**2
        x = x - 0.05 * (m / (1 - beta1**t)) / (np.sqrt(s / (1 - beta2**t)) + full["eps"])
    p = variable(START)
    np.testing.assert_allclose(descend(p, Adam([p], lr=0.05, **settings), 30), x, rtol=1e-11)


@pytest.mark.peer
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_hundred_steps_equal_pytorchs(torch, settings):
    p, q = variable(START), torch.tensor(START, requires_grad=True)
    optimizer = torch.optim.Adam([q], lr=0.05, **settings)
    for _ in range(100):
        optimizer.zero_grad()
        (0.5 * (q * q * torch.tensor(CURVATURE)).sum()).backward()
        optimizer.step()
    np.testing.assert_allclose(
        descend(p, Adam([p], lr=0.05, **settings), 100), q.detach().numpy(), rtol=1e-10, atol=1e-12
    )


def test_first_step_is_the_learning_rate_along_the_sign():
    p = variable(START)
    np.testing.assert_allclose(descend(p, Adam([p], lr=0.05), 1), START - 0.05 * np.sign(START * CURVATURE), rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_scale_of_the_gradient_does_not_matter(scale):
    p, q = variable(START), variable(START)
    for x, factor in ((p, 1.0), (q, scale)):
        optimizer = Adam([x], lr=0.05, eps=0.0)
        for _ in range(10):
            x.grad = Tensor(factor * CURVATURE * x.numpy())
            optimizer.step()
    np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-10)


def test_groups_have_settings_of_their_own():
    p, q = variable(START), variable(START)
    optimizer = Adam([{"params": [p]}, {"params": [q], "lr": 0.2, "betas": (0.5, 0.9)}], lr=0.05)
    for _ in range(10):
        optimizer.zero_grad()
        (0.5 * ((p * p + q * q) * CURVATURE).sum()).backward()
        optimizer.step()
    first, second = variable(START), variable(START)
    np.testing.assert_allclose(p.numpy(), descend(first, Adam([first], lr=0.05), 10), rtol=1e-12)
    np.testing.assert_allclose(q.numpy(), descend(second, Adam([second], lr=0.2, betas=(0.5, 0.9)), 10), rtol=1e-12)


def test_parameters_count_their_own_steps():
    p, q = variable(START), variable(START)
    optimizer = Adam([p, q], lr=0.05)
    for step in range(3):
        p.grad = Tensor(CURVATURE)
        q.grad = Tensor(CURVATURE) if step == 2 else None
        optimizer.step()
    # q's first step is corrected as a first step, however late it comes.
    np.testing.assert_allclose(q.numpy(), START - 0.05, rtol=1e-6)

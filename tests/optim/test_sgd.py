"""SGD: by closed forms, by a loop in NumPy, and against PyTorch."""

import numpy as np
import pytest

from minigrad import Tensor
from minigrad.optim import SGD
from tests.helper import variable

SETTINGS = [
    {},
    {"momentum": 0.9},
    {"momentum": 0.9, "dampening": 0.3},
    {"momentum": 0.8, "nesterov": True},
    {"weight_decay": 0.1},
    {"momentum": 0.9, "weight_decay": 0.05, "dampening": 0.1},
    {"momentum": 0.9, "weight_decay": 0.05, "nesterov": True},
]
CURVATURE = np.array([[1.0, 4.0, 0.5], [2.0, 0.1, 3.0]])
START = np.array([[1.0, -2.0, 3.0], [0.5, 5.0, -1.0]])


def descend(p, optimizer, steps, curvature=CURVATURE):
    """Minimize 1/2 sum curvature * p^2."""
    for _ in range(steps):
        optimizer.zero_grad()
        (0.5 * (p * p * curvature).sum()).backward()
        optimizer.step()
    return p.numpy()


def by_loop(p, steps, *, lr, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False):
    """The formulas of the docstring, one after the other."""
    v = None
    for _ in range(steps):
        g = CURVATURE * p + weight_decay * p
        v = g if v is None else momentum * v + (1 - dampening) * g
        p = p - lr * ((g + momentum * v) if nesterov else v if momentum else g)
    return p


def test_plain_descent_has_a_closed_form():
    p = variable(START)
    np.testing.assert_allclose(descend(p, SGD([p], lr=0.1), 20), START * (1 - 0.1 * CURVATURE) ** 20, rtol=1e-12)


def test_momentum_on_a_constant_slope_has_a_closed_form():
    # With g = 1 always, v_t = (1 - m^t)/(1 - m), and p falls by lr times the sum of these.
    p, m, lr = variable(0.0), 0.9, 0.1
    optimizer = SGD([p], lr=lr, momentum=m)
    for _ in range(10):
        p.grad = Tensor(np.array(1.0))
        optimizer.step()
    assert p.item() == pytest.approx(-lr * sum([(1 - m**t) / (1 - m) for t in range(1, 11)]))


def test_weight_decay_alone_shrinks_geometrically():
    p = variable([4.0])
    optimizer = SGD([p], lr=0.1, weight_decay=0.5)
    for _ in range(5):
        p.grad = Tensor(np.zeros(1))
        optimizer.step()
    assert p.item() == pytest.approx(4 * 0.95**5)


def test_stored_numbers_of_three_nesterov_steps():
    # By hand for f = p^2/2, lr 0.1, momentum 0.5: v is 1, 1.35, 1.3725, and p falls by 0.1 (p + v/2) each time.
    p, seen = variable([1.0]), []
    optimizer = SGD([p], lr=0.1, momentum=0.5, nesterov=True)
    for _ in range(3):
        seen.append(float(descend(p, optimizer, 1, np.ones(1))[0]))
    np.testing.assert_allclose(seen, [0.85, 0.6975, 0.559125], rtol=1e-12)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_steps_equal_the_formulas(settings):
    p = variable(START)
    np.testing.assert_allclose(
        descend(p, SGD([p], lr=0.05, **settings), 30), by_loop(START, 30, lr=0.05, **settings), rtol=1e-12
    )


@pytest.mark.peer
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_hundred_steps_equal_pytorchs(torch, settings):
    p, q = variable(START), torch.tensor(START, requires_grad=True)
    optimizer = torch.optim.SGD([q], lr=0.05, **settings)
    for _ in range(100):
        optimizer.zero_grad()
        (0.5 * (q * q * torch.tensor(CURVATURE)).sum()).backward()
        optimizer.step()
    found = descend(p, SGD([p], lr=0.05, **settings), 100)
    np.testing.assert_allclose(found, q.detach().numpy(), rtol=1e-10, atol=1e-13)


def test_groups_have_settings_of_their_own():
    p, q = variable(START), variable(START)
    optimizer = SGD([{"params": [p], "momentum": 0.9}, {"params": [q], "lr": 0.01, "weight_decay": 0.2}], lr=0.05)
    for _ in range(15):
        optimizer.zero_grad()
        (0.5 * ((p * p + q * q) * CURVATURE).sum()).backward()
        optimizer.step()
    np.testing.assert_allclose(p.numpy(), by_loop(START, 15, lr=0.05, momentum=0.9), rtol=1e-12)
    np.testing.assert_allclose(q.numpy(), by_loop(START, 15, lr=0.01, weight_decay=0.2), rtol=1e-12)


def test_settings_may_change_between_steps():
    p = variable([1.0])
    optimizer = SGD([p], lr=0.5)
    descend(p, optimizer, 1, np.ones(1))
    optimizer.param_groups[0]["lr"] = 0.1
    assert descend(p, optimizer, 1, np.ones(1)).item() == pytest.approx(0.45)

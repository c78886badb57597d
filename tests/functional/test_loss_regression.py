"""Losses of regression: against PyTorch over their settings, their limits, and what they refuse."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad import functional as F  # noqa: N812
from minigrad.errors import DataError, ShapeError, UsageError
from tests.functional.loss_peer import against_pytorch, every_reduction
from tests.helper import variable

X = np.array([[-3.0, -1.0, -0.25, 0.0], [0.25, 1.0, 2.5, 1e3]])
ZERO = np.zeros_like(X)


@pytest.mark.peer
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
@pytest.mark.parametrize("weighted", [True, False])
@every_reduction
def test_losses_of_numbers_equal_pytorch(torch, rng, name, weighted, reduction):
    weight = rng.random(X.shape) if weighted else None
    against_pytorch(torch, name, [X, ZERO], reduction=reduction, weight=weight)
    if name == "huber_loss":
        against_pytorch(torch, name, [X, ZERO], reduction=reduction, weight=weight, delta=0.25)


@pytest.mark.peer
@pytest.mark.parametrize("beta", [0.0, 0.25, 1.0, 3.0])
@every_reduction
def test_smooth_l1_loss_equals_pytorch(torch, beta, reduction):
    against_pytorch(torch, "smooth_l1_loss", [X, ZERO], reduction=reduction, beta=beta)


@pytest.mark.peer
@pytest.mark.parametrize("shape", [(3, 4), (3, 1), (1, 4), (3,)])
@pytest.mark.parametrize("full", [True, False])
@every_reduction
def test_gaussian_nll_loss_equals_pytorch(torch, rng, shape, full, reduction):
    x, target, var = rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), rng.uniform(0.1, 2, size=shape)
    var.flat[0] = 0.0  # counts as eps, and has the gradient of that
    settings = {"full": full, "reduction": reduction, "eps": 0.01}
    against_pytorch(torch, "gaussian_nll_loss", [x, target, var], **settings)


@pytest.mark.peer
@pytest.mark.parametrize("log_input", [True, False])
@pytest.mark.parametrize("full", [True, False])
@every_reduction
def test_poisson_nll_loss_equals_pytorch(torch, rng, log_input, full, reduction):
    x, target = rng.uniform(0, 3, size=(3, 4)), rng.integers(0, 6, (3, 4)).astype(float)
    x[0, 0] = 0.0
    settings = {"log_input": log_input, "full": full, "reduction": reduction}
    against_pytorch(torch, "poisson_nll_loss", [x], [target], **settings)
    against_pytorch(torch, "poisson_nll_loss", [x, target + 0.5], **settings)


def test_huber_loss_lies_between_squares_and_absolute_values(rng):
    x, target = Tensor(rng.normal(size=20)), rng.normal(size=20)
    np.testing.assert_allclose(F.huber_loss(x, target, delta=1e3), F.mse_loss(x, target) / 2)
    np.testing.assert_allclose(F.huber_loss(x, target, delta=1e-9) / 1e-9, F.l1_loss(x, target), rtol=1e-8)
    np.testing.assert_allclose(F.smooth_l1_loss(x, target, beta=0.5) * 0.5, F.huber_loss(x, target, delta=0.5))


def test_huber_loss_has_second_derivative_one_within_delta_also_at_zero():
    x = variable([-0.5, 0.0, 0.5, 2.0])
    slope = mg.grad(lambda x: F.huber_loss(x, np.zeros(4), "sum"))
    assert mg.grad(lambda x: slope(x).sum())(x).tolist() == [1, 1, 1, 0]


def test_huber_loss_does_not_square_what_is_large():
    assert F.huber_loss(Tensor(np.array([3e4], np.float16)), np.zeros(1, np.float16)).item() == 3e4


def test_squared_errors():
    x, y = variable([1.0, 2.0, 4.0]), Tensor(np.array([0.0, 2.0, 1.0]))
    assert F.mse_loss(x, y).item() == pytest.approx(10 / 3)
    assert F.mse_loss(x, y, reduction="sum").item() == 10
    assert F.mse_loss(x, y, reduction="none").tolist() == [1, 0, 9]
    loss = F.sum_squared_error(x, y)
    loss.backward()
    assert (loss.item(), x.grad.tolist()) == (5, [1, 0, 3])


SCORES = mg.ones((2, 3))
REFUSED = [
    (ShapeError, lambda: F.mse_loss(mg.ones((4, 1)), mg.ones(4)), r"x has shape \(4, 1\) but target has \(4,\)"),
    (ShapeError, lambda: F.l1_loss(SCORES, SCORES, weight=np.ones(3)), r"weight has \(3,\)"),
    (DataError, lambda: F.huber_loss(SCORES, SCORES, weight=-SCORES), "huber_loss: weight must not be negative"),
    (UsageError, lambda: F.huber_loss(SCORES, SCORES, delta=0), "delta must be positive, got 0"),
    (UsageError, lambda: F.smooth_l1_loss(SCORES, SCORES, beta=-1), "beta must not be negative, got -1"),
    (DataError, lambda: F.gaussian_nll_loss(SCORES, SCORES, -SCORES), "var must not be negative, got -1"),
    (ShapeError, lambda: F.gaussian_nll_loss(SCORES, SCORES, np.ones(3)), r"var has shape \(3,\), but x \(2, 3\)"),
    (ShapeError, lambda: F.poisson_nll_loss(SCORES, np.ones(3)), "poisson_nll_loss: x has shape"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "call", "message"), REFUSED)
def test_wrong_call_is_refused_with_a_way_out(error, call, message):
    with pytest.raises(error, match=message):
        call()

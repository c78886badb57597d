"""Margin losses: against PyTorch over their settings, their limits, and what they refuse."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad import functional as F  # noqa: N812
from minigrad.errors import DataError, ShapeError, UsageError
from tests.functional.loss_peer import WEIGHT, against_pytorch, classes, every_reduction
from tests.helper import variable


def ones_and_minus_ones(rng, shape):
    return 2 * rng.integers(0, 2, shape) - 1


@pytest.mark.peer
@every_reduction
def test_losses_of_signs_equal_pytorch(torch, rng, reduction):
    x, y, target = rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), ones_and_minus_ones(rng, (4, 3))
    x[0], y[1] = 1.0, x[1]  # just at the margin
    against_pytorch(torch, "soft_margin_loss", [x], [target], reduction=reduction)
    for margin in (1.0, 0.3):
        against_pytorch(torch, "hinge_embedding_loss", [x], [target], reduction=reduction, margin=margin)
    for margin in (0.0, 0.5):
        against_pytorch(torch, "margin_ranking_loss", [x, y], [target], reduction=reduction, margin=margin)


@pytest.mark.peer
@every_reduction
def test_target_of_a_ranking_gets_pytorchs_gradient(torch, rng, reduction):
    x, y, target = rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), ones_and_minus_ones(rng, (4, 3)).astype(float)
    against_pytorch(torch, "margin_ranking_loss", [x, y, target], reduction=reduction, margin=0.5)


def test_target_of_soft_margins_gets_a_gradient_and_one_that_only_chooses_none():
    x, y = Tensor(np.array([0.5, -2.0])), variable([1.0, -1.0])
    F.soft_margin_loss(x, y, reduction="sum").backward()
    np.testing.assert_allclose(y.grad, -x.numpy() / (1 + np.exp(x.numpy() * y.numpy())), rtol=1e-6)
    chooser = variable([1.0, -1.0])
    F.hinge_embedding_loss(variable([0.5, 0.2]), chooser).backward()
    assert chooser.grad is None


@pytest.mark.peer
@pytest.mark.parametrize("margin", [0.0, 0.3, -0.5])
@every_reduction
def test_cosine_embedding_loss_equals_pytorch(torch, rng, margin, reduction):
    x, y, target = rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), ones_and_minus_ones(rng, 4)
    settings = {"margin": margin, "reduction": reduction}
    against_pytorch(torch, "cosine_embedding_loss", [x, y], [target], **settings)
    against_pytorch(torch, "cosine_embedding_loss", [x[0], y[0]], [np.array(-1)], **settings)
    against_pytorch(torch, "cosine_embedding_loss", [0 * x, y], [np.abs(target)], **settings, rtol=1e-8)


@pytest.mark.peer
@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, np.inf])
@pytest.mark.parametrize("swap", [True, False])
@every_reduction
def test_triplet_margin_loss_equals_pytorch(torch, rng, p, swap, reduction):
    for shape in ((5, 3), (3,), (2, 2, 3)):
        triplet = [rng.normal(size=shape) for _ in range(3)]
        against_pytorch(torch, "triplet_margin_loss", triplet, p=p, swap=swap, reduction=reduction, margin=0.7)


@pytest.mark.peer
@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("weighted", [True, False])
@every_reduction
def test_multi_margin_loss_equals_pytorch(torch, rng, p, weighted, reduction):
    settings = {"p": p, "reduction": reduction, "margin": 0.5, "weight": WEIGHT if weighted else None}
    for shape in ((6, 4), (4,)):
        x = np.round(2 * rng.normal(size=shape)) / 2  # many just at the margin
        against_pytorch(torch, "multi_margin_loss", [x], [classes(rng, shape)], **settings)


def test_multi_class_svm_loss_by_hand():
    # The classic example: scores of a cat, a car and a frog; losses 2.9, 0 and 12.9.
    scores = variable([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])
    loss = F.multi_class_svm_loss(scores, [0, 1, 2], reduction="none")
    np.testing.assert_allclose(loss.numpy(), [2.9, 0, 12.9], atol=1e-12)
    loss.sum().backward()
    assert scores.grad.tolist() == [[-1, 1, 0], [0, 0, 0], [1, 1, -2]]
    mean = F.multi_class_svm_loss(scores, [0, 1, 2], margin=0.5)
    np.testing.assert_allclose(mean.item(), 3 * F.multi_margin_loss(scores, [0, 1, 2], margin=0.5).item())


SCORES = mg.ones((2, 3))
IMAGES = mg.ones((2, 3, 4, 5))
REFUSED = [
    (DataError, lambda: F.hinge_embedding_loss(SCORES, 2 * SCORES), "hinge_embedding_loss: target must hold 1 and -1"),
    (ShapeError, lambda: F.margin_ranking_loss(SCORES, SCORES, np.ones(2)), r"x1 has shape \(2, 3\) but target has"),
    (ShapeError, lambda: F.cosine_embedding_loss(SCORES, SCORES, np.ones(3)), r"expected \(N, D\) and \(N\)"),
    (UsageError, lambda: F.triplet_margin_loss(SCORES, SCORES, SCORES, 0.0), "the margin must be positive, got 0.0"),
    (UsageError, lambda: F.multi_margin_loss(SCORES, [0, 1], 3), "p is 1 or 2, not 3"),
    (ShapeError, lambda: F.multi_class_svm_loss(IMAGES, [0, 1]), r"expected scores \(N, C\) or \(C\)"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "call", "message"), REFUSED)
def test_wrong_call_is_refused_with_a_way_out(error, call, message):
    with pytest.raises(error, match=message):
        call()

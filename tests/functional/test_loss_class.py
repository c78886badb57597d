"""Losses of classification: against PyTorch over their settings, their limits, and what they refuse."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad import functional as F  # noqa: N812
from minigrad.errors import DataError, DTypeError, ShapeError, UsageError
from tests.functional.loss_peer import REDUCTIONS, WEIGHT, against_pytorch, classes, every_reduction
from tests.helper import variable

SHAPES = [(6, 4), (4,), (2, 4, 3), (2, 4, 3, 2), (1, 4, 1, 2, 3), (3, 1)]


@pytest.mark.peer
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("ignore_index", [None, -100, 1])
@every_reduction
def test_losses_of_class_numbers_equal_pytorch(torch, rng, name, shape, weighted, ignore_index, reduction):
    x, target = 3 * rng.normal(size=shape), classes(rng, shape, ignore_index)
    if target.size and (target == ignore_index).all():
        target = np.zeros_like(target)  # nothing left is another test's
    settings = {"reduction": reduction}
    if weighted:
        settings["weight"] = WEIGHT[: shape[min(1, len(shape) - 1)]]
    if ignore_index is not None:
        settings["ignore_index"] = ignore_index
    against_pytorch(torch, name, [x], [target], **settings)


@pytest.mark.peer
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("kind", ["classes", "ignored", "probabilities"])
@every_reduction
def test_label_smoothing_equals_pytorch(torch, rng, shape, weighted, kind, reduction):
    settings = {"reduction": reduction, "label_smoothing": 0.2}
    if weighted:
        settings["weight"] = WEIGHT[: shape[min(1, len(shape) - 1)]]
    x = 3 * rng.normal(size=shape)
    if kind == "probabilities":
        against_pytorch(torch, "cross_entropy", [x, rng.random(shape)], **settings)
    else:
        target = classes(rng, shape, -100 if kind == "ignored" and x.size > 4 else None)
        against_pytorch(torch, "cross_entropy", [x], [target], **settings)


@pytest.mark.peer
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@every_reduction
def test_cross_entropy_of_probabilities_equals_pytorch(torch, rng, shape, reduction):
    against_pytorch(torch, "cross_entropy", [rng.normal(size=shape), rng.random(shape)], reduction=reduction)


@pytest.mark.peer
@every_reduction
def test_cross_entropy_of_huge_scores_equals_pytorch(torch, rng, reduction):
    x = 1e4 * rng.normal(size=(6, 4))
    against_pytorch(torch, "cross_entropy", [x], [classes(rng, (6, 4))], reduction=reduction)


@pytest.mark.peer
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning")  # PyTorch's advice to take batchmean
@pytest.mark.parametrize("log_target", [True, False])
@pytest.mark.parametrize("reduction", [*REDUCTIONS, "batchmean"])
def test_kl_div_equals_pytorch(torch, rng, log_target, reduction):
    x, target = rng.normal(size=(3, 4)), rng.uniform(0.1, 1, size=(3, 4))
    settings = {"reduction": reduction, "log_target": log_target}
    against_pytorch(torch, "kl_div", [x, np.log(target) if log_target else target], **settings)
    if not log_target:
        target[0, 1] = target[2, 2] = 0
        against_pytorch(torch, "kl_div", [x], [target], **settings)


def test_kl_div_of_a_target_of_zero_has_no_infinite_gradient():
    target = variable([0.0, 1.0])
    F.kl_div(variable([-1.0, -2.0]), target, reduction="sum").backward()
    np.testing.assert_allclose(target.grad.numpy(), [1, 3])


def test_cross_entropy_of_even_scores_is_the_logarithm_of_their_number():
    loss = F.cross_entropy(Tensor(np.zeros((3, 10))), [0, 5, 9])
    assert loss.item() == pytest.approx(np.log(10))
    assert F.cross_entropy(Tensor(np.zeros((3, 10))), Tensor(np.array([0, 5, 9])), reduction="none").shape == (3,)


def test_cross_entropy_is_nll_of_log_softmax(rng):
    x, target = variable(rng.normal(size=(4, 3))), np.array([2, 0, 1, 1])
    np.testing.assert_allclose(F.cross_entropy(x, target).item(), F.nll_loss(F.log_softmax(x, 1), target).item())


@every_reduction
def test_weights_of_one_and_one_hot_probabilities_change_nothing(rng, reduction):
    x, target = rng.normal(size=(2, 4, 3)), rng.integers(0, 4, (2, 3))
    plain = F.cross_entropy(Tensor(x), target, reduction=reduction)
    one_hot = np.moveaxis(np.eye(4)[target], -1, 1)
    for same in (
        F.cross_entropy(Tensor(x), target, np.ones(4), reduction=reduction),
        F.cross_entropy(Tensor(x), target, reduction=reduction, label_smoothing=1e-300),
        F.cross_entropy(Tensor(x), one_hot, reduction=reduction),
    ):
        np.testing.assert_allclose(same, plain, rtol=1e-13)


def test_whole_label_smoothing_forgets_the_target(rng):
    x = Tensor(rng.normal(size=(3, 4)))
    losses = [F.cross_entropy(x, [k] * 3, label_smoothing=1.0).item() for k in range(4)]
    np.testing.assert_allclose(losses, losses[0])


def test_ignored_targets_count_as_little_as_if_they_were_absent(rng):
    x, target = rng.normal(size=(5, 3)), np.array([0, -100, 2, 1, -100])
    whole, part = variable(x), variable(x[target >= 0])
    a, b = F.cross_entropy(whole, target), F.cross_entropy(part, target[target >= 0])
    assert a.item() == pytest.approx(b.item())
    a.backward()
    b.backward()
    np.testing.assert_allclose(whole.grad.numpy()[target >= 0], part.grad.numpy())
    assert not whole.grad.numpy()[target < 0].any()


@pytest.mark.parametrize("f", [F.cross_entropy, F.nll_loss])
def test_mean_over_no_target_is_nan_without_a_warning(f):
    x = variable(np.ones((2, 3)))
    loss = f(x, [-100, -100])
    assert np.isnan(loss.item())
    loss.backward()
    assert x.grad.tolist() == [[0, 0, 0]] * 2
    assert f(x, [-100, -100], reduction="sum").item() == 0
    empty = variable(np.ones((0, 3)))
    assert np.isnan(f(empty, []).item())
    assert f(empty, np.zeros(0, int), reduction="none").shape == (0,)
    f(empty, []).backward()
    assert empty.grad.shape == (0, 3)


def test_weights_may_be_learned():
    x, w = variable(np.array([[1.0, 2.0], [0.5, 0.0]])), variable([1.0, 3.0])
    numbers = [F.cross_entropy(x, [0, 1], w + h).item() for h in (np.array([1e-6, 0]), np.array([-1e-6, 0]))]
    F.cross_entropy(x, [0, 1], w).backward()
    assert w.grad[0].item() == pytest.approx((numbers[0] - numbers[1]) / 2e-6, rel=1e-6)


SCORES = mg.ones((2, 3))
IMAGES = mg.ones((2, 3, 4, 5))
REFUSED = [
    (DataError, lambda: F.cross_entropy(SCORES, [0, 3]), r"target\[1\] is class 3, but x has 3 classes \(0 to 2\)"),
    (DataError, lambda: F.nll_loss(IMAGES, np.full((2, 4, 5), -1)), r"target\[0, 0, 0\] is class -1"),
    (DTypeError, lambda: F.cross_entropy(SCORES, [0.0, 1.0]), r"class numbers are integers, .* use \.astype\(int\)"),
    (DTypeError, lambda: F.cross_entropy(SCORES, np.eye(3, dtype=int)[:2]), r"use \.astype\(x\.dtype\); .*argmax"),
    (ShapeError, lambda: F.cross_entropy(SCORES, [0, 1, 2]), "N is 2 in x but 3 in target"),
    (ShapeError, lambda: F.cross_entropy(IMAGES, np.zeros((2, 5, 4), int)), "H is 4 in x but 5 in target"),
    (ShapeError, lambda: F.cross_entropy(SCORES, [0, 1], np.ones(2)), r"expected \(3,\), a weight for each class"),
    (ShapeError, lambda: F.cross_entropy(SCORES, np.ones((2, 3)), np.ones(2)), r"expected \(3,\), a weight for each"),
    (ShapeError, lambda: F.cross_entropy(mg.ones(()), 0), r"expected scores \(C\), \(N, C\)"),
    (DataError, lambda: F.nll_loss(SCORES, [0, 1], [1.0, -2.0, 1.0]), "nll_loss: weight must not be negative, got -2"),
    (UsageError, lambda: F.cross_entropy(SCORES, [0, 1], label_smoothing=1.5), r"must lie in \[0, 1\], got 1.5"),
    (UsageError, lambda: F.cross_entropy(SCORES, [0, 1], reduction="max"), '"mean", "sum" or "none", not \'max\''),
    (UsageError, lambda: F.kl_div(SCORES, SCORES, reduction="max"), '"batchmean" or "none"'),
    (DataError, lambda: F.kl_div(SCORES, -SCORES), "kl_div: target holds negative numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "call", "message"), REFUSED)
def test_wrong_call_is_refused_with_a_way_out(error, call, message):
    with pytest.raises(error, match=message):
        call()

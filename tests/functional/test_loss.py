"""Losses: against PyTorch in values and gradients over their settings, their limits, and what they refuse."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad import functional as F  # noqa: N812
from minigrad.errors import DataError, DTypeError, ShapeError, UsageError
from tests.functional.peer import assert_equal
from tests.helper import variable

REDUCTIONS = ["mean", "sum", "none"]
every_reduction = pytest.mark.parametrize("reduction", REDUCTIONS)


def against_pytorch(torch, name, arrays, constants=(), rtol=1e-10, **settings):
    """`arrays` are differentiated, `constants` follow them; floating constants and weights are in their dtype."""

    def tensor(value, dtype):
        array = value.numpy() if isinstance(value, Tensor) else np.asarray(value)
        return torch.tensor(array.astype(dtype) if array.dtype.kind == "f" else array)

    def theirs(*xs):
        dtype = xs[0].detach().numpy().dtype
        more = {k: tensor(v, dtype) if isinstance(v, np.ndarray) else v for k, v in settings.items()}
        return getattr(torch.nn.functional, name)(*xs, *[tensor(c, dtype) for c in constants], **more)

    def ours(*xs):
        return getattr(F, name)(*xs, *[in_dtype(c, xs[0].dtype) for c in constants], **settings)

    def in_dtype(value, dtype):
        return value.astype(dtype) if value.dtype.kind == "f" else value

    assert_equal(torch, ours, theirs, arrays, rtol)


# ---- classes -------------------------------------------------------------------------------------------------------

SHAPES = [(6, 4), (4,), (2, 4, 3), (2, 4, 3, 2), (1, 4, 1, 2, 3), (3, 1)]
WEIGHT = np.array([0.5, 2.0, 0.0, 1.5])


def classes(rng, shape, ignored=None):
    axis = min(1, len(shape) - 1)
    target = rng.integers(0, shape[axis], shape[:axis] + shape[axis + 1 :])
    if ignored is not None:
        target = np.where(rng.random(target.shape) < 0.3, ignored, target)
    return np.asarray(target)


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


# ---- yes or no -----------------------------------------------------------------------------------------------------


@pytest.mark.peer
@pytest.mark.parametrize("weight", [None, np.array([0.5, 0.0, 2.0])])
@every_reduction
def test_binary_cross_entropy_equals_pytorch(torch, rng, weight, reduction):
    x, target = rng.uniform(0.01, 0.99, size=(4, 3)), rng.random((4, 3))
    against_pytorch(torch, "binary_cross_entropy", [x, target], weight=weight, reduction=reduction)
    ends = np.array([[0.0, 0.0, 1.0], [1.0, 1e-200, 0.5]])
    settings = {"weight": weight, "reduction": reduction, "rtol": 1e-8}  # PyTorch's 1e-12 is of single precision
    against_pytorch(torch, "binary_cross_entropy", [ends], [ends[::-1].round()], **settings)


def test_binary_cross_entropy_has_finite_gradients_at_its_ends():
    for dtype in (np.float16, np.float32, np.float64):
        x, target = variable([0.0, 1.0, 0.0, 1.0], dtype), variable([0.0, 0.0, 1.0, 1.0], dtype)
        loss = F.binary_cross_entropy(x, target, reduction="sum")
        loss.backward()
        assert loss.item() == 200
        assert np.isfinite(x.grad.numpy()).all()
        assert target.grad.tolist() == [100, -100, 100, -100]


@pytest.mark.peer
@pytest.mark.parametrize("weight", [None, np.array([0.5, 0.0, 2.0]), np.array([[2.0], [1.0], [0.0], [3.0]])])
@pytest.mark.parametrize("pos_weight", [None, np.array([0.5, 3.0, 2.0])])
@every_reduction
def test_binary_cross_entropy_with_logits_equals_pytorch(torch, rng, weight, pos_weight, reduction):
    for scale in (1, 1e4):
        x, target = scale * rng.normal(size=(4, 3)), rng.random((4, 3))
        settings = {"weight": weight, "pos_weight": pos_weight, "reduction": reduction}
        against_pytorch(torch, "binary_cross_entropy_with_logits", [x, target], **settings)


@pytest.mark.peer
@pytest.mark.parametrize("weight", [None, np.array([0.5, 0.0, 2.0])])
@every_reduction
def test_multilabel_soft_margin_loss_equals_pytorch(torch, rng, weight, reduction):
    x, target = rng.normal(size=(4, 3)), rng.integers(0, 2, (4, 3)).astype(float)
    against_pytorch(torch, "multilabel_soft_margin_loss", [x], [target], weight=weight, reduction=reduction)


# ---- numbers -------------------------------------------------------------------------------------------------------

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


# ---- margins -------------------------------------------------------------------------------------------------------


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


# ---- properties ----------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "soft_margin_loss", "kl_div"])
def test_mean_over_an_empty_batch_is_nan_without_a_warning(name):
    x = variable(np.ones((0, 3)))
    loss = getattr(F, name)(x, np.ones((0, 3)))
    loss.backward()
    assert np.isnan(loss.item())
    assert x.grad.shape == (0, 3)


def test_weights_may_be_learned():
    x, w = variable(np.array([[1.0, 2.0], [0.5, 0.0]])), variable([1.0, 3.0])
    numbers = [F.cross_entropy(x, [0, 1], w + h).item() for h in (np.array([1e-6, 0]), np.array([-1e-6, 0]))]
    F.cross_entropy(x, [0, 1], w).backward()
    assert w.grad[0].item() == pytest.approx((numbers[0] - numbers[1]) / 2e-6, rel=1e-6)


def test_binary_cross_entropy_of_logits_is_that_of_their_sigmoid(rng):
    x, target = Tensor(rng.normal(size=(4, 3)) * 3), rng.random((4, 3))
    np.testing.assert_allclose(
        F.binary_cross_entropy_with_logits(x, target), F.binary_cross_entropy(F.sigmoid(x), target), rtol=1e-12
    )


def test_binary_cross_entropy_with_logits_keeps_its_digits_far_out():
    x = Tensor(np.array([-50.0, 50.0]))
    loss = F.binary_cross_entropy_with_logits(x, [0.0, 1.0], reduction="none")
    np.testing.assert_allclose(loss, [np.exp(-50)] * 2, rtol=1e-14)


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


def test_multi_class_svm_loss_by_hand():
    # The classic example: scores of a cat, a car and a frog; losses 2.9, 0 and 12.9.
    scores = variable([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])
    loss = F.multi_class_svm_loss(scores, [0, 1, 2], reduction="none")
    np.testing.assert_allclose(loss.numpy(), [2.9, 0, 12.9], atol=1e-12)
    loss.sum().backward()
    assert scores.grad.tolist() == [[-1, 1, 0], [0, 0, 0], [1, 1, -2]]
    mean = F.multi_class_svm_loss(scores, [0, 1, 2], margin=0.5)
    np.testing.assert_allclose(mean.item(), 3 * F.multi_margin_loss(scores, [0, 1, 2], margin=0.5).item())


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_losses_of_huge_scores_are_finite_and_keep_the_dtype(dtype):
    x = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 3.0]])
    for f in (
        lambda x: F.cross_entropy(x, [1, 0]),
        lambda x: F.cross_entropy(x, [1, 0], [1.0, 2.0, 3.0], label_smoothing=0.1),
        lambda x: F.binary_cross_entropy_with_logits(x, np.eye(3)[:2], pos_weight=[1.0, 2.0, 3.0]),
        lambda x: F.soft_margin_loss(x, np.array([[1, -1, 1], [1, -1, -1]])),
        lambda x: F.multi_margin_loss(x, [1, 0]),
    ):
        scores = variable(x, dtype)
        loss = f(scores)
        loss.backward()
        assert loss.dtype == dtype
        assert np.isfinite(loss.item())
        assert np.isfinite(scores.grad.numpy()).all()


# ---- what is refused -----------------------------------------------------------------------------------------------

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
    (ShapeError, lambda: F.mse_loss(mg.ones((4, 1)), mg.ones(4)), r"x has shape \(4, 1\) but target has \(4,\)"),
    (ShapeError, lambda: F.l1_loss(SCORES, SCORES, weight=np.ones(3)), r"weight has \(3,\)"),
    (DataError, lambda: F.huber_loss(SCORES, SCORES, weight=-SCORES), "huber_loss: weight must not be negative"),
    (UsageError, lambda: F.huber_loss(SCORES, SCORES, delta=0), "delta must be positive, got 0"),
    (UsageError, lambda: F.smooth_l1_loss(SCORES, SCORES, beta=-1), "beta must not be negative, got -1"),
    (DataError, lambda: F.gaussian_nll_loss(SCORES, SCORES, -SCORES), "var must not be negative, got -1"),
    (ShapeError, lambda: F.gaussian_nll_loss(SCORES, SCORES, np.ones(3)), r"var has shape \(3,\), but x \(2, 3\)"),
    (ShapeError, lambda: F.poisson_nll_loss(SCORES, np.ones(3)), "poisson_nll_loss: x has shape"),
    (DataError, lambda: F.binary_cross_entropy(2 * SCORES, SCORES), "got 2.0: for scores use .*_with_logits"),
    (ShapeError, lambda: F.binary_cross_entropy(SCORES, np.ones((2, 1))), "binary_cross_entropy: x has shape"),
    (DataError, lambda: F.soft_margin_loss(SCORES, 0 * SCORES), r"1 and -1, got 0.0: of 0 and 1 make 2 \* target - 1"),
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

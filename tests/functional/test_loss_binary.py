"""Losses of binary classification: against PyTorch over their settings, their limits, and what they refuse."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad import functional as F  # noqa: N812
from minigrad.errors import DataError, ShapeError
from tests.functional.loss_peer import against_pytorch, every_reduction
from tests.helper import variable


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


def test_binary_cross_entropy_of_logits_is_that_of_their_sigmoid(rng):
    x, target = Tensor(rng.normal(size=(4, 3)) * 3), rng.random((4, 3))
    np.testing.assert_allclose(
        F.binary_cross_entropy_with_logits(x, target), F.binary_cross_entropy(F.sigmoid(x), target), rtol=1e-12
    )


def test_binary_cross_entropy_with_logits_keeps_its_digits_far_out():
    x = Tensor(np.array([-50.0, 50.0]))
    loss = F.binary_cross_entropy_with_logits(x, [0.0, 1.0], reduction="none")
    np.testing.assert_allclose(loss, [np.exp(-50)] * 2, rtol=1e-14)


SCORES = mg.ones((2, 3))
REFUSED = [
    (DataError, lambda: F.binary_cross_entropy(2 * SCORES, SCORES), "got 2.0: for scores use .*_with_logits"),
    (ShapeError, lambda: F.binary_cross_entropy(SCORES, np.ones((2, 1))), "binary_cross_entropy: x has shape"),
    (DataError, lambda: F.soft_margin_loss(SCORES, 0 * SCORES), r"1 and -1, got 0.0: of 0 and 1 make 2 \* target - 1"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "call", "message"), REFUSED)
def test_wrong_call_is_refused_with_a_way_out(error, call, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("count", [5, 9000])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_truth_values_as_targets_leave_the_dtype_as_it_is(count, dtype):
    x = mg.Tensor(np.full(count, 0.25, dtype))
    loss = mg.REGISTRY["binary_cross_entropy"](x, mg.Tensor(np.arange(count) % 2 == 0))
    assert loss.dtype == dtype
    np.testing.assert_allclose(loss.numpy()[:2], [-np.log(0.25), -np.log(0.75)], rtol=1e-6)

"""Reductions of losses: over nothing, of huge numbers, and in the dtype of the scores."""

import numpy as np
import pytest

from minigrad import functional as F  # noqa: N812
from tests.helper import variable


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "soft_margin_loss", "kl_div"])
def test_mean_over_an_empty_batch_is_nan_without_a_warning(name):
    x = variable(np.ones((0, 3)))
    loss = getattr(F, name)(x, np.ones((0, 3)))
    loss.backward()
    assert np.isnan(loss.item())
    assert x.grad.shape == (0, 3)


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

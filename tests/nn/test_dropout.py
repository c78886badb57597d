"""Dropout acts in training only, on its share."""

import numpy as np
import pytest

from minigrad import Tensor, nn


def test_dropout_acts_in_training_only():
    layer = nn.Dropout(0.5, rng=np.random.default_rng(0))
    x = Tensor(np.ones((10, 10)))
    assert (layer(x).numpy() == 0).any()
    assert layer.eval()(x) is x


@pytest.mark.parametrize("name", ["Dropout", "Dropout1d", "Dropout2d", "AlphaDropout"])
def test_every_dropout_drops_its_share_in_training_and_nothing_in_evaluation(rng, name):
    layer = getattr(nn, name)(0.3, rng=rng)
    x = Tensor(np.ones((200, 50, 3, 3) if name == "Dropout2d" else (200, 50, 3), np.float32))
    values, counts = np.unique(layer(x).numpy(), return_counts=True)
    assert len(values) == 2
    assert counts.min() / counts.sum() == pytest.approx(0.3, abs=0.03)
    assert layer.eval()(x) is x

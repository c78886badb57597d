"""Samples drawn by weights, and batches transformed as a whole."""

import numpy as np
import pytest

from minigrad.data import ArrayDataset, DataLoader
from minigrad.errors import DataError

NUMBERS = ArrayDataset(np.arange(10) * 10, np.arange(10), classes=("a", "b"))


def test_weights_decide_how_often_samples_come():
    weights = np.array([0, 1, 3])
    loader = DataLoader(np.arange(3), batch_size=3, weights=weights, seed=4)
    epochs = [np.concatenate([batch.data for (batch,) in loader]) for _ in range(2000)]
    share = np.bincount(np.concatenate(epochs), minlength=3) / 6000
    assert share[0] == 0
    np.testing.assert_allclose(share, weights / 4, atol=0.03)  # 5 standard deviations
    again = DataLoader(np.arange(3), batch_size=3, weights=weights, seed=4)
    np.testing.assert_array_equal(next(iter(again))[0].data, epochs[0])


@pytest.mark.parametrize("weights", [[1, 2], [1, -1, 1], [0, 0, 0], [1, np.nan, 1]])
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(DataError, match="DataLoader: weights must be one number of at least 0 for each of the 3"):
        DataLoader(np.arange(3), weights=weights)


def test_a_loader_transforms_the_batch_after_its_inputs():
    loader = DataLoader(
        NUMBERS,
        10,
        transform=lambda x, rng: x / 100,
        batch_transform=lambda arrays, rng: (arrays[0] + 1, 0 * arrays[1]),
    )
    ((inputs, labels),) = loader
    np.testing.assert_allclose(inputs.data, np.arange(10) / 10 + 1)
    assert not labels.data.any()
    assert "batch_transform=" in repr(loader)

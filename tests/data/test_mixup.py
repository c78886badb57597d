"""Mixup: inputs and targets are averaged with the same shares."""

import numpy as np
import pytest

from minigrad.autograd.tensor import Tensor
from minigrad.data import ArrayDataset, Compose, DataLoader, Mixup, Subset
from minigrad.errors import DataError
from minigrad.functional import cross_entropy


def test_mixup_averages_inputs_and_targets_with_the_same_shares():
    inputs, labels = np.eye(6, dtype=np.float32), np.arange(6)
    mixed, targets = Mixup(1.0, classes=6)((inputs, labels), np.random.default_rng(3))
    assert (mixed.dtype, targets.dtype) == (np.float32, np.float32)
    np.testing.assert_array_equal(mixed, targets)  # the inputs are their own distributions
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
    assert len(np.unique(np.diag(targets).round(3))) > 3  # a share for each sample
    np.testing.assert_array_equal(inputs, np.eye(6))
    again = Mixup(1.0, classes=6)((inputs, labels), np.random.default_rng(3))
    np.testing.assert_array_equal(mixed, again[0])


def test_partners_are_drawn_anew_for_each_batch():
    mix, sure = Mixup(1.0, classes=6), np.eye(6)
    shares = [mix((sure, np.arange(6)), np.random.default_rng(seed))[1] for seed in range(30)]
    partners = np.array([(share - sure * 2).argmax(axis=1) for share in shares])
    assert all(len(np.unique(partners[:, sample])) >= 4 for sample in range(6))


def test_cross_entropy_takes_mixed_targets():
    scores, labels = np.random.default_rng(0).random((8, 3)), np.arange(8) % 3
    _, targets = Mixup(1.0, classes=3)((scores, labels), np.random.default_rng(1))
    log_softmax = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    loss = cross_entropy(Tensor(scores), Tensor(targets))
    np.testing.assert_allclose(loss.data, -(targets * log_softmax).sum(axis=1).mean())


def test_mixup_of_numbers_follows_a_line():
    x = np.random.default_rng(0).random((50, 1, 2, 2))
    mixed, targets = Mixup(0.4)((x, 3 * x[:, 0, 0, 0] + 1), np.random.default_rng(3))
    np.testing.assert_allclose(targets, 3 * mixed[:, 0, 0, 0] + 1)


@pytest.mark.parametrize(
    ("mix", "arrays", "message"),
    [
        (Mixup(), (np.ones(3),), "Mixup: needs batches of inputs and targets, got 1 arrays."),
        (
            Mixup(),
            (np.ones(3), np.arange(3)),
            "Mixup: needs floating-point targets to average, got int64. Use classes=10, say, for class numbers.",
        ),
        (
            Mixup(),
            (np.arange(3), np.ones(3)),
            "Mixup: needs floating-point inputs to average, got int64. Use images.astype(np.float32) / 255.",
        ),
        (
            Mixup(classes=2),
            (np.ones(3), np.arange(3)),
            "Mixup: with classes=2 the targets must be class numbers (N,) from 0 to 1, got int64 (3,).",
        ),
    ],
)
def test_what_cannot_be_mixed_is_explained(mix, arrays, message):
    with pytest.raises(DataError) as error:
        mix(arrays, np.random.default_rng(0))
    assert str(error.value) == message


def test_mixup_in_the_place_of_a_transform_says_where_it_belongs():
    x, y = np.ones((4, 1, 2, 2), np.float32), np.zeros(4, np.float32)
    for loader in (
        DataLoader((x, y), 2, transform=Mixup()),
        DataLoader((x, y), 2, transform=Compose([Mixup()])),
        DataLoader(ArrayDataset(x, y, transform=Mixup()), 2),
        DataLoader(Subset(ArrayDataset(x, y), [0, 1], transform=Mixup()), 2),
    ):
        with pytest.raises(DataError, match=r"Use batch_transform=Mixup\(alpha=0.2, classes=None\) of the DataLoader"):
            next(iter(loader))


def test_mixing_needs_a_positive_alpha():
    with pytest.raises(DataError, match="Mixup: alpha must be positive, got 0"):
        Mixup(0)

"""Blocks: an epoch's order has every sample once, mixes, and can be read forward in bounded memory."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import DataLoader, Dataset, Subset
from minigrad.data.blocks import Blocks
from minigrad.errors import DataError


class Stored(Dataset):
    """Numbers that are stored in blocks."""

    fingerprint = 7

    def __init__(self, lengths, window):
        self.blocks = Blocks(lengths, window)

    def __len__(self):
        return int(self.blocks.lengths.sum())

    def __getitem__(self, index):
        return index


def epoch(loader):
    return [int(x) for (batch,) in loader for x in batch.data]


@given(lengths=st.lists(st.integers(0, 20), min_size=1, max_size=6), window=st.integers(0, 30), seed=st.integers(0, 99))
def test_an_epoch_has_every_sample_once_and_none_far_from_its_block(lengths, window, seed):
    blocks, rng = Blocks(lengths, window), np.random.default_rng(seed)
    order = blocks.shuffled(rng)
    assert sorted(order) == list(range(sum(lengths)))
    starts = np.cumsum(lengths) - lengths
    permuted = np.random.default_rng(seed).permutation(len(lengths))
    in_blocks = np.concatenate([np.arange(starts[k], starts[k] + lengths[k]) for k in permuted])
    place = np.argsort(order, kind="stable")[in_blocks]
    assert np.all(np.abs(place - np.arange(len(order))) <= window)


def test_a_window_as_large_as_the_blocks_mixes_them():
    order = Blocks([50] * 20, 200).shuffled(np.random.default_rng(0))
    assert np.mean(np.abs(np.diff(order // 50)) > 0) > 0.5
    assert np.mean(np.diff(Blocks([50] * 20, 0).shuffled(np.random.default_rng(0))) == 1) > 0.9


def test_a_loader_shuffles_blocks_and_those_of_a_subset():
    dataset = Stored([10, 30, 20], 5)
    loader = DataLoader(dataset, batch_size=7, shuffle=True)
    first, second = epoch(loader), epoch(loader)
    assert sorted(first) == sorted(second) == list(range(60))
    assert first != second
    subset = Subset(dataset, np.arange(0, 60, 3))
    assert subset.blocks.lengths.tolist() == [4, 10, 6]
    assert sorted(epoch(DataLoader(subset, batch_size=7, shuffle=True))) == list(range(0, 60, 3))
    assert Subset(dataset, [5, 3]).blocks is None
    assert Subset([(1,), (2,)], [0]).blocks is None


def test_a_state_within_an_epoch_of_other_files_is_refused_and_between_epochs_not():
    loader = DataLoader(Stored([10], 5), batch_size=5, shuffle=True)
    next(iter(loader))
    state = loader.state_dict()
    assert state == {"seed": 0, "epoch": 0, "batch": 1, "samples": 5, "data": 7}
    loader.load_state_dict(state)
    loader.dataset.fingerprint = 8
    with pytest.raises(DataError, match="within an epoch of other files"):
        loader.load_state_dict(state)
    loader.load_state_dict({**state, "batch": 0, "samples": 0})


def test_a_negative_window_is_refused():
    with pytest.raises(DataError, match="window is a number of samples and must be at least 0, got -1"):
        Blocks([3], -1)

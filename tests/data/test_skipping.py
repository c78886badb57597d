"""Samples that are left out: missing in their batches, counted once, told at the end of the epoch."""

import warnings

import numpy as np
import pytest

from minigrad.data import DataLoader, Dataset
from minigrad.data.skipping import SHOWN, Skipped, skip


class Holes(Dataset):
    """The numbers from 0, of which some cannot be read."""

    def __init__(self, size, broken):
        self.size, self.broken = size, broken

    def __len__(self):
        return self.size

    def batch(self, indices, rng):
        for index in indices:
            if index in self.broken:
                skip(f"number {index}")
        return (np.array([index for index in indices if index not in self.broken], np.int64),)


@pytest.mark.parametrize("prefetch", [0, 2])
def test_batches_shrink_empty_ones_are_passed_over_and_the_end_tells(prefetch):
    loader = DataLoader(Holes(12, {1, 4, 5, 6, 7, 11}), batch_size=4, prefetch=prefetch)
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"in epoch \d, 6 samples were left out: number 1; number 4; .*number 11"):
            assert [batch.data.tolist() for (batch,) in loader] == [[0, 2, 3], [8, 9, 10]]
        assert loader.skipped.count == 6


def test_a_last_batch_that_is_empty_ends_the_last_step_of_several_batches():
    from minigrad.training.training_state import TrainingState

    training = TrainingState(None, DataLoader(Holes(12, set(range(8, 12))), batch_size=4), None, None, 1, accumulate=3)
    with pytest.warns(UserWarning, match="4 samples were left out"):
        (step,) = training.batches()
    assert [batch.data.tolist() for (batch,) in step] == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_all_are_counted_and_the_first_are_kept():
    skipped = Skipped()
    skipped.add(str(k) for k in range(SHOWN + 5))
    assert skipped.count == SHOWN + 5
    assert str(skipped).startswith("25 samples were left out: 0; 1; 2")
    assert str(skipped).endswith("; 19; and 5 more")


def test_without_a_loader_each_is_a_warning():
    with pytest.warns(UserWarning, match="left out: number 1"):
        Holes(3, {1}).batch(np.arange(3), np.random.default_rng(0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(DataLoader(Holes(3, set())))

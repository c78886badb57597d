"""Parts of datasets: subsets, and splits at random."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import ArrayDataset, Dataset, Subset, random_split, stratified_split
from minigrad.errors import DataError

NUMBERS = ArrayDataset(np.arange(10) * 10, np.arange(10), classes=("a", "b"))


class Squares(Dataset):
    def __len__(self):
        return 7

    def __getitem__(self, index):
        return np.full((2,), index, np.float32), index**2


def test_a_subset_renumbers_and_transforms():
    subset = Subset(NUMBERS, [7, 2, 2], transform=lambda x, rng: x + 1)
    assert (len(subset), subset.classes) == (3, ("a", "b"))
    assert [int(part) for part in subset[0]] == [70, 7]
    assert [part.tolist() for part in subset[1:]] == [[20, 20], [2, 2]]
    inputs, labels = subset.batch(np.array([2, 0]), np.random.default_rng(0))
    assert (inputs.tolist(), labels.tolist()) == ([21, 71], [2, 7])


def test_a_subset_of_samples_gets_plain_numbers():
    assert Subset(Squares(), [3])[0][1] == 9
    assert Subset(Subset(Squares(), [5, 6]), [1]).batch(np.array([0]), np.random.default_rng(0))[1] == [36]


@pytest.mark.parametrize("indices", [[10], [-1], [0.5], [[1]], [True, False]])
def test_indices_that_are_no_samples_are_refused(indices):
    with pytest.raises(DataError, match="Subset: indices must be numbers of samples, from 0 to 9"):
        Subset(NUMBERS, indices)


@given(total=st.integers(1, 60), data=st.data(), seed=st.integers(0, 99))
def test_random_parts_are_disjoint_complete_and_of_the_sizes_asked_for(total, data, seed):
    first = data.draw(st.integers(0, total))
    dataset = ArrayDataset(np.arange(total))
    for parts in ([first, total - first], [first / total, 1 - first / total]):
        split = random_split(dataset, parts, seed)
        assert [len(part) for part in split] == [first, total - first]
        numbers = np.concatenate([part.indices for part in split])
        np.testing.assert_array_equal(np.sort(numbers), np.arange(total))


def test_random_parts_are_a_function_of_the_seed():
    chosen = [random_split(NUMBERS, [5, 5], seed)[0].indices.tolist() for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1] != chosen[2]


@pytest.mark.parametrize("parts", [[0.5, 0.4], [5, 6], [-1, 11], []])
def test_parts_that_are_not_the_whole_are_refused(parts):
    with pytest.raises(
        DataError, match="random_split: lengths must be numbers that sum to the 10 samples, or fractions"
    ):
        random_split(NUMBERS, parts)


@pytest.mark.parametrize(
    "split",
    [lambda seed: stratified_split([0, 1], 0.5, seed), lambda seed: random_split(ArrayDataset([0, 1]), [2], seed)],
)
def test_a_seed_that_no_generator_takes_is_explained(split):
    with pytest.raises(DataError, match=r"split: seed must be at least 0, got -1\. Any such number will do, 0 for one"):
        split(-1)

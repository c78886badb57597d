"""Parts of datasets, and batches made of single samples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.autograd.tensor import Tensor, set_default_dtype
from minigrad.data import ArrayDataset, DataLoader, Dataset, Mixup, Subset, collate, random_split, stratified_split
from minigrad.errors import DataError
from minigrad.functional import cross_entropy

NUMBERS = ArrayDataset(np.arange(10) * 10, np.arange(10), classes=("a", "b"))


class Squares(Dataset):
    def __len__(self):
        return 7

    def __getitem__(self, index):
        return np.full((2,), index, np.float32), index**2


class Foreign:
    """Of another library: it only looks like a dataset."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return [Tensor(np.array([index])), index > 1]


def test_a_dataset_of_samples_gives_stacked_batches():
    (_, second) = DataLoader(Squares(), batch_size=4)
    assert [(tensor.data.tolist(), tensor.data.dtype) for tensor in second] == [
        ([[4, 4], [5, 5], [6, 6]], np.float32),
        ([16, 25, 36], np.int64),
    ]


def test_anything_with_len_and_getitem_will_do():
    ((inputs, targets),) = DataLoader(Foreign(), batch_size=3)
    assert inputs.data.tolist() == [[0], [1], [2]]
    assert targets.data.tolist() == [False, False, True]


def test_what_a_dataset_must_have_is_said():
    class Empty(Dataset):
        def __len__(self):
            return 2

    with pytest.raises(NotImplementedError, match=r"Empty needs a method __getitem__\(self, index\), or batch"):
        next(iter(DataLoader(Empty())))
    with pytest.raises(NotImplementedError, match=r"Dataset needs a method __len__\(self\)"):
        len(Dataset())


def test_floats_of_python_have_the_default_dtype_and_arrays_keep_theirs():
    parts = (1.5, [1.5, 2.5], np.float64(1.5), np.ones(2), 3, True)
    assert [array.dtype for array in collate([parts])] == ["f4", "f4", "f8", "f8", "i8", "?"]
    set_default_dtype(np.float64)
    assert [array.dtype for array in collate([parts])][:2] == ["f8", "f8"]


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (
            [(np.zeros((2, 3)), 1), (np.zeros((2, 4)), 1)],
            "collate: the samples of a batch must have the same shapes, got (2, 3) and () in sample 5 and (2, 4) and "
            "() in sample 9. Crop or pad them to one size in __getitem__.",
        ),
        (
            [(1, 2), 1],
            "collate: the samples of a batch must have the same shapes, got () and () in sample 5 and () in sample 9. "
            "Crop or pad them to one size in __getitem__.",
        ),
        (
            [1, {"image": 1}],
            "collate: a sample must be an array or a number, or a tuple of them, got dict in sample 9. Return (input, "
            "target) from __getitem__.",
        ),
        (
            [([1, [2, 3]], 1), (1, 1)],
            "collate: a sample must be an array or a number, or a tuple of them, got list in sample 5. Return (input, "
            "target) from __getitem__.",
        ),
    ],
)
def test_samples_that_do_not_stack_are_explained(samples, message):
    with pytest.raises(DataError) as error:
        collate(samples, [5, 9])
    assert str(error.value) == message


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
    with pytest.raises(DataError, match="random_split: parts must be sizes that sum to the 10 samples, or fractions"):
        random_split(NUMBERS, parts)


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


def test_mixing_needs_a_positive_alpha():
    with pytest.raises(DataError, match="Mixup: alpha must be positive, got 0"):
        Mixup(0)


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


@pytest.mark.parametrize(
    "split",
    [lambda seed: stratified_split([0, 1], 0.5, seed), lambda seed: random_split(ArrayDataset([0, 1]), [2], seed)],
)
def test_a_seed_that_no_generator_takes_is_explained(split):
    with pytest.raises(DataError, match=r"split: seed must be at least 0, got -1\. Any such number will do, 0 for one"):
        split(-1)

"""Datasets: what an index gives, what stays untouched, and how a split divides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import Tensor
from minigrad.data import ArrayDataset, DataLoader, Dataset, Subset, random_split, stratified_split
from minigrad.errors import DataError


@pytest.fixture
def dataset() -> ArrayDataset:
    return ArrayDataset(np.arange(12.0).reshape(3, 2, 2), np.array([1, 0, 1]), classes=["cat", "dog"])


def test_an_index_gives_that_entry_of_every_array(dataset):
    image, label = dataset[2]
    np.testing.assert_array_equal(image, [[8, 9], [10, 11]])
    assert isinstance(label, np.ndarray)
    assert label == 1


def test_an_array_of_indices_gives_the_entries_in_its_order(dataset):
    images, labels = dataset[np.array([1, 0])]
    np.testing.assert_array_equal(images[:, 0, 0], [4, 0])
    np.testing.assert_array_equal(labels, [0, 1])


def test_iterating_gives_every_sample_and_ends(dataset):
    assert [int(label) for _, label in dataset] == [1, 0, 1]


def test_transform_changes_the_first_array_of_a_batch_only(dataset):
    shifted = ArrayDataset(*dataset.arrays, transform=lambda images, rng: images + rng.integers(1, 9))
    images, labels = shifted.batch(np.array([0, 1]), np.random.default_rng(5))
    np.testing.assert_array_equal(images, dataset.arrays[0][:2] + np.random.default_rng(5).integers(1, 9))
    np.testing.assert_array_equal(labels, [1, 0])


def test_an_index_gives_stored_samples_without_the_transform(dataset):
    zeroed = ArrayDataset(*dataset.arrays, transform=lambda images, rng: images * 0)
    np.testing.assert_array_equal(zeroed[1][0], dataset[1][0])


def test_writing_through_a_dataset_is_refused(dataset):
    with pytest.raises(ValueError, match="read-only"):
        dataset.arrays[0][0] = 0
    with pytest.raises(ValueError, match="read-only"):
        dataset[0][0][:] = 0
    with pytest.raises(AttributeError):
        dataset.arrays = ()


def test_making_a_dataset_leaves_the_callers_array_writable():
    array = np.zeros(3)
    ArrayDataset(array)
    array[0] = 1


def test_array_dataset_is_a_dataset(dataset):
    assert isinstance(dataset, Dataset)


def test_repr_tells_sizes_types_and_classes(dataset):
    assert repr(dataset) == "ArrayDataset(3 samples of float64 (2, 2) and int64 (), 2 classes)"


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            (np.zeros((3, 2)), np.zeros(4)),
            "ArrayDataset: the arrays must have the same first length, got 3, 4 (shapes (3, 2), (4,)). "
            "Sample i is the i-th entry of every array.",
        ),
        (
            (),
            "ArrayDataset: needs at least one array, got none. Use ArrayDataset(images, labels).",
        ),
        (
            (np.zeros(3), 7),
            "ArrayDataset: each array needs a first axis that counts the samples, got shapes (3,), (). "
            "Wrap a single sample: array[None].",
        ),
    ],
)
def test_arrays_that_are_not_samples_are_explained(arrays, message):
    with pytest.raises(DataError) as error:
        ArrayDataset(*arrays)
    assert str(error.value) == message


labels_of_any_kind = st.lists(st.integers(0, 4), max_size=60).map(lambda labels: np.array(labels, dtype=np.int64))


@given(labels_of_any_kind, st.floats(0.01, 0.99), st.integers(0, 2**32))
def test_split_parts_are_disjoint_and_complete(labels, fraction, seed):
    first, second = stratified_split(labels, fraction, seed)
    np.testing.assert_array_equal(np.sort(np.concatenate([first, second])), np.arange(labels.size))


@given(labels_of_any_kind.filter(len), st.floats(0.01, 0.99), st.integers(0, 2**32))
def test_split_takes_the_same_share_of_every_class_within_one_sample(labels, fraction, seed):
    _, second = stratified_split(labels, fraction, seed)
    assert second.size == np.ceil(fraction * labels.size)
    share = second.size / labels.size
    for label in np.unique(labels):
        assert abs((labels[second] == label).sum() - share * (labels == label).sum()) < 1


def test_split_is_a_function_of_its_seed():
    labels = np.arange(100) % 5
    again = [stratified_split(labels, 0.3, seed)[1] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(again[0], again[1])
    assert not np.array_equal(again[0], again[2])


@pytest.mark.parametrize("fraction", [0, 1, 20])
def test_fraction_outside_of_0_to_1_is_explained(fraction):
    with pytest.raises(DataError) as error:
        stratified_split([0, 1], fraction)
    assert str(error.value) == (
        "stratified_split: fraction is the share of the second part and must lie between 0 and 1, "
        f"got {fraction}. Use 0.2 for one sample in five."
    )


SAMPLES = {
    "pairs of numbers": [(0.5, 1), (1.5, 2), (2.5, 3)],
    "two pairs of numbers": [(0.5, 1), (1.5, 2)],
    "pairs of arrays and numbers": [(np.full(3, i, np.float32), i) for i in range(3)],
    "pairs of arrays": [(np.full((2, 2), i, np.float32), np.full(2, i, np.float32)) for i in range(5)],
    "pairs of Tensors": [(Tensor([float(i), 1.0]), Tensor([float(i)])) for i in range(2)],
    "pairs of lists": [([1.0, 2.0], [0.5]), ([3.0, 4.0], [1.5]), ([5.0, 6.0], [2.5])],
    "triples": [(float(i), 2.0, i) for i in range(4)],
    "single inputs": [(np.ones(2, np.float32),)] * 3,
}


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("wrap", [
    lambda samples: samples,
    lambda samples: Subset(samples, np.arange(len(samples))),
    lambda samples: random_split(samples, [0, len(samples)])[1],
])  # fmt: skip
def test_a_list_of_tuples_is_a_list_of_samples(name, wrap):
    samples = SAMPLES[name]
    (batch,) = DataLoader(wrap(samples), batch_size=len(samples))
    assert len(batch) == len(samples[0])
    for part, column in zip(batch, zip(*samples, strict=True), strict=True):
        np.testing.assert_allclose(part.numpy(), np.stack([np.asarray(value) for value in column]))


def test_a_tuple_holds_arrays_also_as_lists_of_numbers():
    for data in (([0.5, 1.5, 2.5], [1, 2, 3]), (np.array([0.5, 1.5, 2.5]), np.array([1, 2, 3]))):
        (batch,) = DataLoader(data, batch_size=3)
        assert [part.tolist() for part in batch] == [[0.5, 1.5, 2.5], [1, 2, 3]]
    (batch,) = DataLoader([np.zeros((2, 3)), np.ones(2)], batch_size=2)
    assert [part.shape for part in batch] == [(2, 3), (2,)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([[0.5, 1], [1.5, 2]], r"a list of lists may hold arrays or samples. Use DataLoader\(\(inputs, targets\)\)"),
        (((np.ones(3), 1), (np.ones(3), 2)), r"different shapes is no array .* Use DataLoader\(\[\(x0, y0\)"),
        (([[1, 2], [3]], [0, 1]), "a list of things of different shapes is no array"),
        ([], "needs at least one array"),
        ({"x": 1}, "needs a dataset"),
        (3, "needs a dataset"),
    ],
)
def test_what_is_neither_arrays_nor_samples_is_refused(data, message):
    with pytest.raises(DataError, match=message):
        DataLoader(data)

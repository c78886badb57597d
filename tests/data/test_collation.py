"""Batches made of single samples."""

import numpy as np
import pytest

from minigrad.autograd.tensor import Tensor, set_default_dtype
from minigrad.data import DataLoader, Dataset, collate
from minigrad.errors import DataError


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

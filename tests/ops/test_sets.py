"""The different elements of an array, and whether it has them."""

import numpy as np

import minigrad as mg
from minigrad import Tensor

X = np.array([[3.0, 1.0], [1.0, np.nan], [np.nan, 3.0]])


def test_unique_all_rebuilds_the_array_and_finds_each_value() -> None:
    found = mg.unique_all(Tensor(X))
    np.testing.assert_array_equal(found.values.numpy(), [1, 3, np.nan, np.nan])
    np.testing.assert_array_equal(X.reshape(-1)[found.indices.numpy()], found.values.numpy())
    np.testing.assert_array_equal(mg.take(found.values, found.inverse_indices).numpy(), X)
    assert found.counts.tolist() == [2, 2, 1, 1]


def test_the_others_are_parts_of_unique_all() -> None:
    x = Tensor([[2, 0], [2, 5]])
    assert mg.unique_values(x).tolist() == [0, 2, 5]
    assert mg.unique_counts(x).counts.tolist() == [1, 2, 1]
    assert mg.unique_inverse(x).inverse_indices.tolist() == [[1, 0], [1, 2]]
    assert mg.unique_values(x).dtype == np.int64


def test_the_first_of_equal_elements_gets_the_gradient() -> None:
    x = Tensor([2.0, 1.0, 2.0], requires_grad=True)
    (mg.unique_values(x) * Tensor([10.0, 20.0])).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [20, 10, 0]


def test_isin() -> None:
    x, y = Tensor([[1, 2], [3, 4]]), Tensor([2, 4, 6])
    assert mg.isin(x, y).tolist() == [[False, True], [False, True]]
    assert mg.isin(x, y, invert=True).tolist() == [[True, False], [True, False]]

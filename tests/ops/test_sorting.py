"""Sorting, searching and taking: NumPy's values, stable ties, and gradients that follow the elements."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad import DTypeError, ShapeError, Tensor, UsageError
from tests.helper import variable

FEW = hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=5, min_side=0), elements=st.integers(-2, 2))


@given(FEW, st.data(), st.booleans())
def test_sort_is_numpys_and_equal_elements_keep_their_order(x, data, descending):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    order = mg.argsort(Tensor(x), axis=axis, descending=descending).numpy()
    np.testing.assert_array_equal(order, np.argsort(-x if descending else x, axis, kind="stable"))
    found = mg.sort(Tensor(x), axis=axis, descending=descending).numpy()
    np.testing.assert_array_equal(found, np.take_along_axis(x, order, axis))


@given(FEW, st.data(), st.booleans())
def test_largest_elements_are_the_first_of_the_sorted_ones_and_get_their_cotangents(x, data, largest):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    k = data.draw(st.integers(0, x.shape[axis]))
    v = variable(x)
    found = mg.topk(v, k, axis, largest)
    first = np.split(mg.argsort(x, axis=axis, descending=largest), [k], axis)[0]
    np.testing.assert_array_equal(found.indices.numpy(), first)
    np.testing.assert_array_equal(found.values.numpy(), np.take_along_axis(x, first, axis))
    weights = 1 + np.arange(found.values.size).reshape(found.values.shape)
    (found.values * weights).sum().backward()
    expected = np.zeros(x.shape)
    np.put_along_axis(expected, first, weights, axis)
    np.testing.assert_array_equal(v.grad.numpy(), expected)
    assert v.topk(k, axis, largest)[1].tolist() == found.indices.tolist()


def test_more_elements_than_there_are_cannot_be_the_largest():
    with pytest.raises(ShapeError, match=r"k=4 elements of axis 1, which has 3"):
        mg.topk(np.zeros((2, 3)), 4)


@given(FEW, st.booleans())
def test_cotangents_of_sort_go_back_to_where_the_elements_came_from(x, descending):
    v, weights = variable(x), np.arange(x.size, dtype=float).reshape(x.shape)
    (mg.sort(v, descending=descending) * weights).sum().backward()
    expected = np.empty_like(x)
    np.put_along_axis(expected, np.argsort(-x if descending else x, -1, kind="stable"), weights, -1)
    np.testing.assert_array_equal(v.grad.numpy(), expected)


def test_nan_counts_as_the_largest():
    x = Tensor([np.nan, 1.0, 2.0])
    np.testing.assert_array_equal(mg.sort(x).numpy(), [1, 2, np.nan])
    np.testing.assert_array_equal(mg.sort(x, descending=True).numpy(), [np.nan, 2, 1])


def test_number_is_not_sorted():
    with pytest.raises(ShapeError, match="out of range for 0 dimensions"):
        mg.sort(Tensor(1.0))


@pytest.mark.parametrize("dtype", [np.int32, np.bool_])
def test_integers_are_sorted(dtype):
    x = np.array([1, 0, 1, 0], dtype)
    assert mg.sort(Tensor(x), descending=True).tolist() == [1, 1, 0, 0]
    assert mg.sort(Tensor(x)).dtype == dtype


@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted_equals_numpys(side):
    x, y = np.array([3.0, 1.0, 2.0, 2.0]), np.array([[0.0, 2.0], [2.5, 9.0]])
    order = np.argsort(x)
    found = mg.searchsorted(Tensor(x), Tensor(y), side=side, sorter=Tensor(order))
    np.testing.assert_array_equal(found.numpy(), np.searchsorted(x, y, side, order))
    assert mg.searchsorted(Tensor(np.sort(x)), 2.5).item() == 3


def test_searchsorted_refuses_matrices_and_other_sides():
    with pytest.raises(ShapeError, match="must be a vector"):
        mg.searchsorted(Tensor([[1.0]]), 1.0)
    with pytest.raises(UsageError, match="side"):
        mg.searchsorted(Tensor([1.0]), 1.0, side="middle")


@pytest.mark.parametrize("f", [mg.argmax, mg.argmin])
def test_first_of_equal_elements_is_named(f):
    assert f(Tensor([[1.0, 1.0], [1.0, 1.0]])).item() == 0
    assert f(Tensor([[1.0, 1.0], [1.0, 1.0]]), axis=-1, keepdims=True).tolist() == [[0], [0]]


def test_nonzero_equals_numpys():
    x = np.array([[0.0, 1.0], [2.0, 0.0]])
    for found in (mg.nonzero(Tensor(x)), mg.nonzero(x)):
        assert [np.asarray(positions).tolist() for positions in found] == [[0, 1], [1, 0]]
    with pytest.raises(ShapeError, match="without dimensions"):
        mg.nonzero(Tensor(1.0))


# ---- taking --------------------------------------------------------------------------------------------------

X = np.arange(24.0).reshape(2, 3, 4)


@pytest.mark.parametrize("axis", [0, 1, -1, -3])
@pytest.mark.parametrize("indices", [[0, 1, 0], [-1], [], np.array([[0, 1], [1, 1]]), 1, Tensor(np.array([1, 0]))])
def test_take_equals_numpys(axis, indices):
    plain = np.asarray(indices.numpy() if isinstance(indices, Tensor) else indices, int)
    np.testing.assert_array_equal(mg.take(Tensor(X), indices, axis=axis).numpy(), np.take(X, plain, axis))


def test_index_taken_twice_gets_both_gradients():
    x = variable([1.0, 2.0, 3.0])
    (mg.take(x, [2, 0, 2]) * np.array([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [10, 0, 101]


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_take_along_axis_equals_numpys(axis):
    indices = np.argsort(np.cos(X), axis=axis)
    np.testing.assert_array_equal(
        mg.take_along_axis(Tensor(X), indices, axis=axis).numpy(), np.take_along_axis(X, indices, axis)
    )


@pytest.mark.parametrize(("shape", "wanted"), [((2, 1, 4), (2, 3, 2)), ((2, 3, 4), (1, 3, 5)), ((2, 3, 4), (2, 1, 0))])
def test_take_along_axis_broadcasts(shape, wanted):
    x, indices = np.arange(np.prod(shape), dtype=float).reshape(shape), np.arange(np.prod(wanted)).reshape(wanted) % 4
    v = variable(x)
    out = mg.take_along_axis(v, indices, axis=-1)
    np.testing.assert_array_equal(out.numpy(), np.take_along_axis(x, indices, -1))
    out.sum().backward()
    assert v.grad.numpy().sum() == out.size


def test_misuse_of_indices_is_refused():
    x = Tensor(X)
    with pytest.raises(ShapeError, match="axis= is needed"):
        mg.take(x, [0])
    with pytest.raises(DTypeError, match="integers"):
        mg.take(x, [0.5], axis=0)
    with pytest.raises(DTypeError, match="not booleans"):
        mg.take(x, [True, False], axis=0)
    with pytest.raises(IndexError, match="out of bounds"):
        mg.take(x, [2], axis=0)
    with pytest.raises(ShapeError, match="3 dimensions, but the indices have 1"):
        mg.take_along_axis(x, [0])

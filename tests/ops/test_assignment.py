"""`x[index] = y` while recording: gradients flow to what is there in the end, and nothing recorded before changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import MutationError, ShapeError, Tensor
from minigrad.testing import check_grads
from minigrad.testing.strategies.array_op_calls import indices
from tests.helper import variable

X, Y = np.array([[0.3, 1.2, -0.7], [2.0, 0.4, 0.9]]), np.array([1.5, -0.2, 0.6])


def powers(y):
    """A library's way to fill an array it made itself."""
    out = mg.empty((4, *y.shape), dtype=y.dtype)
    out[0] = 1
    for n in range(1, 4):
        out[n] = out[n - 1] * y
    return out


def replaced_where_negative(x):
    x = mg.asarray(x, copy=True)
    x[x < 0] = mg.exp(x[x < 0])
    return x * x


def twice_the_same_place(y):
    out = mg.zeros(2, dtype=y.dtype)
    out[[0, 0, 1]] = y
    return out


def added_in_place(y):
    out = y * y
    out[1:] += y[:-1]
    out[0] *= 3
    return out


@pytest.mark.parametrize(
    ("function", "x"),
    [(powers, Y), (replaced_where_negative, X), (twice_the_same_place, Y), (added_in_place, Y)],
    ids=lambda case: getattr(case, "__name__", ""),
)
def test_function_that_writes_has_the_derivatives_of_what_it_computes(function, x):
    assert check_grads(function, x)


@given(st.data())
def test_values_are_those_of_numpy(data):
    array = np.arange(24.0).reshape(2, 3, 4)
    index = data.draw(indices(array.shape))
    y = np.arange(100.0, 100 + array[index].size).reshape(array[index].shape)
    x = variable(array) * 1
    x[index] = variable(y)
    array[index] = y
    np.testing.assert_array_equal(x.numpy(), array)


def test_what_was_recorded_before_keeps_its_gradient():
    x = variable([2.0, 3.0])
    y = x * x
    before = mg.exp(y)
    y[0] = 0
    (before + y).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [4 * np.exp(4), 6 * np.exp(9) + 6])


def test_constant_that_is_written_to_gets_the_history_of_what_is_written():
    x, c = variable([3.0]), mg.zeros(2, dtype="float64")
    c[0] = x[0] ** 2
    (5 * c).sum().backward()
    assert x.grad.tolist() == [30]


def test_other_dtype_is_converted_as_numpy_does_it():
    c = mg.zeros(2, dtype="float32")
    c[0] = variable(np.array(2.0)) * 1
    assert c.dtype == np.float32
    assert c.requires_grad


def test_integers_do_not_take_recorded_values():
    c = mg.zeros(2, dtype="int64")
    with pytest.raises(MutationError, match=r"Tensor of int64 would lose their history: convert it with \.astype"):
        c[0] = variable(1.5) * 2


@pytest.mark.parametrize("derivative", [mg.grad, lambda f: mg.grad(lambda x: mg.grad(f)(x).sum()), mg.hessian])
def test_argument_of_a_differentiated_function_is_not_written_to(derivative):
    def careless(x):
        x[0] = 1
        return (x * x).sum()

    with pytest.raises(MutationError, match=r"asarray\(x, copy=True\)"):
        derivative(careless)(Tensor(Y))


@pytest.mark.parametrize(
    "write",
    [
        lambda x: exec("x[0][1] = 2.0", {"x": x}),
        lambda x: exec("x.T[0] = 2.0", {"x": x}),
        lambda x: exec("x.reshape(-1)[:2] = 2.0", {"x": x}),
    ],
)
@pytest.mark.parametrize("make", [Tensor, lambda x: variable(x) * 1])
def test_write_that_would_be_lost_is_refused(make, write):
    x = make(X)
    with pytest.raises(MutationError, match=r"Write x\[0, 1\] = y in place of x\[0\]\[1\] = y"):
        write(x)
    np.testing.assert_array_equal(x.numpy(), X)


def test_write_to_what_somebody_holds_is_no_lost_one():
    class Holder:
        pass

    holder, x = Holder(), Tensor(X)
    holder.x = x
    for held in ([x], {0: x}, (x,)):
        held[0][1] = 7
    holder.x[0, 0] = 8
    assert x.tolist() == [[8, 1.2, -0.7], [7, 7, 7]]
    holder.x = Tensor(X)  # nobody else holds it
    holder.x[0] = 1
    assert holder.x[0].tolist() == [1, 1, 1]


def test_results_are_not_written_to_without_recording():
    y = variable([1.0, 2.0]) * 2
    with pytest.raises(MutationError, match="where"), mg.no_grad():
        y[0] = 5


@pytest.mark.parametrize("make", [Tensor, lambda x: variable(x) * 1])
def test_rows_are_not_written_where_a_mask_holds(make):
    x = make(X)
    with pytest.raises(ShapeError, match=r"where a mask holds has one dimension or none, not \(2, 3\)"):
        x[x > -1] = X

"""Sharing and writing: no write, allowed or not, changes what a graph saved or what somebody else holds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad import MutationError, ShapeError, Tensor, no_grad
from tests.helper import variable

# ---- sharing: the memory guard -------------------------------------------------------------------------------


@given(hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=4), elements=st.floats(-9, 9)))
def test_later_write_to_the_source_does_not_reach_the_tensor(array):
    before = array.copy()
    for source in (array, array.T, array[::-1], Tensor(array)):
        t = Tensor(source)
        expected = np.array(t.data)
        array += 1
        np.testing.assert_array_equal(t.data, expected)
        array[...] = before


@pytest.mark.parametrize("read", [lambda t: t.data, lambda t: t.numpy(), np.asarray])
@pytest.mark.parametrize("make", [lambda: Tensor(np.ones(3)), lambda: Tensor(2.0), lambda: Tensor([1.0]) * 2])
def test_arrays_that_a_tensor_hands_out_are_read_only(read, make):
    array = read(make())
    assert isinstance(array, np.ndarray)
    with pytest.raises(ValueError, match="read-only"):
        array[...] = 0


def test_copy_of_the_values_is_the_callers_own():
    t = Tensor([1.0, 2.0])
    for mine in (t.numpy().copy(), np.array(t), np.array(t, copy=True)):
        mine[0] = 9
    assert t.tolist() == [1.0, 2.0]


def test_without_the_memory_guard_arrays_are_shared_and_writable():
    mg.memory_guard(False)
    array = np.ones(3)
    t = Tensor(array)
    array[0] = 5
    assert t.data is array
    mg.memory_guard(True)
    assert Tensor(array).data is not array


def test_data_assignment_leaves_the_old_array_to_its_holders():
    t = variable([1.0, 2.0])
    old = t.data
    t.data = [3, 4]
    assert old.tolist() == [1, 2]
    assert (t.tolist(), t.dtype) == ([3, 4], np.float64)


def test_data_assignment_takes_the_memory_that_nobody_else_holds():
    t = variable([1.0, 2.0])
    place = t._data.ctypes.data
    t.data = [3, 4]
    assert t._data.ctypes.data == place
    assert t.tolist() == [3, 4]


def test_data_assignment_copies():
    array = np.zeros(2)
    t = variable([1.0, 2.0])
    t.data = array
    array[0] = 7
    assert t.tolist() == [0, 0]


def test_data_assignment_keeps_the_shape():
    with pytest.raises(ShapeError, match=r"\(2,\).*\(3,\)"):
        variable([1.0, 2.0]).data = np.zeros(3)


def test_data_of_a_recorded_result_cannot_be_assigned():
    with pytest.raises(MutationError, match="detach"):
        (variable([1.0]) * 2).data = [1.0]


LAYOUTS = {
    "data = transposed": lambda p: setattr(p, "data", np.arange(6.0).reshape(3, 2).T),
    "data = fortran": lambda p: setattr(p, "data", np.asfortranarray(np.ones((2, 3)))),
    "data = broadcast": lambda p: setattr(p, "data", np.broadcast_to(1.0, (2, 3))),
    "view held outside": lambda p: p.data,
}


@pytest.mark.parametrize("prepare", LAYOUTS.values(), ids=LAYOUTS)
def test_writable_array_is_the_variables_own_and_contiguous(prepare):
    p = variable(np.ones((2, 3)))
    view = prepare(p)
    expected = p.numpy() + 1
    flat = p.writable().reshape(-1)
    flat += 1
    np.testing.assert_array_equal(p.numpy(), expected)
    assert view is None or (view == 1).all()


def test_writable_array_of_a_number_is_an_array():
    p = (Tensor(1.0) * 2).detach()  # NumPy gives a scalar here, which cannot be written to
    p.requires_grad = True
    p.writable()[...] = 5
    assert p.item() == 5


def test_writable_spares_what_a_graph_saved():
    w = variable([1.0, 2.0])
    loss = (w * w).sum()
    w.writable()[:] = 100
    loss.backward()
    assert w.grad.tolist() == [2, 4]


# ---- changing ------------------------------------------------------------------------------------------------


def test_elements_of_a_constant_can_be_replaced():
    t = Tensor([1.0, 2.0, 3.0])
    before = t.data
    t[1:] = 9
    t[Tensor(np.array([0]))] = Tensor([5.0])
    t[t > 8] += 1
    assert (t.tolist(), before.tolist()) == ([5, 10, 10], [1, 2, 3])
    number = Tensor(1.0) * 2
    number[...] = 7
    assert number.item() == 7


def test_elements_of_a_variable_can_be_replaced_under_no_grad_only():
    x = variable([1.0, 2.0])
    with pytest.raises(MutationError, match="no_grad"):
        x[0] = 5
    with no_grad():
        x[0] = 5
    assert (x.tolist(), x.requires_grad) == ([5, 2], True)


@pytest.mark.parametrize(
    "step", ["x += 1", "x -= 1", "x *= 2", "x /= 2", "x **= 2", "x //= 2", "x %= 2", "x @= np.eye(2)[::-1]"]
)
def test_in_place_operator_updates_a_variable_under_no_grad_only(step):
    x = variable([3.0, 5.0])
    expected = {"x": np.array([3.0, 5.0]), "np": np}
    exec(step.replace("@=", "= x @"), expected)
    names = {"x": x, "np": np}
    with pytest.raises(MutationError, match="no_grad"):
        exec(step, names)
    with no_grad():
        exec(step, names)
    assert names["x"] is x
    np.testing.assert_array_equal(x.numpy(), expected["x"])


def test_in_place_operator_on_a_result_makes_a_new_tensor():
    x = variable([1.0])
    y = first = x * 2
    y += 1
    y *= x
    y.sum().backward()
    assert (first.tolist(), y.tolist(), x.grad.tolist()) == ([2], [3], [5])


def test_in_place_operator_keeps_the_variables_dtype_and_shape():
    x = variable([1.0], np.float32)
    with no_grad():
        x += np.ones(1)
        with pytest.raises(ShapeError):
            x += np.ones(2)
    assert (x.dtype, x.tolist()) == (np.float32, [2])


def test_write_while_a_graph_is_alive_does_not_change_its_gradients():
    w = variable([1.0, 2.0])
    loss = (w * w).sum()
    with no_grad():
        w[0] = 50
        w *= 3
    w.data = [7, 7]
    loss.backward()
    assert w.grad.tolist() == [2, 4]


WRITES = {
    "data": lambda w: setattr(w, "data", [7.0]),
    "item": lambda w: w.__setitem__(0, 7.0),
    "in place": lambda w: w.__iadd__(1),
    "writable": lambda w: w.writable(),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_every_write_is_noticed_by_whoever_must_compute_again(write):
    w = variable([2.0])
    y = mg.checkpoint(lambda x: (w * x).sum(), variable([3.0]))
    with no_grad():
        write(w)
    with pytest.raises(MutationError, match="changed"):
        y.backward()

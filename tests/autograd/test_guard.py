"""What a Tensor hands out cannot be written to, says so, and is otherwise an array like any other."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg

SAYS_SO = "read-only because a live graph may need them"


@pytest.fixture
def values():
    """The guarded values of a variable."""
    return mg.Tensor([[3.0, 1.0], [2.0, 4.0]], requires_grad=True).numpy()


@pytest.mark.parametrize(
    "write",
    [
        lambda a: a.__setitem__(0, 1),
        lambda a: a[0].__setitem__(0, 1),
        lambda a: a.T.__setitem__((0, 0), 1),
        lambda a: a.__iadd__(1),
        lambda a: a.__imul__(2),
        lambda a: a.fill(0),
        lambda a: a.sort(),
        lambda a: a.put(0, 1),
    ],
)
def test_write_is_refused_with_the_reason_and_a_way_out(values, write):
    before = np.array(values)
    with pytest.raises(mg.MutationError, match=SAYS_SO) as raised:
        write(values)
    assert "t.numpy().copy()" in str(raised.value)
    np.testing.assert_array_equal(values, before)


def test_refusal_is_numpys_kind_of_error_too(values):
    with pytest.raises(ValueError, match="read-only"):
        values[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        np.add(values, 1, out=values)


def test_copies_and_results_are_plain_arrays_of_ones_own(values):
    for own in (values.copy(), values + 1, np.exp(values), values.sum(axis=0), values @ values, values.astype(float)):
        own[0] = 7
        assert (own[0] == 7).all()
    assert type(values.copy()) is type(values * 2) is np.ndarray


def test_it_behaves_and_looks_like_an_array(values):
    assert isinstance(values, np.ndarray)
    assert repr(values) == repr(np.array(values))
    assert values.argmax() == 3
    assert float(values.sum()) == 10
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(values)), values)
    np.testing.assert_array_equal(copy.deepcopy(values), values)


def test_gradients_are_those_of_the_recorded_values_whatever_was_tried():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    with pytest.raises(mg.MutationError):
        x.data[0] = 100
    with pytest.raises(mg.MutationError):
        x.data *= 3
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2, 4])


def test_guard_can_be_switched_off():
    x = mg.Tensor([1.0, 2.0])
    mg.memory_guard(False)
    x.data[0] = 5
    assert x.tolist() == [5, 2]
    assert type(x.data) is np.ndarray

"""Arrays become Tensors, and Tensors stay what they are."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import UsageError


def test_asarray_keeps_tensors_and_their_history() -> None:
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    assert mg.asarray(x) is x
    mg.asarray(x, np.float64).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1, 1]
    array = np.ones(2)
    made = mg.asarray(array)
    array[0] = 5
    assert made.tolist() == [1, 1]


def test_asarray_copies_when_asked_to() -> None:
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    y = mg.asarray(x, copy=True)
    assert y is not x
    (y * y).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [2, 4]
    z = mg.ones(2)
    copied = mg.asarray(z, copy=True)
    z[0] = 5.0
    assert copied.tolist() == [1, 1]


def test_asarray_refuses_a_copy_that_is_not_allowed() -> None:
    x = mg.ones(2)
    assert mg.asarray(x, copy=False) is x
    for obj, dtype in [(np.ones(2), None), ([1.0], None), (x, np.float64)]:
        with pytest.raises(UsageError, match="leave copy=False out"):
            mg.asarray(obj, dtype, copy=False)


def test_from_dlpack_copies_unless_memory_is_to_be_shared() -> None:
    array = np.ones(2)
    copied, shared = mg.from_dlpack(array), mg.from_dlpack(array, copy=False)
    array[0] = 5
    assert (copied.tolist(), shared.tolist()) == ([1, 1], [5, 1])
    x = mg.ones(2)
    assert np.shares_memory(mg.from_dlpack(x, copy=False).numpy(), x.numpy())

"""Devices and DLPack: memory is shared where the other side knows that it is read-only, and else copied."""

import numpy as np
import pytest

import minigrad
from minigrad import Tensor
from minigrad.errors import GraphError, UsageError


def test_dlpack_shares_memory_read_only():
    x = Tensor([1.0, 2.0])
    array = np.from_dlpack(x)
    assert not array.flags.writeable
    assert np.shares_memory(array, x.numpy())


def test_dlpack_copies_for_those_who_do_not_know_read_only_arrays():
    class Old:
        """Asks as libraries did before DLPack 1.0."""

        def __init__(self, x):
            self.x = x

        def __dlpack__(self, **_):
            return self.x.__dlpack__()

        def __dlpack_device__(self):
            return self.x.__dlpack_device__()

    x = Tensor([1.0, 2.0])
    array = np.from_dlpack(Old(x))
    assert array.tolist() == [1.0, 2.0]
    assert not np.shares_memory(array, x.numpy())
    with pytest.raises(BufferError, match="allow a copy"):
        x.__dlpack__(copy=False)


def test_dlpack_does_not_lose_history():
    with pytest.raises(GraphError, match=r"t\.detach\(\)"):
        np.from_dlpack(Tensor([1.0], requires_grad=True))


def test_to_device_gives_the_same_tensor():
    x = minigrad.ones(2)
    assert x.to_device("cpu") is x
    with pytest.raises(UsageError, match='only the device "cpu"'):
        x.to_device("gpu")

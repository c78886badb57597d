"""Devices and DLPack: memory is shared where the other side knows that it is read-only, and else copied."""

import numpy as np
import pytest

import minigrad
from minigrad import Tensor
from minigrad.errors import GraphError, UsageError


def test_dlpack_copies_since_others_write_to_what_they_get():
    x = Tensor([1.0, 2.0])
    array = np.from_dlpack(x)
    array[0] = 5.0
    assert x.tolist() == [1.0, 2.0]


def test_dlpack_shares_memory_read_only_when_asked_to():
    x = Tensor([1.0, 2.0])
    array = np.from_dlpack(x, copy=False)
    assert not array.flags.writeable
    assert np.shares_memory(array, x.numpy())
    with pytest.raises(BufferError, match="allow a copy"):
        x.__dlpack__(copy=False)


@pytest.mark.peer
def test_pytorch_cannot_write_to_a_tensor():
    torch = pytest.importorskip("torch")
    x = minigrad.ones(2)
    torch.from_dlpack(x)[0] = 5
    assert x.tolist() == [1.0, 1.0]


def test_dlpack_does_not_lose_history():
    with pytest.raises(GraphError, match=r"t\.detach\(\)"):
        np.from_dlpack(Tensor([1.0], requires_grad=True))


def test_to_device_gives_the_same_tensor():
    x = minigrad.ones(2)
    assert x.to_device("cpu") is x
    with pytest.raises(UsageError, match='only the device "cpu"'):
        x.to_device("gpu")

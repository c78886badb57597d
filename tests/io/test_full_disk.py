"""Writing that the operating system cuts off at any byte: told, nothing lost, nothing left behind."""

import os
import signal
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.errors import DataError
from minigrad.io import load, save

resource = pytest.importorskip("resource")


@contextmanager
def room_for(size):
    """No file of this process can grow beyond `size` bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, former)


@given(data=st.data())
def test_a_file_that_finds_no_room_from_some_byte_on_is_not_written_and_the_old_one_stays(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("full")
    path = folder / "x.safetensors"
    save(path, {"x": np.zeros(1000)})
    size = path.stat().st_size
    with (
        room_for(data.draw(st.integers(0, size - 1))),
        pytest.raises(DataError, match="File too large; the file that was there is unchanged"),
    ):
        save(path, {"x": np.ones(1000)})
    assert load(path)[0]["x"].sum() == 0
    assert os.listdir(folder) == [path.name]
    with room_for(size):
        save(path, {"x": np.ones(1000)})
    assert load(path)[0]["x"].sum() == 1000

"""Prefetching: the same batches in the same order, errors where they belong, and no thread left behind."""

import gc
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import nn
from minigrad.data import ArrayDataset, DataLoader, Dataset, Mixup
from minigrad.data.prefetch import THREAD_NAME, Prefetch
from minigrad.errors import DataError
from minigrad.training import evaluate


def noise(images, rng):
    return images + rng.random(images.shape)


def loader_of(prefetch, **settings):
    settings = {
        "batch_size": 4,
        "shuffle": True,
        "transform": noise,
        "batch_transform": Mixup(0.5, classes=18),
        **settings,
    }
    return DataLoader((np.arange(18.0), np.arange(18)), prefetch=prefetch, **settings)


def values(batches):
    return [tuple(tensor.data.tobytes() for tensor in batch) for batch in batches]


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith(THREAD_NAME)]


class Failing(Dataset):
    """Sample 11 cannot be read."""

    def __len__(self):
        return 18

    def __getitem__(self, index):
        if index == 11:
            raise OSError("cannot read")
        return float(index)


@given(prefetch=st.integers(1, 7), seed=st.integers(0, 99), shuffle=st.booleans(), drop_last=st.booleans())
def test_batches_are_bit_for_bit_those_without_a_thread(prefetch, seed, shuffle, drop_last):
    settings = {"seed": seed, "shuffle": shuffle, "drop_last": drop_last}
    plain, ahead = loader_of(0, **settings), loader_of(prefetch, **settings)
    for _ in range(2):
        assert values(ahead) == values(plain)
        assert ahead.state_dict() == plain.state_dict()
    assert threads() == []


@given(prefetch=st.integers(1, 4), skipped=st.integers(0, 12))
def test_a_state_saved_while_batches_wait_resumes_with_the_next_one_handed_out(prefetch, skipped):
    whole = loader_of(0, seed=1)
    expected = [batch for _ in range(3) for batch in values(whole)]
    loader, got = loader_of(prefetch, seed=1), []
    while len(got) < skipped:
        for batch in loader:
            got += values([batch])
            if len(got) == skipped:
                break
    resumed = loader_of(prefetch)
    resumed.load_state_dict(loader.state_dict())
    while len(got) < len(expected):
        got += values(resumed)
    assert got == expected


def test_restart_within_a_loop_ends_it_and_the_next_begins_anew():
    whole, loader, got = values(loader_of(0)), loader_of(3), []
    for batch in loader:
        got += values([batch])
        if len(got) == 2:
            loader.restart()
    assert got == whole[:2]
    assert values(loader) == whole
    assert threads() == []


def test_each_iterator_has_a_thread_of_its_own():
    whole, loader = values(loader_of(0)), loader_of(2)
    pairs = list(zip(loader, loader, strict=True))
    assert values(pair[0] for pair in pairs) == values(pair[1] for pair in pairs) == whole
    assert threads() == []


@pytest.mark.parametrize("prefetch", [0, 2])
def test_an_error_is_raised_at_its_batch_with_the_samples_number(prefetch):
    loader, got = DataLoader(Failing(), batch_size=4, prefetch=prefetch), []
    with pytest.raises(OSError, match="cannot read") as error:
        for (batch,) in loader:
            got += batch.data.tolist()
    assert got == [0, 1, 2, 3, 4, 5, 6, 7]
    assert error.value.__notes__ == [
        "while getting sample 11 of Failing",
        "in batch 2 of epoch 0 of the DataLoader: samples 8, 9, 10, 11",
    ]
    assert loader.state_dict() == {"seed": 0, "epoch": 0, "batch": 2, "samples": 8}
    assert threads() == []


def test_the_thread_works_while_a_batch_is_being_used():
    begun = threading.Event()

    def tell(images, rng):
        if images[0] == 4:
            begun.set()
        return images

    for _ in DataLoader(np.arange(8), batch_size=4, transform=tell, prefetch=1):
        assert begun.wait(timeout=60)


def test_no_more_batches_are_fetched_than_may_wait():
    fetched = []
    iterator = iter(DataLoader(np.arange(99), transform=lambda x, rng: fetched.append(0) or x, prefetch=3))
    next(iterator)
    for _ in range(20):
        time.sleep(0.005)
    assert len(fetched) <= 1 + 3
    iterator.close()


def test_leaving_early_ends_the_thread():
    for _ in loader_of(2):
        assert len(threads()) == 1
        break
    assert threads() == []


def test_a_forgotten_iterator_in_a_cycle_ends_its_thread_when_collected():
    cycle = [iter(loader_of(2))]
    next(cycle[0])
    cycle.append(cycle)
    assert len(threads()) == 1
    del cycle
    gc.collect()
    assert threads() == []


def test_collection_within_the_thread_itself_does_not_wait_for_itself():
    def collect(number):
        if number == 1:
            held.wait(timeout=60)
            gc.collect()
            collected.set()
        return number

    def forget():
        with Prefetch(collect, stop=9, ahead=2) as prefetch:
            yield prefetch(0)

    held, collected = threading.Event(), threading.Event()
    generator = forget()
    next(generator)
    cycle = [generator]
    cycle.append(cycle)
    gc.disable()
    try:
        del generator, cycle
        held.set()
        assert collected.wait(timeout=60)
    finally:
        gc.enable()
    for thread in threads():
        thread.join(timeout=60)
    assert threads() == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_gets_the_same_batches_from_a_thread_of_its_own():
    whole, loader = values(loader_of(0)), loader_of(2)
    iterator = iter(loader)
    first = values([next(iterator)])
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # nothing of pytest may run here
        ok = first + values(iterator) == whole
        os.write(writer, b"same" if ok else b"different")
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read() == b"same"
    os.waitpid(child, 0)
    assert first + values(iterator) == whole


def test_the_interpreter_ends_while_an_iteration_is_suspended():
    code = (
        "import numpy as np; from minigrad.data import DataLoader\n"
        "batches = iter(DataLoader(np.zeros((50, 9)), prefetch=3)); next(batches); print('end')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_a_negative_prefetch_is_explained():
    with pytest.raises(DataError) as error:
        DataLoader(ArrayDataset(np.zeros(3)), prefetch=-1)
    assert str(error.value) == (
        "DataLoader: prefetch must be an integer of at least 0, got -1. Use prefetch=2, or 0 for no thread."
    )


def test_an_evaluation_that_fails_ends_the_thread_and_leaves_the_loader_as_it_was():
    def loss(output, target):
        raise OSError("cannot compute")

    loader = DataLoader((np.zeros((18, 2), np.float32), np.zeros(18, int)), batch_size=4, prefetch=2)
    next(iter(loader))
    with pytest.raises(OSError, match="cannot compute") as error:
        evaluate(nn.Linear(2, 2), loader, loss)
    assert error.value.__traceback__ is not None  # which keeps all frames, and what they hold
    assert threads() == []
    assert loader.state_dict() == {"seed": 0, "epoch": 0, "batch": 1, "samples": 4}

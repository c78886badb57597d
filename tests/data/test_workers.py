"""Worker processes: the same batches whatever their number, errors with their reasons, and nothing left behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from copy import copy
from pathlib import Path

import numpy as np
import pytest

from minigrad.data import DataLoader, Dataset
from minigrad.data.skipping import skip
from minigrad.errors import DataError, MissingExtraError

pytestmark = [
    pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork"),
    # Python 3.12 and later: threads of other tests may still be there, and what is forked here needs none of them.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]

METHODS = ["fork", "forkserver", "spawn"]


class Trouble(Dataset):
    """Numbers of which one sample makes trouble."""

    def __init__(self, trouble="none", at=30):
        self.trouble, self.at = trouble, at

    def __len__(self):
        return 50

    def batch(self, indices, rng):
        if self.at in indices:
            if self.trouble == "raise":
                raise KeyError("no such number")
            if self.trouble == "extra":
                raise MissingExtraError("Pillow", extra="data", purpose="reading")
            if self.trouble == "kill" and multiprocessing.parent_process():
                os.kill(os.getpid(), signal.SIGKILL)
            if self.trouble == "hang":
                time.sleep(60)
            if self.trouble == "skip":
                skip("number 30 is broken")
                indices = indices[indices != self.at]
        large = (4, 10_000) if self.trouble == "large" and self.at in indices else (1, 2)
        return np.full((len(indices), *large), 1.0) * indices[:, None, None] + rng.random(), indices


def segments():
    """The shared memory of Python's programs."""
    return {path.name for path in Path("/dev/shm").glob("psm_*")}


@pytest.fixture(autouse=True)
def _nothing_is_left():
    before = segments()
    yield
    assert segments() <= before
    assert [p for p in multiprocessing.active_children() if p.name.startswith("minigrad")] == []


def values(loader):
    return [tuple(part.data.tolist() for part in batch) for batch in loader]


def fast(trouble="none", workers=2, **settings):
    settings = {"batch_size": 4, "start_method": "fork", **settings}
    return DataLoader(Trouble(trouble), workers=workers, **settings)


@pytest.mark.parametrize("trouble", ["none", "large"])
def test_batches_do_not_depend_on_the_number_of_workers(trouble):
    expected = values(fast(trouble, workers=0, shuffle=True))
    for workers in (1, 3):
        assert values(fast(trouble, workers=workers, shuffle=True)) == expected
    loader = fast(trouble, shuffle=True)
    loader.load_state_dict({"seed": 0, "epoch": 0, "batch": 9})
    assert values(loader) == expected[9:]
    whole = fast(trouble, workers=0, shuffle=True)
    assert values(whole) != values(whole) == values(loader)  # the next epoch


@pytest.mark.parametrize("method", METHODS[1:])
def test_every_way_to_start_gives_the_same(method):
    assert values(fast(start_method=method, workers=1)) == values(fast(workers=0))


def test_what_a_worker_raises_is_raised_where_its_batch_is_asked_for():
    batches = iter(fast("raise"))
    assert len([next(batches) for _ in range(7)]) == 7
    with pytest.raises(KeyError, match="no such number") as caught:
        next(batches)
    assert "in batch 7 of epoch 0" in caught.value.__notes__[0]
    assert "in a worker process" in caught.value.__notes__[-1]
    with pytest.raises(DataError, match=r"(?s)a worker process of the DataLoader failed.*reading needs Pillow"):
        values(fast("extra"))


def test_a_worker_that_dies_or_hangs_is_told():
    with pytest.raises(DataError, match=r"worker process \d+ has ended \(SIGKILL: perhaps .*while it made batch 7"):
        values(fast("kill"))
    with pytest.raises(DataError, match=r"worker process \d+ has not made batch 7 in 0\.5 s"):
        values(fast("hang", timeout=0.5))


def test_what_is_skipped_in_a_worker_is_counted_here():
    loader = fast("skip")
    with pytest.warns(UserWarning, match="1 sample was left out: number 30 is broken"):
        assert [n for _, numbers in values(loader) for n in numbers] == [n for n in range(50) if n != 30]
    assert loader.skipped.count == 1


def test_an_iteration_that_is_left_early_ends_its_processes():
    for k, _ in enumerate(fast()):
        if k == 2:
            break
    iterator = iter(fast())
    next(iterator)
    del iterator


def test_what_cannot_be_sent_is_told_and_so_is_a_wrong_setting():
    with pytest.raises(DataError, match="cannot be sent to a worker process"):
        next(iter(DataLoader(np.zeros(9), workers=1, transform=lambda x, rng: x, start_method="forkserver")))
    with pytest.raises(DataError, match="start_method must be fork or"):
        next(iter(fast(start_method="thread")))
    with pytest.raises(DataError, match="workers must be an integer of at least 0"):
        fast(workers=-1)


SCRIPT = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored in what runs in the background
sys.path.insert(0, {root!r})
from minigrad.data import DataLoader
from tests.data.test_workers import Trouble
if __name__ == "__main__":
    for k, _ in enumerate(DataLoader(Trouble("hang", at=49), 4, workers=2, start_method="fork")):
        if k == 11:  # the next batch never comes
            print("running", flush=True)
"""


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill"])
def test_when_the_program_ends_its_workers_end_and_the_memory_is_given_back(end):
    code = SCRIPT.format(root=str(Path(__file__).parents[2]))
    program = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    assert program.stdout.readline() == b"running\n"
    (os.killpg if end == signal.SIGINT else os.kill)(program.pid, end)
    _, errors = program.communicate(timeout=30)  # which ends when all processes have closed the pipe
    if end == signal.SIGINT:
        assert errors.count(b"KeyboardInterrupt") == 1
        assert b"leaked" not in errors


# ---- processes that stay ---------------------------------------------------------------------------------------------


def pids():
    """The processes that are kept."""
    return sorted(p.pid for p in multiprocessing.active_children() if p.name.startswith("minigrad"))


@pytest.mark.parametrize("method", METHODS[:2])
def test_processes_stay_and_make_the_batches_of_the_next_epoch(method):
    loader = DataLoader(Trouble(), 8, True, workers=2, persistent_workers=True, start_method=method)
    expected = DataLoader(Trouble(), 8, True)
    assert values(loader) == values(expected)
    before = pids()
    assert len(before) == 2
    next(iter(loader))  # a look, and then a pass that is left early, with batches under way
    for k, _ in enumerate(loader):
        if k == 1:
            break
    for k, _ in enumerate(expected):
        if k == 1:
            break
    for _ in range(2):
        assert values(loader) == values(expected)
    assert pids() == before
    loader.close()
    assert pids() == []
    assert values(loader) == values(expected)  # by others
    loader.close()


def test_two_passes_at_once_have_their_own_processes_and_copies_share_theirs():
    loader = DataLoader(Trouble(), 8, workers=1, persistent_workers=True, start_method="fork")
    first = iter(loader)
    one = next(first)
    assert next(iter([batch[-1].tolist() for batch in loader])) == one[-1].tolist()
    assert len(list(first)) == 6
    before = pids()
    other = copy(loader)
    assert len(list(other)) == 7
    assert pids() == before
    del loader, other, first
    assert pids() == []  # nobody knows them any more


def test_after_a_death_there_are_new_processes():
    loader = DataLoader(Trouble("kill"), 8, workers=2, persistent_workers=True, start_method="fork")
    with pytest.raises(DataError, match="has ended"):
        values(loader)
    loader.dataset.trouble = "none"
    loader.restart()
    assert len(values(loader)) == 7
    loader.dataset.trouble = "raise"  # which the processes do not know
    assert len(values(loader)) == 7
    loader.close()
    with pytest.raises(KeyError, match="no such number"):
        values(loader)
    loader.close()

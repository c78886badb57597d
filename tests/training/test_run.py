"""A run's folder under bad conditions: a second process, a full disk, flipped bits, states that do not fit."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import nn, optim, rng
from minigrad.data import DataLoader
from minigrad.errors import DataError, NonFiniteError, StateError, UsageError
from minigrad.functional import cross_entropy
from minigrad.training import Callback, EarlyStopping, Run, SaveBest, fit, load_checkpoint
from tests.io.full_disk import room_for

X, Y = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32), np.arange(12) % 4


class StopAt(Callback):
    def __init__(self, step):
        self.step = step

    def on_step(self, training):
        if training.step == self.step:
            training.stop()


def make(seed=0, shared=False, hidden=5):
    """A model whose modules draw from generators of their own; two of them from one, perhaps the default one."""
    rng.seed(seed)
    own, other = np.random.default_rng(seed + 1), np.random.Generator(np.random.MT19937(seed + 2))
    own = rng.default_rng() if shared else own
    drop = [nn.Dropout(0.2, rng=own), nn.Dropout(0.2, rng=own), nn.Dropout(0.2, rng=other), nn.Dropout(0.2)]
    return nn.Sequential(nn.Linear(3, hidden), *drop, nn.Linear(hidden, 4))


def train(run, *callbacks, model=None, optimizer=optim.Adam, epochs=3, batch_size=4, **settings):
    model = model or make()
    loader = DataLoader((X, Y), batch_size=batch_size, shuffle=True)
    fit(
        model, loader, loss=settings.pop("loss", cross_entropy), optimizer=optimizer(model.parameters(), lr=0.1),
        epochs=epochs, callbacks=[run, *callbacks], **settings,
    )  # fmt: skip
    return {name: array.copy() for name, array in model.state_dict().items()}


def checkpoint_of(run):
    return load_checkpoint(run.folder / "checkpoint.safetensors")


# ---- what belongs to the state ---------------------------------------------------------------------------------


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("step", [1, 3, 4, 8])
def test_the_modules_own_generators_go_on_where_they_stood(tmp_path, step, shared):
    expected = train(Run.create(tmp_path / "straight", {}), model=make(shared=shared))
    train(Run.create(tmp_path / "run", {}), StopAt(step), model=make(shared=shared))
    resumed = train(Run.open(tmp_path / "run"), model=make(seed=77, shared=shared))
    for name, array in expected.items():
        np.testing.assert_array_equal(resumed[name], array)


def test_all_that_does_not_fit_is_told_at_once_and_nothing_is_changed(tmp_path):
    train(Run.create(tmp_path / "run", {}), StopAt(5))
    rng.seed(5)
    model = nn.Sequential(nn.Linear(3, 6), nn.Dropout(0.2, rng=np.random.default_rng(0)), nn.Linear(6, 4))
    before = {name: array.copy() for name, array in model.state_dict().items()}
    state = rng.rng_state()
    with pytest.raises(StateError, match=r"checkpoint.safetensors does not fit this training") as error:
        train(Run.open(tmp_path / "run"), model=model, optimizer=optim.SGD, batch_size=12)
    for problem in (
        "shape: 0.weight is (6, 3) here and (5, 3) in the state",
        "it is the state of Adam, not of SGD",
        "batch must be at most 1, the batches of an epoch, got 2",
        "the random generators here are default, model.1.rng, and in the state default, model.1.rng, model.3.rng",
    ):
        assert problem in str(error.value)
    for name, array in before.items():
        np.testing.assert_array_equal(model.state_dict()[name], array)
    assert rng.rng_state() == state


def test_a_generator_of_another_kind_is_told(tmp_path):
    train(
        Run.create(tmp_path / "run", {}), StopAt(1), model=nn.Sequential(nn.Linear(3, 4), nn.Dropout(rng=generator(1)))
    )
    other = nn.Sequential(nn.Linear(3, 4), nn.Dropout(rng=np.random.Generator(np.random.SFC64(1))))
    with pytest.raises(StateError, match=r"the random generator model.1.rng is a SFC64 here, and a PCG64 in the state"):
        train(Run.open(tmp_path / "run"), model=other)


def generator(seed):
    return np.random.default_rng(seed)


def test_of_two_callbacks_of_one_kind_each_gets_its_own_state_back(tmp_path):
    def callbacks():
        return EarlyStopping("loss", "min", patience=9), EarlyStopping("loss", "max", patience=9)

    straight, first, second = callbacks(), callbacks(), callbacks()
    train(Run.create(tmp_path / "straight", {}), *straight)
    train(Run.create(tmp_path / "run", {}), *first, StopAt(7))
    train(Run.open(tmp_path / "run"), *second)
    assert [(callback.best, callback.best_epoch) for callback in second] == [(w.best, w.best_epoch) for w in straight]
    assert second[0].best != second[1].best


def test_a_state_that_a_callback_does_not_take_is_told(tmp_path):
    class Counts(Callback):
        def state_dict(self):
            return {"count": 1}

    train(Run.create(tmp_path / "run", {}), Counts(), StopAt(1))
    with pytest.raises(StateError, match="Counts keeps no state, got count"):
        train(Run.open(tmp_path / "run"), Counts())


def test_a_callback_that_is_new_begins_anew(tmp_path):
    train(Run.create(tmp_path / "run", {}), StopAt(5))
    callback = EarlyStopping("loss")
    train(Run.open(tmp_path / "run"), callback)
    assert callback.best_epoch in (2, 3)


# ---- damage ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    run = Run.create(tmp_path_factory.mktemp("saved") / "run", {"lr": 0.1})
    train(run, StopAt(5))
    return run


@given(data=st.data())
def test_a_flipped_bit_is_noticed_or_changes_nothing(tmp_path_factory, saved, data):
    content = bytearray((saved.folder / "checkpoint.safetensors").read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path_factory.getbasetemp() / "flipped.safetensors"
    path.write_bytes(content)
    try:
        flipped = load_checkpoint(path)
    except StateError:
        return
    assert flipped.metadata == checkpoint_of(saved).metadata
    assert flipped.arrays.keys() == checkpoint_of(saved).arrays.keys()
    for name, array in checkpoint_of(saved).arrays.items():
        assert (flipped.arrays[name].dtype, flipped.arrays[name].tobytes()) == (array.dtype, array.tobytes())


def test_a_flipped_bit_in_a_weight_is_told_as_damage(tmp_path, saved):
    content = bytearray((saved.folder / "checkpoint.safetensors").read_bytes())
    content[-10] ^= 1
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(StateError, match="x is damaged: its content does not have the checksum"):
        load_checkpoint(tmp_path / "x")


# ---- two processes ---------------------------------------------------------------------------------------------

HOLD = """
import sys, time
from minigrad.io import FileLock
FileLock(sys.argv[1]).acquire()
print("held", flush=True)
time.sleep(100)
"""


def test_a_second_process_is_kept_out_of_the_folder_until_the_first_is_dead(tmp_path):
    train(Run.create(tmp_path / "run", {}), StopAt(2))
    files = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run" / ".lock")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(UsageError, match=rf"run is in use by process {process.pid}: wait for it, or end it"):
            train(Run.open(tmp_path / "run"))
        assert {name: (tmp_path / "run" / name).read_bytes() for name in files} == files
        process.kill()
        process.wait()
        train(Run.open(tmp_path / "run"))
        assert checkpoint_of(Run.open(tmp_path / "run")).epoch == 3
        assert not (tmp_path / "run" / ".lock").exists()
    finally:
        process.kill()
        process.communicate()


def test_a_run_opened_before_another_process_went_on_with_it_begins_where_that_one_ended(tmp_path):
    train(Run.create(tmp_path / "run", {}), StopAt(2))
    early = Run.open(tmp_path / "run")
    train(Run.open(tmp_path / "run"))
    steps = []

    class Count(Callback):
        def on_step(self, training):
            steps.append(training.step)

    train(early, Count())
    assert steps == []


def test_of_two_new_runs_in_one_folder_the_second_is_refused(tmp_path):
    first, second = Run.create(tmp_path / "run", {}), Run(tmp_path / "run", {})
    train(first, StopAt(1))
    with pytest.raises(UsageError, match="a run has begun in"):
        train(second)
    assert checkpoint_of(first).metadata["step"] == 1


def test_the_folder_is_free_again_after_a_failure(tmp_path):
    class Fail(Callback):
        def on_step(self, training):
            raise KeyError

    with pytest.raises(KeyError):
        train(Run.create(tmp_path / "run", {}), Fail())
    train(Run.open(tmp_path / "run"))


def test_a_loss_that_is_no_number_leaves_the_last_good_checkpoint(tmp_path):
    def loss(output, target):
        calls.append(None)
        return cross_entropy(output, target) * (np.nan if len(calls) == 5 else 1.0)

    calls = []
    with pytest.raises(NonFiniteError, match="in epoch 2, at step 5"):
        train(Run.create(tmp_path / "run", {}), loss=loss)
    assert checkpoint_of(Run.open(tmp_path / "run")).epoch == 1
    expected, found = train(Run.create(tmp_path / "straight", {})), train(Run.open(tmp_path / "run"))
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


# ---- what a killed process leaves ------------------------------------------------------------------------------


def test_a_run_killed_before_its_first_checkpoint_goes_on_at_its_beginning(tmp_path):
    expected = train(Run.create(tmp_path / "straight", {"lr": 1}))
    Run.create(tmp_path / "run", {"lr": 1})
    run = Run.open(tmp_path / "run")
    assert (run.settings, run.checkpoint) == ({"lr": 1}, None)
    found = train(run)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


def test_settings_changed_at_resuming_are_kept_even_if_it_is_killed_in_its_first_step(tmp_path):
    class Kill(Callback):
        def on_gradients(self, training):
            raise KeyboardInterrupt

    train(Run.create(tmp_path / "run", {"epochs": 3}))
    run = Run.open(tmp_path / "run")
    run.settings["epochs"] = 4
    with pytest.raises(KeyboardInterrupt):
        train(run, Kill(), epochs=4)
    assert Run.open(tmp_path / "run").settings == {"epochs": 4}
    assert json.loads((tmp_path / "run" / "settings.json").read_text()) == {"epochs": 4}
    assert checkpoint_of(run).epoch == 3


def test_a_folder_with_nothing_but_what_was_being_written_is_empty(tmp_path):
    (tmp_path / ".settings.json.0123abcd.tmp").write_text("{")
    (tmp_path / ".lock").write_text("")
    run = Run.create(tmp_path, {})
    train(run)
    assert sorted(os.listdir(tmp_path)) == ["checkpoint.safetensors", "history.jsonl", "settings.json"]


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_damaged_settings_of_a_run_that_never_began_are_told(tmp_path, content):
    (tmp_path / "settings.json").write_text(content)
    with pytest.raises(StateError, match=r"settings.json"):
        Run.open(tmp_path)


# ---- a full disk -----------------------------------------------------------------------------------------------


@given(room=st.integers(0, 4000))
def test_where_the_disk_becomes_full_what_was_saved_stays_and_the_run_goes_on_later(tmp_path_factory, room):
    folder = tmp_path_factory.mktemp("full")
    expected = train(Run.create(folder / "straight", {}))
    train(Run.create(folder / "run", {}), StopAt(4))
    with room_for(room), pytest.raises(DataError, match=r"cannot write .*: File too large"):
        train(Run.open(folder / "run"), SaveBest(folder / "best", "loss"))
    assert checkpoint_of(Run.open(folder / "run")).metadata["step"] >= 4
    assert [name for name in os.listdir(folder / "run") if name.endswith(".tmp")] == []
    found = train(Run.open(folder / "run"))
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
    lines = (folder / "run" / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3]


@contextmanager
def bound_by_permissions():
    """The superuser is not: it becomes nobody for a moment."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_folder_that_cannot_be_written_to_is_told(tmp_path):
    train(Run.create(tmp_path / "run", {}), StopAt(2))
    run = Run.open(tmp_path / "run")
    (tmp_path / "run").chmod(0o500)
    try:
        with bound_by_permissions(), pytest.raises(DataError, match=r"cannot lock .*run: Permission denied"):
            train(run)
    finally:
        (tmp_path / "run").chmod(0o700)
    train(run)


def test_a_folder_that_has_gone_is_told(tmp_path):
    run = Run.create(tmp_path / "run", {})
    (tmp_path / "run" / "settings.json").unlink()
    (tmp_path / "run").rmdir()
    with pytest.raises(DataError, match=r"cannot lock .*run: No such file or directory"):
        train(run)

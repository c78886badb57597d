"""Callbacks that watch a number: when they stop, what they keep, and that a resumed training does the same."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import nn, optim
from minigrad.data import DataLoader
from minigrad.errors import DataError, UsageError
from minigrad.functional import cross_entropy
from minigrad.training import Callback, EarlyStopping, Run, SaveBest, fit, load_checkpoint

X, Y = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32), np.arange(8) % 3


class Script(Callback):
    """Writes given values into the history, and the number of the epoch into the weights."""

    def __init__(self, values, stop_at=None):
        self.values, self.stop_at = values, stop_at

    def on_epoch(self, training):
        training.history.last["value"] = self.values[training.epoch - 1]
        training.model.bias.data = np.full(3, training.epoch, np.float32)
        if training.epoch == self.stop_at:
            training.stop()


def train(values, *callbacks, before=(), stop_at=None):
    model = nn.Linear(3, 3)
    callbacks = [*before, Script(values, stop_at), *callbacks]
    history = fit(
        model, DataLoader((X, Y), batch_size=4), loss=cross_entropy, optimizer=optim.SGD(model.parameters(), lr=0.0),
        epochs=len(values), callbacks=callbacks,
    )  # fmt: skip
    return int(model.bias.data[0]), len(history)


def end_of(values, patience, min_delta, sign):
    """The best epoch and the last one, by the definition; both counted from 1."""
    best, best_epoch = None, 0
    for epoch, value in enumerate(values, 1):
        if math.isfinite(value) and (best is None or sign * (value - best) > min_delta):
            best, best_epoch = value, epoch
        elif epoch - best_epoch >= patience:
            return best_epoch, epoch
    return best_epoch, len(values)


values = st.lists(st.sampled_from([0.0, 1.0, 1.5, 2.0, 3.0, math.nan]), min_size=1, max_size=12)


@given(values, st.integers(1, 4), st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from(["min", "max"]))
def test_it_stops_after_patience_epochs_without_progress_with_the_weights_of_the_best(values, patience, delta, mode):
    best, last = end_of(values, patience, delta, -1 if mode == "min" else 1)
    stopping = EarlyStopping("value", mode, patience, delta)
    assert train(values, stopping) == (best or last, last)
    assert stopping.best_epoch == best
    assert train(values, EarlyStopping("value", mode, patience, delta, restore_best=False)) == (last, last)


@pytest.mark.parametrize("interrupted_at", [1, 2, 3, 4, 5])
def test_a_resumed_training_stops_when_the_other_does_and_stays_stopped(tmp_path, interrupted_at):
    values = [3.0, 1.0, 2.0, 2.0, 2.0, 0.0, 0.0]
    train(values, EarlyStopping("value", "min", 3), before=[Run.create(tmp_path / "run", {})], stop_at=interrupted_at)
    for _ in range(2):
        assert train(values, EarlyStopping("value", "min", 3), before=[Run.open(tmp_path / "run")]) == (2, 5)
    assert load_checkpoint(tmp_path / "run" / "checkpoint.safetensors").model["bias"][0] == 5  # to go on from


def test_a_failed_training_is_left_as_it_is():
    class Fail(Callback):
        def on_step(self, training):
            if training.epoch == 2:
                self.model = training.model
                raise KeyError

    fail = Fail()
    with pytest.raises(KeyError):
        train([1.0, 2.0, 3.0], EarlyStopping("value", "min"), fail)
    assert fail.model.bias.data[0] == 2


@given(values, st.sampled_from(["min", "max"]))
def test_the_best_checkpoint_is_that_of_the_best_epoch(tmp_path_factory, values, mode):
    path = tmp_path_factory.getbasetemp() / "best.safetensors"
    path.unlink(missing_ok=True)
    train(values, SaveBest(path, "value", mode, settings={"lr": 1}))
    best, _ = end_of(values, math.inf, 0.0, -1 if mode == "min" else 1)
    assert path.exists() == (best > 0)
    if best:
        checkpoint = load_checkpoint(path)
        assert (checkpoint.epoch, checkpoint.settings) == (best, {"lr": 1})


def test_a_best_checkpoint_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(DataError, match=r"cannot write .*none/best: No such file or directory"):
        train([1.0], SaveBest(tmp_path / "none" / "best", "value"))


@pytest.mark.parametrize(
    ("monitor", "less"),
    [("test_loss", True), ("loss", True), ("test_mse", True), ("mae", True), ("test_accuracy", False), ("f1", False)],
)
def test_whether_less_is_better_follows_from_the_name_unless_it_is_said(monitor, less):
    for mode, expected in (("auto", less), ("min", True), ("max", False)):
        watch = EarlyStopping(monitor, mode)
        assert watch.improved({monitor: 1.0, "epoch": 1})
        assert watch.improved({monitor: 0.0, "epoch": 2}) == expected


@pytest.mark.parametrize("record", [{"epoch": 1, "loss": 2.0}, {"epoch": 1, "loss": 2.0, "value": [1.0]}])
def test_an_entry_that_is_missing_or_no_number_is_told_with_those_that_there_are(record):
    with pytest.raises(UsageError, match="EarlyStopping: no number is called 'value'; there are epoch, loss"):
        EarlyStopping("value").improved(record)


@pytest.mark.parametrize("settings", [{"mode": "best"}, {"min_delta": -1.0}, {"patience": 0}, {"patience": 1.5}])
def test_settings_out_of_range_are_refused_by_name(settings):
    with pytest.raises(UsageError, match=f"EarlyStopping: {next(iter(settings))}"):
        EarlyStopping(**settings)

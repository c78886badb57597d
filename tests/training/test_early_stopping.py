"""Early stopping: when training stops, with which weights, and that a resumed run does the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.errors import UsageError
from minigrad.training import Callback, EarlyStopping, Run, load_checkpoint
from tests.training.scripted_metric import end_of, train, values


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


@pytest.mark.parametrize("settings", [{"mode": "best"}, {"min_delta": -1.0}, {"patience": 0}, {"patience": 1.5}])
def test_settings_out_of_range_are_refused_by_name(settings):
    with pytest.raises(UsageError, match=f"EarlyStopping: {next(iter(settings))}"):
        EarlyStopping(**settings)

"""Checkpoints: a training that was interrupted anywhere and resumed is, bit for bit, one that was not."""

import json

import numpy as np
import pytest

from minigrad import nn, optim, rng
from minigrad.data import DataLoader
from minigrad.errors import DataError, StateError, UsageError
from minigrad.functional import cross_entropy
from minigrad.io import load, save
from minigrad.io.nested import digest, unpack
from minigrad.optim.schedule import Cosine
from minigrad.training import Callback, Run, fit, latest_run_folder, load_checkpoint, new_run_folder

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(22, 3)).astype(np.float32), RNG.integers(0, 4, 22)
EPOCHS, STEPS = 4, 5  # of 5 samples, the last of 2


def noise(x, generator):
    return x + generator.normal(size=x.shape).astype(x.dtype)


class StopAt(Callback):
    def __init__(self, step, failing=False):
        self.step, self.failing = step, failing

    def on_step(self, training):
        if training.step == self.step:
            if self.failing:
                raise SystemExit
            training.stop()


def train(run, optimizer="sgd", callbacks=(), seed=0, hidden=8):
    """Everything random that there is: weights and dropout, order and noise."""
    rng.seed(seed)
    model = nn.Sequential(nn.Linear(3, hidden), nn.Tanh(), nn.Dropout(0.5), nn.Linear(hidden, 4))
    make = {"sgd": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=1e-3), "adam": optim.Adam}[optimizer]
    loader = DataLoader((X, Y), batch_size=5, shuffle=True, transform=noise, seed=seed)
    return fit(
        model, loader, loss=cross_entropy, optimizer=make(model.parameters()), epochs=EPOCHS,
        schedule=Cosine(warmup=0.2), test=(X, Y), callbacks=[run, *callbacks],
    )  # fmt: skip


def content(folder):
    """All that a run holds, but the time that it took."""
    checkpoint = load_checkpoint(folder / "checkpoint.safetensors")
    arrays = {name: (array.dtype, array.shape, array.tobytes()) for name, array in checkpoint.arrays.items()}
    facts = dict(checkpoint.metadata)
    facts["sums"] = {**unpack(facts["sums"], checkpoint.arrays), "seconds": 0}
    history = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    return arrays, facts, [{name: value for name, value in record.items() if name != "seconds"} for record in history]


@pytest.fixture(scope="module", params=["sgd", "adam"])
def straight(request, tmp_path_factory):
    """A training without interruption."""
    folder = tmp_path_factory.mktemp("straight")
    train(Run.create(folder, {}), request.param)
    return request.param, content(folder)


@pytest.mark.parametrize("step", [1, STEPS - 1, STEPS, STEPS + 1, 2 * STEPS + 3, EPOCHS * STEPS])
def test_stopped_and_resumed_equals_uninterrupted_bit_for_bit(tmp_path, straight, step):
    optimizer, expected = straight
    train(Run.create(tmp_path / "run", {}), optimizer, [StopAt(step)])
    assert load_checkpoint(tmp_path / "run" / "checkpoint.safetensors").metadata["step"] == step
    train(Run.open(tmp_path / "run"), optimizer, seed=99)
    assert content(tmp_path / "run") == expected


@pytest.mark.parametrize("step", [2, STEPS, 2 * STEPS + 3])
def test_killed_and_resumed_equals_uninterrupted_bit_for_bit(tmp_path, straight, step):
    optimizer, expected = straight
    with pytest.raises(SystemExit):
        train(Run.create(tmp_path / "run", {}), optimizer, [StopAt(step, failing=True)])
    assert load_checkpoint(tmp_path / "run" / "checkpoint.safetensors").epoch == (step - 1) // STEPS
    train(Run.open(tmp_path / "run"), optimizer, seed=99)
    assert content(tmp_path / "run") == expected


def test_killed_between_the_line_of_an_epoch_and_its_checkpoint_gives_the_line_once(tmp_path, straight, monkeypatch):
    optimizer, expected = straight
    run = Run.create(tmp_path / "run", {})
    save_checkpoint = run._save

    def save_until(training):
        if training.epoch == 2:
            raise SystemExit
        save_checkpoint(training)

    monkeypatch.setattr(run, "_save", save_until)
    with pytest.raises(SystemExit):
        train(run, optimizer)
    assert len((tmp_path / "run" / "history.jsonl").read_text().splitlines()) == 2
    train(Run.open(tmp_path / "run"), optimizer)
    assert content(tmp_path / "run") == expected


def test_stopped_many_times_equals_uninterrupted(tmp_path, straight):
    optimizer, expected = straight
    train(Run.create(tmp_path / "run", {}), optimizer, [StopAt(1)])
    for step in range(2, EPOCHS * STEPS + 1):
        train(Run.open(tmp_path / "run"), optimizer, [StopAt(step)])
    train(Run.open(tmp_path / "run"), optimizer)
    assert content(tmp_path / "run") == expected


def test_fit_returns_the_whole_history_also_when_resumed(tmp_path):
    train(Run.create(tmp_path / "run", {}), callbacks=[StopAt(2 * STEPS + 1)])
    assert train(Run.open(tmp_path / "run"))["epoch"] == [1, 2, 3, 4]


def test_resuming_a_finished_run_changes_nothing(tmp_path, straight):
    optimizer, expected = straight
    train(Run.create(tmp_path / "run", {}), optimizer)
    assert len(train(Run.open(tmp_path / "run"), optimizer)) == EPOCHS
    assert content(tmp_path / "run") == expected


# ---- the file --------------------------------------------------------------------------------------------------


def test_the_weights_alone_can_be_taken_over(tmp_path):
    train(Run.create(tmp_path / "run", {}), callbacks=[StopAt(1)])
    checkpoint = load_checkpoint(tmp_path / "run" / "checkpoint.safetensors")
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 4))
    model.load_state_dict(checkpoint.model)
    np.testing.assert_array_equal(model[0].weight.data, checkpoint.arrays["model/0.weight"])


def test_settings_come_back(tmp_path):
    train(Run.create(tmp_path / "run", {"lr": 0.1, "scale": [1, 2]}), callbacks=[StopAt(1)])
    assert Run.open(tmp_path / "run").settings == {"lr": 0.1, "scale": [1, 2]}
    assert json.loads((tmp_path / "run" / "settings.json").read_text()) == {"lr": 0.1, "scale": [1, 2]}


@pytest.mark.parametrize("change", [{"hidden": 9}, {"optimizer": "adam"}], ids=["model", "optimizer"])
def test_a_checkpoint_of_something_else_is_refused_by_its_path(tmp_path, change):
    train(Run.create(tmp_path / "run", {}), callbacks=[StopAt(1)])
    said = "0.weight is (9, 3) here and (8, 3)" if "hidden" in change else "it is the state of SGD, not of Adam"
    with pytest.raises(StateError, match=r"run/checkpoint.safetensors does not fit this training: ") as error:
        train(Run.open(tmp_path / "run"), **change)
    assert said in str(error.value)


def test_arrays_that_are_no_checkpoint_are_refused(tmp_path):
    save(tmp_path / "x", {"weight": np.zeros(3)})
    with pytest.raises(StateError, match="x holds arrays, but is no checkpoint"):
        load_checkpoint(tmp_path / "x")


def test_a_checkpoint_of_a_later_format_is_refused(tmp_path):
    save(tmp_path / "x", {}, {"training": '{"format": 99}'})
    with pytest.raises(StateError, match="format 99; this version of minigrad reads format 3"):
        load_checkpoint(tmp_path / "x")


def test_a_checkpoint_that_lacks_something_is_refused(tmp_path):
    train(Run.create(tmp_path / "run", {}), callbacks=[StopAt(1)])
    path = tmp_path / "run" / "checkpoint.safetensors"
    arrays, texts = load(path)
    for name in ("random", "loader", "sums", "step", "optimizer", "callbacks"):
        text = json.dumps({key: value for key, value in json.loads(texts["training"]).items() if key != name})
        save(path, arrays, {"training": text, "sha256": digest(arrays, text)})
        with pytest.raises(StateError, match="does not fit this training"):
            train(Run.open(tmp_path / "run"))


@pytest.mark.parametrize("change", [{"settings": None}, {"settings": 3}, {"epoch": "x"}, {"epoch": None}])
def test_a_checkpoint_that_does_not_tell_where_it_stands_is_refused_at_once(tmp_path, change):
    train(Run.create(tmp_path / "run", {}), callbacks=[StopAt(1)])
    path = tmp_path / "run" / "checkpoint.safetensors"
    arrays, texts = load(path)
    text = json.dumps({**json.loads(texts["training"]), **change})
    save(path, arrays, {"training": text, "sha256": digest(arrays, text)})
    with pytest.raises(StateError, match="is damaged: its epoch or its settings are missing"):
        load_checkpoint(path)
    save(path, arrays, {"training": "[1]", "sha256": digest(arrays, "[1]")})
    with pytest.raises(StateError, match="is no checkpoint of a training"):
        load_checkpoint(path)


# ---- the folder ------------------------------------------------------------------------------------------------


def test_a_new_run_can_be_resumed_before_its_first_step(tmp_path):
    class Stop(Callback):
        def on_begin(self, training):
            assert load_checkpoint(tmp_path / "run" / "checkpoint.safetensors").metadata["step"] == 0
            training.stop()

    train(Run.create(tmp_path / "run", {}), callbacks=[Stop()])
    assert len(train(Run.open(tmp_path / "run"))) == EPOCHS


def test_what_is_in_the_way_is_never_overwritten(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes").write_text("x")
    with pytest.raises(UsageError, match="file is a file"):
        Run.create(tmp_path / "file", {})
    with pytest.raises(UsageError, match="full exists and is not empty"):
        Run.create(tmp_path / "full", {})
    with pytest.raises(UsageError, match="cannot make the folder"):
        Run.create(tmp_path / "file" / "run", {})
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["notes"]


def test_new_folders_are_numbered_and_never_exist(tmp_path):
    names = []
    for _ in range(3):
        names.append(new_run_folder(tmp_path, "net").name)
        (tmp_path / names[-1]).mkdir()
    assert names == ["net", "net-2", "net-3"]


def test_the_latest_run_is_the_one_that_was_saved_last_and_has_this_very_name(tmp_path):
    for name in ("net", "net-3", "net-2", "net-original", "network"):
        Run.create(tmp_path / name, {})
        train(Run.create(tmp_path / name / "inner", {}), callbacks=[StopAt(1)])
        (tmp_path / name / "inner" / "checkpoint.safetensors").rename(tmp_path / name / "checkpoint.safetensors")
    (tmp_path / "net-9").mkdir()
    assert latest_run_folder(tmp_path, "net") == tmp_path / "net-2"
    assert latest_run_folder(tmp_path, "net-original") == tmp_path / "net-original"
    with pytest.raises(StateError, match="there is no run of other in"):
        latest_run_folder(tmp_path, "other")


def test_a_missing_or_damaged_run_is_told(tmp_path):
    with pytest.raises(StateError, match="there is no run folder"):
        Run.open(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StateError, match=r"there is no file .*empty/checkpoint.safetensors"):
        Run.open(tmp_path / "empty")
    run = Run.create(tmp_path / "run", {})
    (run.folder / "checkpoint.safetensors").write_bytes(b"noise")
    with pytest.raises(StateError, match="damaged"):
        Run.open(run.folder)


def test_when_saving_fails_the_former_checkpoint_stays(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    class DiskFull(Callback):
        def on_step(self, training):
            if training.step == STEPS:
                monkeypatch.setattr("os.fsync", full)

    with pytest.raises(DataError, match=r"history.jsonl: No space left on device"):
        train(Run.create(tmp_path / "run", {}), callbacks=[DiskFull()])
    assert load_checkpoint(tmp_path / "run" / "checkpoint.safetensors").epoch == 0

"""Callbacks that write down how a training goes."""

import csv
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from minigrad import nn, optim, rng
from minigrad.data import DataLoader
from minigrad.errors import DataError, MissingExtraError, UsageError
from minigrad.functional import cross_entropy
from minigrad.training import F1, Callback, GradientStatistics, History, Run, SaveCSV, TensorBoard, fit
from minigrad.training.record import write_csv

X, Y = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32), np.arange(12) % 4


class StopAt(Callback):
    def __init__(self, step):
        self.step = step

    def on_step(self, training):
        if training.step == self.step:
            training.stop()


def train(*callbacks, lr=0.1, **settings):
    rng.seed(0)
    model = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4))
    loader = DataLoader((X, Y), batch_size=4, shuffle=True)
    optimizer = optim.SGD(model.parameters(), lr=lr)
    return fit(model, loader, loss=cross_entropy, optimizer=optimizer, epochs=3, callbacks=callbacks, **settings)


def test_the_table_has_a_row_an_epoch_and_a_column_a_number(tmp_path):
    history = train(SaveCSV(tmp_path / "h.csv"), metrics=[F1(None)], test=(X, Y))
    with open(tmp_path / "h.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3]
    for row, record in zip(rows, history, strict=True):
        for name in ("loss", "lr", "test_accuracy"):
            assert float(row[name]) == record[name]
        assert [float(row[f"test_f1_of_classes.{i}"]) for i in range(4)] == record["test_f1_of_classes"]


def test_columns_that_come_later_and_values_that_need_quotes_are_kept(tmp_path):
    write_csv(tmp_path / "h.csv", History([{"epoch": 1, "a": None}, {"epoch": 2, "b": {"c": 'x,"y"\n'}}]))
    with open(tmp_path / "h.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [{"epoch": "1", "a": "", "b.c": ""}, {"epoch": "2", "a": "", "b.c": 'x,"y"\n'}]


def test_a_table_that_is_lost_is_complete_again_when_the_training_goes_on(tmp_path):
    train(Run.create(tmp_path / "run", {}), SaveCSV(tmp_path / "h.csv"))
    whole = (tmp_path / "h.csv").read_text()
    (tmp_path / "h.csv").unlink()
    train(Run.open(tmp_path / "run"), SaveCSV(tmp_path / "h.csv"))
    assert (tmp_path / "h.csv").read_text() == whole


def test_a_table_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(DataError, match=r"cannot write .*none/h.csv: No such file or directory"):
        train(SaveCSV(tmp_path / "none" / "h.csv"))


# ---- gradients -------------------------------------------------------------------------------------------------


class Judge(Callback):
    """Norms, zeros and updates of each step, by their definitions."""

    def __init__(self):
        self.found = []

    def on_gradients(self, training):
        self.before = {name: p.data.copy() for name, p in training.model.named_parameters()}

    def on_step(self, training):
        self.found.append({
            name: (
                np.linalg.norm(p.grad.data.astype(float)),
                np.mean(p.grad.data == 0),
                np.linalg.norm(p.data - self.before[name]) / np.linalg.norm(self.before[name]),
            )
            for name, p in training.model.named_parameters()
        })  # fmt: skip


@pytest.mark.parametrize("every", [1, 2, 3])
def test_statistics_are_means_over_the_steps_looked_at(every):
    judge = Judge()
    history = train(judge, GradientStatistics(every))
    for epoch, record in enumerate(history):
        steps = [judge.found[step - 1] for step in range(3 * epoch + 1, 3 * epoch + 4) if step % every == 0]
        assert list(record["gradients"]) == ["0.weight", "0.bias", "2.weight", "2.bias"]
        for name, found in record["gradients"].items():
            expected = np.mean([step[name] for step in steps], axis=0)
            assert [found["norm"], found["zeros"], found["update"]] == pytest.approx(expected, rel=1e-5)


def test_epochs_of_which_no_step_was_looked_at_have_no_statistics():
    assert ["gradients" in record for record in train(GradientStatistics(every=5))] == [False, True, False]


def test_a_layer_that_is_frozen_has_no_statistics_and_one_without_gradient_only_zeros():
    class Freeze(Callback):
        def on_begin(self, training):
            training.model[0].weight.requires_grad = False
            training.model[0].bias.data = np.full(5, -100, np.float32)  # no unit is ever active

    gradients = train(Freeze(), GradientStatistics()).last["gradients"]
    assert "0.weight" not in gradients
    assert gradients["0.bias"] == {"norm": 0, "zeros": 1, "update": 0}


def test_statistics_of_a_training_stopped_within_an_epoch_are_the_same(tmp_path):
    whole = train(GradientStatistics())
    train(Run.create(tmp_path / "run", {}), GradientStatistics(), StopAt(4))
    resumed = train(Run.open(tmp_path / "run"), GradientStatistics())
    assert resumed["gradients"] == whole["gradients"]
    lines = [json.loads(line) for line in (tmp_path / "run" / "history.jsonl").read_text().splitlines()]
    assert [line["gradients"] for line in lines] == whole["gradients"]


@pytest.mark.parametrize("every", [0, 1.5])
def test_every_is_a_positive_integer(every):
    with pytest.raises(UsageError, match="GradientStatistics: every must be an integer of at least 1"):
        GradientStatistics(every)


# ---- TensorBoard -----------------------------------------------------------------------------------------------


def test_tensorboard_gets_all_numbers_of_each_epoch(monkeypatch, tmp_path):
    class Writer:
        def __init__(self, folder):
            calls.append(folder)

        def add_scalar(self, tag, value, step):
            calls.append((tag, value, step))

        def flush(self):
            pass

        def close(self):
            calls.append("closed")

    calls = []
    monkeypatch.setitem(sys.modules, "tensorboardX", SimpleNamespace(SummaryWriter=Writer))
    history = train(TensorBoard(tmp_path), test=(X, Y), metrics=[F1(None)])
    assert (calls[0], calls[-1]) == (str(tmp_path), "closed")
    for epoch, record in enumerate(history, 1):
        assert ("loss/train", record["loss"], epoch) in calls
        assert ("loss/test", record["test_loss"], epoch) in calls
        assert ("f1_of_classes/2", record["f1_of_classes"][2], epoch) in calls


def test_without_a_writer_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(
        MissingExtraError, match=r'needs tensorboardX \(or PyTorch and tensorboard\): pip install "mini'
    ):
        TensorBoard(tmp_path)

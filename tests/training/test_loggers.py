"""Loggers: the table and TensorBoard get all numbers of each epoch."""

import csv
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from minigrad import nn, optim, rng
from minigrad.data import DataLoader
from minigrad.errors import DataError, MissingExtraError
from minigrad.functional import cross_entropy
from minigrad.training import F1, CSVLogger, History, Run, TensorBoard, fit
from minigrad.training.loggers import write_csv

X, Y = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32), np.arange(12) % 4


def train(*callbacks, lr=0.1, **settings):
    rng.seed(0)
    model = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4))
    loader = DataLoader((X, Y), batch_size=4, shuffle=True)
    optimizer = optim.SGD(model.parameters(), lr=lr)
    return fit(model, loader, loss=cross_entropy, optimizer=optimizer, epochs=3, callbacks=callbacks, **settings)


def test_the_table_has_a_row_an_epoch_and_a_column_a_number(tmp_path):
    history = train(CSVLogger(tmp_path / "h.csv"), metrics=[F1(None)], test=(X, Y))
    with open(tmp_path / "h.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3]
    for row, record in zip(rows, history, strict=True):
        for name in ("loss", "lr", "test_accuracy"):
            assert float(row[name]) == record[name]
        assert [float(row[f"test_f1_per_class.{i}"]) for i in range(4)] == record["test_f1_per_class"]


def test_columns_that_come_later_and_values_that_need_quotes_are_kept(tmp_path):
    write_csv(tmp_path / "h.csv", History([{"epoch": 1, "a": None}, {"epoch": 2, "b": {"c": 'x,"y"\n'}}]))
    with open(tmp_path / "h.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [{"epoch": "1", "a": "", "b.c": ""}, {"epoch": "2", "a": "", "b.c": 'x,"y"\n'}]


def test_a_table_that_is_lost_is_complete_again_when_the_training_goes_on(tmp_path):
    train(Run.create(tmp_path / "run", {}), CSVLogger(tmp_path / "h.csv"))
    whole = (tmp_path / "h.csv").read_text()
    (tmp_path / "h.csv").unlink()
    train(Run.open(tmp_path / "run"), CSVLogger(tmp_path / "h.csv"))
    assert (tmp_path / "h.csv").read_text() == whole


def test_a_table_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(DataError, match=r"cannot write .*none/h.csv: No such file or directory"):
        train(CSVLogger(tmp_path / "none" / "h.csv"))


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
        assert ("f1_per_class/2", record["f1_per_class"][2], epoch) in calls


def test_without_a_writer_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(
        MissingExtraError, match=r'needs tensorboardX \(or PyTorch and tensorboard\): pip install "mini'
    ):
        TensorBoard(tmp_path)

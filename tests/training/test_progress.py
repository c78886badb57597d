"""What is shown while a training runs."""

import io
import re
import time

import numpy as np
import pytest

from minigrad import nn, optim
from minigrad.data import DataLoader
from minigrad.functional import cross_entropy, mse_loss
from minigrad.kernels.jit import compilation_watchers
from minigrad.training import F1, Progress, accuracy, fit

X, Y = np.zeros((8, 3), np.float32), np.zeros(8, int)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def train(file, epochs=2, loss=cross_entropy, target=Y, **settings):
    model = nn.Linear(3, 3)
    return fit(
        model, DataLoader((X, target), batch_size=4), loss=loss, optimizer=optim.SGD(model.parameters(), lr=0.1),
        epochs=epochs, callbacks=[Progress(file)], **settings,
    )  # fmt: skip


def test_elsewhere_than_on_a_terminal_there_is_one_plain_line_an_epoch():
    file = io.StringIO()
    history = train(file, epochs=10, test=(X, Y))
    lines = file.getvalue().splitlines()
    assert len(lines) == 10
    assert "\x1b" not in file.getvalue()
    assert "\r" not in file.getvalue()
    for line, record in zip(lines, history, strict=True):
        pattern = r"epoch +(\d+)/10  loss (\S+)  accuracy +(\S+)%  test loss (\S+)  test accuracy +(\S+)%"
        shown = re.match(pattern + r"  [\d,]+ samples/s  \d+:\d\d left$", line).groups()
        assert int(shown[0]) == record["epoch"]
        assert float(shown[1]) == pytest.approx(record["loss"], abs=1e-4)
        assert float(shown[2]) == pytest.approx(100 * record["accuracy"], abs=1e-2)
        assert float(shown[3]) == pytest.approx(record["test_loss"], abs=1e-4)
        assert float(shown[4]) == pytest.approx(100 * record["test_accuracy"], abs=1e-2)


def test_what_is_not_measured_is_not_shown():
    file = io.StringIO()
    train(file, loss=mse_loss, target=X)
    assert "accuracy" not in file.getvalue()
    assert "test" not in file.getvalue()


def test_on_a_terminal_a_bar_moves_and_the_lines_stay(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("minigrad.training.progress.INTERVAL", 0.0)
    file = Terminal()
    train(file)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", file.getvalue())
    assert "━" in text
    assert len(re.findall(r"epoch \d/2  loss .* samples/s", text)) == 2


def test_a_terminal_without_rich_gets_plain_lines(monkeypatch):
    monkeypatch.setattr("minigrad.training.progress.find_spec", lambda name: None)
    file = Terminal()
    train(file)
    assert "\x1b" not in file.getvalue()
    assert len(file.getvalue().splitlines()) == 2


def test_lines_go_to_standard_output_unless_told_otherwise(capsys):
    train(None, epochs=1)
    assert capsys.readouterr().out.startswith("epoch 1/1  loss")


def test_metrics_that_are_one_number_are_shown_and_others_are_not():
    file = io.StringIO()
    history = train(file, epochs=1, test=(X, Y), metrics=[F1("micro"), F1(None), accuracy])
    line = file.getvalue()
    assert f"f1 micro {history.last['f1_micro']:.4g}  test f1 micro {history.last['test_f1_micro']:.4g}" in line
    assert "classes" not in line
    assert line.count("accuracy") == 2


@pytest.mark.parametrize("compiles", [True, False])
@pytest.mark.parametrize("make", [io.StringIO, Terminal])
def test_the_first_step_counts_neither_for_speed_nor_for_the_time_left_and_is_told_where_kernels_are_compiled(
    monkeypatch, make, compiles
):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("minigrad.training.progress.INTERVAL", 0.0)
    clock = [0.0]
    for module in ("progress", "loop"):
        monkeypatch.setattr(f"minigrad.training.{module}.perf_counter", lambda: clock[0])
    file = make()

    def loss(output, target):
        for watcher in compilation_watchers if compiles else ():
            watcher()
            if file.isatty():
                time.sleep(0.3)  # the bar is drawn eight times a second
        clock[0] += 20.0 if clock[0] == 0 else 2.0
        return cross_entropy(output, target)

    train(file, epochs=3, loss=loss)
    assert compilation_watchers == []
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", file.getvalue())
    assert ("compiling kernels (once)" in text) == compiles
    if not file.isatty():
        *told, first, second, third = text.splitlines()
        assert told == (["compiling kernels (once): first step in 20 s"] if compiles else [])
        assert [line.rsplit("  ", 2)[1:] for line in (first, second, third)] == [
            ["2 samples/s", "0:08 left"], ["2 samples/s", "0:04 left"], ["2 samples/s", "0:00 left"],
        ]  # fmt: skip


def test_a_training_that_fails_before_its_first_step_leaves_no_watcher():
    def loss(output, target):
        raise OSError("cannot compute")

    with pytest.raises(OSError, match="cannot compute"):
        train(io.StringIO(), loss=loss)
    assert compilation_watchers == []

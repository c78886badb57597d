"""What is seen of a long measurement: rows at once, the progress apart from them."""

import io
import re

import pytest

from tests.benchmarks.display import RowsAndProgress, header, rows

FIGURES = {
    "minigrad": {"ms": 3.0, "best_ms": 2.5, "peak_mb": 100.0, "steady_mb": 80.0, "steps": 40},
    "torch": {"ms": 2.0, "best_ms": 1.5, "peak_mb": 400.0, "steady_mb": 400.0, "steps": 41},
    "ratio": {"time": 1.5, "memory": 0.25, "steady": 0.2},
}


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_the_rows_of_a_network_are_there_as_soon_as_it_is_done_under_one_header():
    table, progress = io.StringIO(), io.StringIO()
    display = RowsAndProgress(2, table, progress)
    display.start("mlp", 1, 4)
    assert table.getvalue() == ""
    display.finish("mlp", FIGURES, 4)
    assert table.getvalue() == header() + "\n" + rows("mlp", FIGURES) + "\n"
    display.start("lenet5", 2, 4)
    display.finish("lenet5", FIGURES, 4)
    assert table.getvalue().count("ms a step") == 1
    assert table.getvalue().splitlines()[-1].split() == [
        "lenet5",
        "ratio",
        "to",
        "the",
        "best",
        "peer",
        "1.50",
        "0.25",
        "0.20",
    ]


def test_without_a_terminal_plain_lines_tell_now_and_then_how_far_it_is():
    clock, progress = Clock(), io.StringIO()
    display = RowsAndProgress(3, io.StringIO(), progress, clock)
    display.start("vgg16", 2, 40)
    for done in range(1, 6):
        clock.now += 4
        display.round(done)
    display.finish("vgg16", FIGURES, 40)
    assert progress.getvalue().splitlines() == ["vgg16 (2 of 3): starting", "vgg16 (2 of 3): 3 of 40 rounds, 12 s"]


@pytest.mark.parametrize(("figures", "done"), [(FIGURES, 3), (None, 0)])
def test_a_network_that_was_stopped_says_how_much_of_it_was_measured(figures, done):
    table, progress = io.StringIO(), io.StringIO()
    display = RowsAndProgress(1, table, progress)
    display.start("mlp", 1, 40)
    display.finish("mlp", figures, done)
    assert f"mlp (1 of 1): stopped after {done} of 40 rounds" in progress.getvalue()
    assert (table.getvalue() == "") == (figures is None)


def test_on_a_terminal_a_bar_moves_beside_the_rows(monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setenv("TERM", "xterm")
    table, progress = io.StringIO(), Terminal()
    display = RowsAndProgress(1, table, progress)
    display.start("mlp", 1, 4)
    display.round(1)
    display.finish("mlp", FIGURES, 4)
    assert "━" in progress.getvalue()
    assert re.search(r"1/4|0/4", progress.getvalue())
    assert "\x1b" not in table.getvalue()
    assert "ms a step" not in progress.getvalue()


def test_a_terminal_without_rich_gets_plain_lines(monkeypatch):
    monkeypatch.setattr("tests.benchmarks.display.find_spec", lambda name: None)
    progress = Terminal()
    display = RowsAndProgress(1, io.StringIO(), progress)
    display.start("mlp", 1, 4)
    display.finish("mlp", FIGURES, 4)
    assert progress.getvalue() == "mlp (1 of 1): starting\n"

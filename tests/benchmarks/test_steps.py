"""The command `steps`: what goes to standard output, and its exit code. Nothing is measured here."""

import json
import os
import sys
from contextlib import contextmanager

import pytest

from tests.benchmarks import steps, worker
from tests.benchmarks.__main__ import main


@pytest.fixture
def fake(monkeypatch):
    """Sides without processes; of the list, the networks at which Ctrl-C is pressed."""
    interrupted = []

    class Side:
        def __init__(self, network):
            self.network = network

        def turn(self):
            if self.network in interrupted:
                raise KeyboardInterrupt

        def figures(self, rounds):
            return {"ms": 1.0, "best_ms": 0.5, "peak_mb": 50.0, "steady_mb": 40.0, "steps": 3 * rounds}

    @contextmanager
    def start(name, network, options):
        yield Side(network)

    monkeypatch.setattr(steps, "Side", start)
    monkeypatch.setattr(os, "environ", dict(os.environ))  # which the command sets for its sides
    return interrupted


def test_the_table_goes_to_standard_output_and_the_progress_does_not(fake, capsys):
    assert main(["steps", "--models", "mlp", "lenet5", "--rounds", "2"]) == 0
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == ["model", "mlp", "lenet5"]
    assert "mlp (1 of 2): starting" in err


def test_after_ctrl_c_there_is_the_table_of_what_was_measured_and_what_is_missing_is_named(fake, capsys):
    fake.append("lenet5")
    assert main(["steps", "--models", "mlp", "lenet5", "resnet20"]) == 130
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == ["model", "mlp"]
    assert err.splitlines()[-1] == "not measured: lenet5, resnet20"


def test_as_json_standard_output_has_the_figures_alone(fake, capsys):
    fake.append("lenet5")
    assert main(["steps", "--models", "mlp", "lenet5", "--rounds", "2", "--json"]) == 130
    out, err = capsys.readouterr()
    row = {"ms": 1.0, "best_ms": 0.5, "peak_mb": 50.0, "steady_mb": 40.0, "steps": 6}
    assert json.loads(out) == {"mlp": {"minigrad": row}}
    assert "ms a step" in err


def test_without_budget_none_is_begun(fake, capsys):
    assert main(["steps", "--models", "mlp", "--budget", "0"]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == ("", "not measured: mlp\n")


def test_all_sides_can_be_kept_from_avx512(fake, capsys, monkeypatch):
    monkeypatch.setitem(os.environ, "OPENBLAS_L2_SIZE", "1")  # a setting of this machine's, which no user has
    assert main(["steps", "--models", "mlp", "--rounds", "1", "--avx2"]) == 0
    environment = steps.environment(2)
    assert environment["ATEN_CPU_CAPABILITY"] == "avx2"
    assert "avx512" not in environment["NUMBA_CPU_FEATURES"]
    assert "OPENBLAS_L2_SIZE" not in environment


def test_a_step_that_needs_more_at_first_has_two_peaks(monkeypatch, capsys):
    peaks = [500.0]
    monkeypatch.setattr(worker, "peak_mb", lambda: peaks[-1])
    monkeypatch.setattr(worker, "forget_peak", lambda: peaks.append(100.0))
    monkeypatch.setattr(worker, "minigrad_step", lambda *_, **__: lambda: None)
    monkeypatch.setattr(sys, "stdin", ["3\n", "2\n", "1\n"])
    worker.main("minigrad", "mlp", "1")
    first, second, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert [len(reply["seconds"]) for reply in (first, second, last)] == [3, 2, 1]
    assert [reply["peak_mb"] for reply in (first, second, last)] == [500, 500, 500]
    assert [reply["steady_mb"] for reply in (first, second, last)] == [500, 100, 100]
    assert len(peaks) == 2

"""`minigrad sweep`: what is run, what is kept, and what is told before anything begins."""

import json

import numpy as np
import pytest

from minigrad import UsageError
from minigrad.cli import main, sweep
from minigrad.cli.sweep_file import read_sweep

SHARED = 'model = "lenet5"\noptimizer = "sgd"\nepochs = 1\n'


def written(tmp_path, text):
    path = tmp_path / "rates.toml"
    path.write_text(SHARED + text)
    return str(path)


def test_a_grid_has_all_combinations_and_settings_go_into_tables(tmp_path):
    found = read_sweep(written(tmp_path, '[vary]\nbatch_size = [8, 16]\n"optimizer.momentum" = [0.0, 0.5, 0.9]\n'))
    assert len(found.runs) == 6
    assert found.runs["1"]["optimizer"] == {"name": "sgd", "momentum": 0.5}
    assert [run["batch_size"] for run in found.runs.values()] == [8, 8, 8, 16, 16, 16]


def test_a_random_sweep_draws_within_its_ranges_and_repeats(tmp_path):
    text = '[sweep]\nmethod = "random"\nruns = 200\nseed = 3\n[vary]\nlr = {low = 1e-4, high = 1.0, log = true}\n'
    path = written(tmp_path, text + "batch_size = {low = 4, high = 6}\n")
    found, again = read_sweep(path), read_sweep(path)
    assert found == again
    rates, sizes = zip(*found.values.values(), strict=True)
    assert 1e-4 <= min(rates) < 1e-3
    assert 0.1 < max(rates) <= 1.0
    assert abs(np.mean(np.log10(rates)) + 2) < 0.3
    assert set(sizes) == {4, 5, 6}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"needs a table \[vary\]"),
        ("[vary]\nlr = 0.1\n", "needs a list of values for lr"),
        ('[sweep]\nmethod = "random"\n[vary]\nlr = [0.1]\n', "the number of runs"),
        ('[sweep]\nmethod = "random"\nruns = 2\n[vary]\nlr = {low = 0, high = 1, log = true}\n', "lr needs a list"),
        ('[sweep]\nmonitr = "loss"\n[vary]\nlr = [0.1]\n', "did you mean monitor"),
        ("[vary]\nlr = [-1.0]\n", "lr must be a number above 0"),
        ('[vary]\n"optimizer.momentm" = [0.1]\n', "has no setting momentm"),
    ],
)
def test_what_is_wrong_is_told_before_anything_begins(tmp_path, text, message, monkeypatch):
    monkeypatch.setattr(sweep, "train_run", lambda folder: pytest.fail("a run has begun"))
    with pytest.raises(UsageError, match=message):
        sweep.run(_arguments(written(tmp_path, text), tmp_path / "out"))


def _arguments(file, out):
    from argparse import Namespace

    return Namespace(file=file, out=str(out), processes=2)


def test_runs_are_kept_failures_told_and_only_what_is_missing_is_run_again(tmp_path, monkeypatch, capsys):
    begun = []

    def train_run(folder):
        begun.append(folder.rpartition("/")[2])
        if begun[-1] == "1":
            return {"status": "failed", "error": "the loss became nan"}
        return {"status": "finished", "measured": {"test_loss": {"0": 0.5, "2": 0.25}[begun[-1]]}}

    monkeypatch.setattr(sweep, "train_run", train_run)
    path, out = written(tmp_path, "[vary]\nlr = [0.1, 0.2, 0.3]\n"), tmp_path / "out"
    assert main(["sweep", path, "--out", str(out)]) == 0
    assert sorted(begun) == ["0", "1", "2"]
    table = [line.split() for line in (out / "table.md").read_text().splitlines()[2:-1]]
    assert [row[0] for row in table] == ["2", "0", "1"]
    assert "the loss became nan" in capsys.readouterr().out
    (out / "2" / "result.json").unlink()
    assert main(["sweep", path, "--out", str(out)]) == 0
    assert begun[3:] == ["2"]
    assert json.loads((out / "1" / "result.json").read_text())["status"] == "failed"
    assert main(["sweep", written(tmp_path, "[vary]\nlr = [0.4]\n"), "--out", str(out)]) == 2
    assert "is of another sweep" in capsys.readouterr().err

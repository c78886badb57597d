"""`minigrad train --all-small` trains what is not trained yet, and tells what was reached."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from minigrad_models import MODELS

from minigrad.cli import main


@pytest.fixture
def short_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table has one small network, that trains for an epoch."""
    entry = MODELS["lenet5"]
    for name in list(MODELS):
        monkeypatch.delitem(MODELS, name)
    monkeypatch.setitem(MODELS, "lenet5", replace(entry, recipe=replace(entry.recipe, epochs=1)))
    monkeypatch.setitem(MODELS, "large", replace(entry, name="large", small=False))


def run_all(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, object]:
    assert main(["train", "--all-small", "--out", "all", "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)  # type: ignore[no-any-return]


@pytest.mark.usefixtures("short_table")
def test_table_has_the_means_of_all_seeds(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (row,) = run_all(capsys, "--seeds", "2")["networks"]
    assert (row["network"], row["parameters"], row["epochs"]) == ("lenet5", 61_706, 1)
    assert len(row["values"]) == 2
    assert row["mean"] == pytest.approx(sum(row["values"]) / 2)
    lines = (tmp_path / "all" / "table.md").read_text().splitlines()
    assert len(lines) == 3
    assert f"**{row['mean']:.2%}**" in lines[2]


@pytest.mark.usefixtures("short_table")
def test_what_is_trained_is_not_trained_again(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    first = run_all(capsys, "--seeds", "1")
    assert main(["train", "--all-small", "--out", "all", "--json", "--seeds", "1"]) == 0
    again = capsys.readouterr()
    assert json.loads(again.out) == first
    assert "samples to train on" not in again.err
    before = (tmp_path / "all" / "lenet5-0" / "history.jsonl").read_bytes()
    second = run_all(capsys, "--seeds", "2")
    assert (tmp_path / "all" / "lenet5-0" / "history.jsonl").read_bytes() == before
    assert second["networks"][0]["values"][0] == first["networks"][0]["values"][0]


@pytest.mark.parametrize("options", [["lenet5"], ["--epochs", "2"], ["--config", "run.toml"], ["--resume", "x"]])
def test_what_the_recipes_decide_is_refused(options, capsys):
    assert main(["train", "--all-small", *options]) == 2
    assert "trains by the recipes" in capsys.readouterr().err

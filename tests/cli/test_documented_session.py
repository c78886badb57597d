"""The session on the site's page of the command line, run as it is shown."""

import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from minigrad.cli import main
from minigrad.cli.data_registry import DATA
from minigrad.data import digits

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(
    r"```console\n(.*?)```", (ROOT / "tutorials" / "command_line.md").read_text(encoding="utf-8"), re.DOTALL
)
(SESSION,) = (block for block in BLOCKS if "$ minigrad train" in block)
PYTHON = re.compile(r"python - <<END\n(.*?)^END\n", re.DOTALL | re.MULTILINE)


def shown():
    """Each command of the session, with the lines that are shown below it."""
    for step in SESSION.split("$ ")[1:]:
        if script := PYTHON.match(step):
            yield script[1], []
        else:
            line, *lines = step.splitlines()
            yield line, lines


def test_the_session_is_what_happens(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(DATA, "digits", replace(DATA["digits"], load=digits))
    shutil.copytree(ROOT / "tutorials", tmp_path / "tutorials", ignore=shutil.ignore_patterns("images", "__pycache__"))
    commands = []
    for line, lines in shown():
        if not line.startswith("minigrad "):
            exec(compile(line, "command_line.md", "exec"), {})
            continue
        name, *words = shlex.split(line)[1:]
        commands.append(name)
        assert main([name, *words]) == 0
        _compare(lines, capsys.readouterr().out.splitlines())
    assert commands == ["train", "evaluate", "predict", "resume"]


def _compare(shown, printed):
    """What is shown was printed, in this order; numbers with a fraction may differ a little between machines."""
    position = 0
    for line in shown:
        if line == "...":
            continue
        shape = re.sub(r"\d+\.\d+", "#", " ".join(line.split()))
        shapes = [re.sub(r"\d+\.\d+", "#", " ".join(other.split())) for other in printed]
        assert shape in shapes[position:], (line, printed)
        position += shapes[position:].index(shape)
        for ours, theirs in zip(_numbers(line), _numbers(printed[position]), strict=True):
            assert theirs == pytest.approx(ours, abs=5 if line.startswith("test") else 30)


def _numbers(line):
    return [float(number) for number in re.findall(r"\d+\.\d+", line)]

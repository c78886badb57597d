"""Functions are examined in processes, and one that dies takes only its function with it."""

import json
import sys

import pytest

from minigrad.testing.scoreboard.__main__ import main
from minigrad.testing.scoreboard.frameworks import run, worker
from minigrad.testing.scoreboard.frameworks.worker import Worker, examine_all

# A process that answers like the real one, but for a function that kills it, and one that says nothing.
SCRIPT = """
import json, os, sys, time
for line in sys.stdin:
    name = line.strip()
    if name == "dies":
        os._exit(3)
    if name == "hangs":
        time.sleep(60)
    print(json.dumps({"function": name, "status": "correct", "pid": os.getpid()}), flush=True)
"""


@pytest.fixture
def scripted(monkeypatch, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    popen = worker.subprocess.Popen
    monkeypatch.setattr(
        worker.subprocess, "Popen", lambda command, **settings: popen([sys.executable, str(script)], **settings)
    )


def test_process_is_kept_until_it_dies(scripted):
    made = Worker("torch", 1.0)
    first, second = made.examine("a"), made.examine("b")
    assert first["pid"] == second["pid"]
    dead = made.examine("dies")
    assert (dead["function"], dead["status"]) == ("dies", "not called")
    assert "died" in dead["note"]
    assert made.examine("c")["pid"] != first["pid"]
    made.close()


def test_process_that_hangs_is_ended(scripted, monkeypatch):
    monkeypatch.setattr(worker, "GRACE", 0.2)
    made = Worker("torch", 0.01)
    assert "took too long" in made.examine("hangs")["note"]
    made.close()


def test_each_function_is_examined_once(scripted):
    told = []
    names = list("abcdefg")
    examine_all("torch", names, 1.0, 2, told.append)
    assert len({result["pid"] for result in told}) == 2
    assert sorted(result["function"] for result in told) == names


def test_command_examines_functions_in_processes(tmp_path, capsys):
    pytest.importorskip("markdown_it")
    assert (
        main(["--frameworks", "minigrad", "--name", "minigrad.sinh", "--out", str(tmp_path), "--processes", "1"]) == 0
    )
    _, line = (tmp_path / "minigrad.jsonl").read_text().splitlines()
    found = json.loads(line)
    assert (found["function"], found["status"]) == ("minigrad.sinh", "correct")
    assert "minigrad 1/1 minigrad.sinh: correct" in capsys.readouterr().out
    assert main(["--again", "--out", str(tmp_path)]) == 0


def test_framework_that_is_missing_is_left_out(tmp_path, capsys, monkeypatch):
    def missing(self):
        raise ModuleNotFoundError("No module named 'torch'")

    monkeypatch.setattr(run.Language, "namespace", missing)
    assert run.examine_frameworks(["torch"], None, 1.0, 1, tmp_path) == []
    assert "torch is left out: No module named 'torch'" in capsys.readouterr().err

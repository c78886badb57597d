"""The command as a whole: its help, its exit codes, and what programs read of it."""

import json
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

from minigrad.cli import main
from minigrad.cli.answer import plain
from minigrad.cli.completion import commands_of
from minigrad.cli.option import make_parser
from minigrad.training import Progress
from tests.cli.helper import answer, command, error_line, train

COMMANDS = [each.name for each in commands_of(make_parser())]


def help_of(capsys, *words):
    with pytest.raises(SystemExit) as end:
        main([*words, "--help"])
    assert end.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_fits_a_screen_and_ends_with_an_example_that_can_be_read(capsys, name):
    text = help_of(capsys, name)
    assert len(text.splitlines()) <= 45
    assert max(map(len, text.splitlines())) <= 120
    examples = re.findall(r"minigrad .*?(?=  |$|\n| >|\))", text.split("example")[-1])
    assert examples
    for example in examples:
        assert make_parser().parse_args(example.split()[1:]).command == name


def test_the_help_of_the_command_lists_all_commands_and_exit_codes(capsys):
    text = help_of(capsys)
    assert len(text.splitlines()) <= 25
    for name in COMMANDS:
        assert re.search(rf"^ +{name}\s+\w", text, re.MULTILINE)
    for code in ("0 done", "1 a fault", "2 something to put right", "130 stopped"):
        assert code in text


@pytest.mark.parametrize("line", ["train lenet", "train lenet5 --epochs 0", "evaluate nowhere", "trian", "predict x"])
def test_an_error_is_one_line_or_one_document_with_the_same_words(capsys, line):
    assert command(line) == 2
    said = error_line(capsys)
    assert answer(capsys, line, code=2) == {"error": said}
    assert capsys.readouterr().err == ""


def test_a_training_is_one_document(capsys):
    document = answer(capsys, "train lenet5 --epochs 1 --batch-size 16 --out run")
    assert document.keys() >= {"status", "run", "model", "parameters", "epochs", "seconds", "last", "files", "notes"}
    assert (document["status"], document["run"], document["last"]["epoch"]) == ("finished", "run", 1)


def test_how_a_training_goes_is_on_standard_error_then(capsys):
    assert train("--epochs", 1, "--json") == 0
    out, err = capsys.readouterr()
    json.loads(out)
    assert "epoch 1/1  loss" in err


def test_an_interrupted_training_tells_programs_how_to_go_on(monkeypatch, capsys):
    class Stopping(Progress):
        def on_step(self, training):
            if training.step == 2:
                signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr("minigrad.cli.train.Progress", Stopping)
        document = answer(capsys, "train lenet5 --batch-size 16 --epochs 2", code=130)
    wanted = {"status": "stopped", "run": "runs/lenet5", "model": "lenet5", "resume": "minigrad resume runs/lenet5"}
    assert document == wanted
    assert command(document["resume"].removeprefix("minigrad ")) == 0


def test_what_is_no_number_is_null():
    value = {"a": float("nan"), "b": (1, np.float32(2)), 3: np.array([np.inf, 1]), "d": {"e": None, "f": True}}
    assert plain(value) == {"a": None, "b": [1, 2], "3": [None, 1], "d": {"e": None, "f": True}}


def test_a_reader_that_leaves_early_is_no_error():
    line = f"{sys.executable} -m minigrad completion bash | true"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {line}"], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.returncode in (0, 141)

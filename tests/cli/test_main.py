"""The command as a whole: its help, its exit codes, and what programs read of it."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest

import minigrad
from minigrad.cli import main
from minigrad.cli.completion import commands_of
from minigrad.cli.options import make_parser
from minigrad.cli.output import Output, plain
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


def shell(line, **environment):
    """A line in which MINIGRAD is the command, run by bash as a real process."""
    environment = {**os.environ, **environment}
    line = line.replace("MINIGRAD", f"{shlex.quote(sys.executable)} -m minigrad")
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=environment)


needs_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")


@needs_full
@pytest.mark.parametrize("words", ["completion bash", "completion bash --json"])
def test_output_that_finds_no_room_is_told_in_one_line(words):
    done = shell(f"MINIGRAD {words} > /dev/full")
    assert (done.returncode, done.stderr) == (2, "minigrad: error: No space left on device\n")


@needs_full
def test_an_error_whose_document_finds_no_room_is_told_on_the_other_stream():
    done = shell("MINIGRAD trian --json > /dev/full")
    assert done.returncode == 2
    assert done.stderr.startswith("minigrad: error: COMMAND: invalid choice")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_a_stream_that_is_closed_is_no_fault(closed):
    done = shell(f"MINIGRAD completion bash {closed}")
    assert (done.returncode, done.stderr) == (0, "")


def test_letters_that_the_output_does_not_have_are_spelled_out():
    name = b"\xff\xc3\xbc.png"
    for words in (b"evaluate ", b"evaluate --json "):
        line = b"%s -m minigrad %s" % (shlex.quote(sys.executable).encode(), words + name)
        environment = {**os.environ, "PYTHONIOENCODING": "ascii:strict", "PYTHONUTF8": "1"}
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=environment)
        assert done.returncode == 2
        said = json.loads(done.stdout)["error"] if b"json" in words else done.stderr
        assert "there is no run folder " in said
        assert ("\udcffü.png" if b"json" in words else "\\udcff\\xfc.png") in said


def test_what_the_system_refuses_is_one_line(capsys):
    assert command(f"evaluate {'a' * 300}") == 2
    assert error_line(capsys) in (f"{'a' * 300}: File name too long", f"there is no run folder {'a' * 300}")
    assert command(f"train lenet5 --out {'a' * 300}") == 2
    assert "File name too long" in error_line(capsys)


@pytest.mark.parametrize("line", ["--help", "--version", "train --help", "summary", "summary lenet5"])
def test_a_command_imports_only_what_it_needs(line):
    code = f"""if True:
        import sys
        from minigrad.cli import main
        try: main({line.split()})
        except SystemExit: pass
        loaded = {{name if name.startswith("minigrad.") else name.split(".")[0] for name in sys.modules}}
        print(sorted(loaded & {{
            "rich", "matplotlib", "sklearn", "numba", "safetensors", "scipy",
            "minigrad.training", "minigrad.viz", "minigrad.testing", "minigrad.io"}}))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


def test_too_little_memory_is_one_line(capsys, monkeypatch):
    def load(*_):
        np.empty(2**60, np.float32)

    monkeypatch.setattr("minigrad.cli.train.load_samples", load)
    assert command("train lenet5") == 2
    assert error_line(capsys).startswith("there is not enough memory: Unable to allocate 4.00 EiB")


def test_a_warning_is_a_line_of_the_command_and_names_lines_of_the_user_only(monkeypatch):
    texts = []

    def run(arguments):
        for text, kind, file in (("of minigrad", UserWarning, minigrad.__file__), ("theirs", RuntimeWarning, "net.py")):
            texts.append(warnings.formatwarning(kind(text), kind, file, 5))
        return Output({}, lambda: None)

    monkeypatch.setattr("minigrad.cli.summary.run", run)
    in_python = warnings.formatwarning
    assert command("summary lenet5") == 0
    assert warnings.formatwarning is in_python
    assert texts == ["minigrad: warning: of minigrad\n", "minigrad: warning: net.py:5: theirs\n"]

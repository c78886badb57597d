"""Completion: the scripts know what the parser knows, and shells can run them."""

import shutil
import subprocess

import pytest

from minigrad.cli.completion import bash_script, commands_of, fish_script, zsh_script
from minigrad.cli.options import make_parser
from tests.cli.helper import answer, command

COMMANDS = commands_of(make_parser())


def completed(*words):
    """What bash offers for the last word."""
    asked = " ".join(f"'{word}'" for word in words)
    script = (
        f"{bash_script(COMMANDS)}\nCOMP_WORDS=({asked}); COMP_CWORD={len(words) - 1}; _minigrad; "
        "printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


@needs_bash
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["minigrad", "tr"], {"train"}),
        (["minigrad", ""], {command.name for command in COMMANDS} | {"--help", "--version"}),
        (["minigrad", "train", "lenet5-"], {"lenet5-original"}),
        (["minigrad", "train", "lenet5", "--optimizer", "ada"], {"adadelta", "adagrad", "adam", "adamw", "adamax"}),
        (["minigrad", "train", "--schedule", "cos"], {"cosine", "cosine-restarts"}),
        (["minigrad", "train", "lenet5", "--ep"], {"--epochs"}),
        (["minigrad", "evaluate", "run", "--data", "c"], {"cifar10", "cifar100", "circles"}),
        (["minigrad", "evaluate", "run", "--optimizer"], set()),
        (["minigrad", "train", "--epochs", "l"], set()),
        (["minigrad", "predict", "l"], set()),  # files: left to bash
        (["minigrad", "completion", "f"], {"fish"}),
    ],
)
def test_bash_offers_what_fits(words, offered):
    assert completed(*words) == offered


@pytest.mark.parametrize("script", [bash_script, zsh_script, fish_script])
def test_every_command_option_and_name_is_in_every_script(script):
    text = script(COMMANDS)
    for each in COMMANDS:
        assert each.name in text
        for name in (name for option in each.options for name in option.names):
            dashes = len(name) - len(name.lstrip("-"))
            assert (f"-{'sl'[dashes - 1]} {name[dashes:]}" if script is fish_script else name) in text
    for name in ("lenet5-original", "nadam", "one-cycle", "fashion-mnist"):
        assert name in text


@pytest.mark.parametrize(("shell", "script"), [("bash", bash_script), ("zsh", zsh_script), ("fish", fish_script)])
def test_a_shell_takes_its_script(shell, script, capsys):
    assert answer(capsys, f"completion {shell}")["script"] == script(COMMANDS)
    assert command(f"completion {shell}") == 0
    assert capsys.readouterr().out == script(COMMANDS)
    if shutil.which(shell) is not None:
        done = subprocess.run([shell, "-n"], input=script(COMMANDS), capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")

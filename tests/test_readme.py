"""The README is run: what it shows works, and its commands are those that CI uses."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=["train", "prove", "why"])
def test_example_runs(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    example = example.replace("range(10)", "range(2)")
    exec(compile(example, "README.md", "exec"), {"__name__": "readme"})


def test_the_answer_of_why_is_the_one_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.py").write_text(EXAMPLES[2])
    monkeypatch.chdir(tmp_path)
    run = subprocess.run([sys.executable, "net.py"], capture_output=True, text=True, check=True)
    assert f"```\n{run.stdout.strip()}\n```" in README


def test_training_example_is_short() -> None:
    assert len(EXAMPLES[0].strip().splitlines()) <= 18


def test_linked_files_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_ci_runs_the_second_command() -> None:
    commands = re.findall(r"```sh\n(.*?)\n```", README)
    assert len(commands) == 2
    assert commands[1].replace("pip install", "").strip() in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_readme_fits_in_one_sitting() -> None:
    assert len(README.splitlines()) <= 120

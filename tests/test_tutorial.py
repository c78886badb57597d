"""Every tutorial runs from its first line to its last, and holds what it claims."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIALS = sorted((Path(__file__).parent.parent / "tutorials").glob("*.py"))


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_runs(path: Path, tmp_path: Path) -> None:
    settings = {"MPLBACKEND": "Agg", "MINIGRAD_TUTORIAL_EPOCHS": "3", "PYTHONWARNINGS": "error"}
    run = subprocess.run(
        [sys.executable, path], cwd=tmp_path, env=os.environ | settings, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_is_a_notebook(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "format_name: percent" in text
    assert "What you should have seen" in text
    assert text.count("\n# %%") >= 5


def test_there_are_tutorials() -> None:
    assert len(TUTORIALS) >= 2

"""Every tutorial runs from its first line to its last, and holds what it claims.

The first one does so here, all of them in the intense profile; building the site executes all, without a warning.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIALS = sorted((Path(__file__).parent.parent / "tutorials").glob("[0-9]*.py"))

RUN_HERE = TUTORIALS if os.environ.get("MINIGRAD_PROFILE") == "intense" else TUTORIALS[:1]


@pytest.mark.parametrize("path", RUN_HERE, ids=lambda path: path.stem)
def test_tutorial_runs(path: Path, tmp_path: Path) -> None:
    settings = {"MPLBACKEND": "Agg", "MINIGRAD_TUTORIAL_EPOCHS": "3", "PYTHONWARNINGS": "error"}
    settings |= {"OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}  # other tests run at the same time
    run = subprocess.run(
        [sys.executable, path], cwd=tmp_path, env=os.environ | settings, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_is_a_notebook(path: Path) -> None:
    jupytext = pytest.importorskip("jupytext")
    text = path.read_text(encoding="utf-8")
    cells = jupytext.reads(text, fmt="py:percent").cells
    assert {cell.cell_type for cell in cells} == {"markdown", "code"}
    assert len(cells) >= 6
    assert "What you should have seen" in text


def test_there_are_tutorials() -> None:
    assert len(TUTORIALS) >= 2

"""`--grad-mutants` on several ranks tells what one process tells, once, and says when the ranks are not alike."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.testing.test_plugin import LIBRARY, STRONG, WEAK

ROOT = Path(__file__).parents[2]
COMMAND = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--grad-mutants", "-n0"]


def environment():
    """The modules of this folder and ours, and none of the options that the run of this test may have."""
    return {"PYTHONPATH": os.pathsep.join([os.getcwd(), str(ROOT)]), "PYTEST_ADDOPTS": ""}


def told(output):
    """The lines about mutants, without the time that it took."""
    lines = [line for line in output.splitlines() if re.search(r"mutants|SURVIVED", line)]
    return sorted(line for line in lines if "gradient mutants" not in line)


@pytest.fixture(autouse=True)
def _folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_ranks_tell_together_what_one_process_tells(run_ranks):
    Path("mylib.py").write_text(LIBRARY)
    Path("test_weak.py").write_text(WEAK)
    alone = subprocess.run(
        [sys.executable, *COMMAND], capture_output=True, text=True, env={**os.environ, **environment()}
    )
    code, output, errors = run_ranks(2, *COMMAND, **environment())
    assert (code, alone.returncode) == (1, 1), errors
    assert len(told(output)) > 5
    assert told(output) == told(alone.stdout)


def test_ranks_with_other_tests_are_told(run_ranks):
    Path("mylib.py").write_text(LIBRARY)
    Path("test_strong.py").write_text(STRONG)
    Path("conftest.py").write_text(
        "from minigrad.config import launched_rank\n\n"
        "def pytest_collection_modifyitems(items):\n    del items[: launched_rank()]\n"
    )
    code, output, errors = run_ranks(2, *COMMAND, **environment())
    assert code != 0
    assert "the ranks do not agree in the run of mutants" in output + errors

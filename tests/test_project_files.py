"""What is written in one place only, and what CI promises: versions, Pythons, and actions that cannot change."""

import re
import tomllib
from pathlib import Path

import pytest

import minigrad

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
GITHUB = sorted((ROOT / ".github").rglob("*.yml"))
WORKFLOWS = [path for path in GITHUB if path.parent.name == "workflows"]


def parsed(path):
    return pytest.importorskip("yaml").safe_load(path.read_text("utf-8"))


def test_the_version_is_written_once():
    assert "version" not in PROJECT["project"]
    assert PROJECT["tool"]["hatch"]["version"]["path"] == "minigrad/__init__.py"
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", minigrad.__version__)
    assert "version" not in parsed(ROOT / "CITATION.cff")


@pytest.mark.parametrize("path", GITHUB, ids=lambda path: path.name)
def test_files_for_github_are_yaml(path):
    assert isinstance(parsed(path), dict)


def test_ci_runs_on_every_python_that_is_promised():
    """And on others, which are promised when their tests have been seen to pass."""
    promised = [
        name.rpartition(" ")[2] for name in PROJECT["project"]["classifiers"] if re.search(r"Python :: 3\.\d+$", name)
    ]
    jobs = parsed(ROOT / ".github/workflows/ci.yml")["jobs"]
    assert set(promised) <= set(jobs["test"]["strategy"]["matrix"]["python"])
    oldest = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert promised[0] == oldest
    assert jobs["oldest"]["steps"][1]["with"]["python-version"] == oldest


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_to_a_commit_whose_version_stands_beside_it(path):
    uses = re.findall(r"uses: (.*)", path.read_text("utf-8"))
    foreign = [line for line in uses if not line.startswith("./")]
    assert foreign
    for line in foreign:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_may_only_read_unless_a_job_says_otherwise_and_every_job_ends(path):
    workflow = parsed(path)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert "uses" in job or "timeout-minutes" in job, name
        assert job.get("permissions", {}).keys() <= {"id-token"}

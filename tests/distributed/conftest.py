"""What starts several ranks, where mpi4py finds an MPI and its mpiexec; elsewhere these tests are skipped."""

import os
import shutil
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

LIMIT = 300
"""Seconds after which a job counts as hanging; the machine may be busy."""


@cache
def reason_to_skip():
    if find_spec("mpi4py") is None:
        return "mpi4py is not installed"
    if find_mpiexec() is None:
        return "there is no mpiexec"
    found = subprocess.run([sys.executable, "-c", "from mpi4py import MPI"], capture_output=True, text=True)
    return "" if found.returncode == 0 else f"mpi4py cannot load MPI: {found.stderr.strip().splitlines()[-1]}"


def find_mpiexec():
    """The one beside this Python, which pip has installed, or one on the path."""
    beside = Path(sys.executable).with_name("mpiexec")
    return str(beside) if beside.exists() else shutil.which("mpiexec")


def environment():
    """One thread a rank; Open MPI may start more ranks than there are processors."""
    more = {"OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_ALLOW_RUN_AS_ROOT": "1"}
    root = Path(__file__).parents[2]
    paths = os.pathsep.join(map(str, [root, root / "models"]))
    return {
        **os.environ,
        **more,
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "PYTHONPATH": paths,
        "OPENBLAS_NUM_THREADS": "1",
    }


@pytest.fixture(scope="session")
def start_ranks():
    """A function that starts a program on some ranks, and gives the process."""
    if reason := reason_to_skip():
        pytest.skip(reason)

    def start(ranks, *command, **more):
        words = [find_mpiexec(), "-n", str(ranks), sys.executable, *map(str, command)]
        return subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**environment(), **more}
        )

    return start


@pytest.fixture(scope="session")
def run_ranks(start_ranks):
    """A function that runs a program on some ranks, and gives the exit code and what it printed."""

    def run(ranks, *command, **more):
        process = start_ranks(ranks, *command, **more)
        try:
            output, errors = process.communicate(timeout=LIMIT)
        finally:
            process.kill()
        return process.returncode, output, errors

    return run

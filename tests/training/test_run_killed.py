"""SIGKILL at random moments, also in the middle of writing: every run goes on, and ends as if it had not happened."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = 50

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the killed processes are forks")


def test_a_run_killed_at_any_moments_ends_bit_for_bit_as_one_that_was_not(tmp_path):
    seed = int.from_bytes(os.urandom(4), "little")
    script = Path(__file__).with_name("killed_run.py")
    # One thread: a fork has only the one that forked, and BLAS would wait for its others.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, str(script), str(tmp_path), str(KILLS), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, f"seed {seed}: {done.stderr}"
    report = json.loads(done.stdout)
    assert report["killed"] == KILLS
    assert report["ended"] > 0
    assert (report["failed"], report["different"]) == (0, 0), f"seed {seed}: {done.stderr}"

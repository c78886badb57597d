"""Peak memory, of all time and from a moment on."""

import subprocess
import sys

import pytest

from tests.benchmarks.peak import CLEAR

USE = """
import numpy as np
from tests.benchmarks.peak import forget_peak, peak_mb
before = peak_mb()
np.ones(1 << 24)
print(peak_mb() - before)
forget_peak()
print(peak_mb() - before)
"""


@pytest.mark.skipif(not CLEAR.exists(), reason="peaks are forgotten on Linux only")
def test_a_peak_is_remembered_until_it_is_forgotten():
    run = subprocess.run([sys.executable, "-c", USE], capture_output=True, text=True, check=True)
    remembered, forgotten = map(float, run.stdout.split())
    assert remembered > 120
    assert forgotten < 20

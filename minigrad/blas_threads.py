"""How long OpenBLAS's threads spin for the next product before they sleep; imported before NumPy is.

They would do so for some 25 ms after each product, and keep the processors from everybody else, the compiled kernels'
threads included. OpenBLAS reads the limit from the environment when NumPy loads it. If that is done already, or
the variable is set, nothing is changed.
"""

import os
import sys
from typing import Final

THREAD_TIMEOUT: Final = "OPENBLAS_THREAD_TIMEOUT"

SPIN: Final = "16"
"""As a power of 2, in processor cycles: some 25 us, which it takes to wake a thread that sleeps."""

if "numpy" not in sys.modules:
    os.environ.setdefault(THREAD_TIMEOUT, SPIN)

"""The most memory that this process has held, of all time and from a moment on."""

from __future__ import annotations

import re
import resource
from contextlib import suppress
from pathlib import Path

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_mb() -> float:
    """The most memory, in MB, since `forget_peak`; where the system cannot forget it, since the process began."""
    with suppress(OSError):
        if found := re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text()):
            return int(found[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def forget_peak() -> None:
    """Let the peak begin anew, on Linux."""
    with suppress(OSError):
        CLEAR.write_text("5")

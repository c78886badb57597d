"""The help of the `minigrad` command, as it prints it."""

from __future__ import annotations

import os
import subprocess
import sys


def help_text(command: str) -> str:
    """What `minigrad COMMAND --help` prints, as a block of code."""
    settings = {"COLUMNS": "90", "NO_COLOR": "1"}
    run = subprocess.run(
        [sys.executable, "-m", "minigrad", *command.split(), "--help"],
        env=os.environ | settings, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return f"```text\n{run.stdout.rstrip()}\n```"

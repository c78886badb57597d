"""The `minigrad` command.

What the user can put right is one line on standard error, `minigrad: error: ...`, and exit code 2. Anything else that
goes wrong is a fault of the program, and keeps its traceback.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from importlib import import_module
from signal import SIGINT

from minigrad.cli.option import make_parser
from minigrad.config import own_process, restart_tuned
from minigrad.errors import DataError, MissingExtraError, NonFiniteError, StateError, UsageError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (those of the process unless given), and give its exit code."""
    try:
        arguments = make_parser().parse_args(argv)
        if argv is None:
            restart_tuned()
        own_process()
        command = import_module(f"minigrad.cli.{arguments.command}")  # only now, so that --help is quick
        code: int = command.run(arguments)
        return code
    except (UsageError, DataError, StateError, NonFiniteError, MissingExtraError) as error:
        print("minigrad: error:", re.sub(r"\s*\n\s*", " ", str(error)), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("minigrad: interrupted", file=sys.stderr)
        return 128 + SIGINT  # as shells report it

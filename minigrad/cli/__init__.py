"""The `minigrad` command.

What the user can put right is one line on standard error, `minigrad: error: ...`, and exit code 2. Anything else that
goes wrong is a fault of the program, and keeps its traceback.
"""

from __future__ import annotations

import json
import os
import re
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import redirect_stdout
from importlib import import_module
from signal import SIGINT

from minigrad.cli.answer import Answer, plain
from minigrad.cli.option import make_parser
from minigrad.config import own_process, restart_tuned
from minigrad.errors import DataError, MissingExtraError, NonFiniteError, StateError, UsageError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (those of the process unless given), and give its exit code."""
    as_json = "--json" in (sys.argv[1:] if argv is None else argv)
    try:
        arguments = make_parser().parse_args(argv)
        if argv is None:
            restart_tuned()
        own_process()
        answer = _answer(arguments, as_json)
        if as_json:
            _print_json(answer.document)
        else:
            answer.show()
        sys.stdout.flush()
        return answer.code
    except (UsageError, DataError, StateError, NonFiniteError, MissingExtraError) as error:
        return _fail(re.sub(r"\s*\n\s*", " ", str(error)), 2, as_json)
    except KeyboardInterrupt:
        return _fail("interrupted", 128 + SIGINT, as_json)  # as shells report it
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter's last flush complains
        return 128 + 13  # SIGPIPE, which not all systems know by name


def _answer(arguments: Namespace, as_json: bool) -> Answer:
    command = import_module(f"minigrad.cli.{arguments.command}")  # only now, so that --help is quick
    if not as_json:
        answer: Answer = command.run(arguments)
    else:
        with redirect_stdout(sys.stderr):  # how a training goes, and what a user's module prints
            answer = command.run(arguments)
    return answer


def _fail(message: str, code: int, as_json: bool) -> int:
    if as_json:
        _print_json({"error": message})
    else:
        print("minigrad: interrupted" if code > 2 else f"minigrad: error: {message}", file=sys.stderr)
    return code


def _print_json(document: object) -> None:
    print(json.dumps(plain(document), indent=2, ensure_ascii=False, allow_nan=False))

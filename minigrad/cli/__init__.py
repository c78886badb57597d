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

TO_PUT_RIGHT = (UsageError, DataError, StateError, NonFiniteError, MissingExtraError)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (those of the process unless given), and give its exit code."""
    as_json = "--json" in (sys.argv[1:] if argv is None else argv)
    if argv is None:
        _prepare_output()
    try:
        return _run(argv, as_json)
    except BrokenPipeError:
        _discard_output()  # or the interpreter's last flush complains
        return 128 + 13  # SIGPIPE, which not all systems know by name


def _run(argv: Sequence[str] | None, as_json: bool) -> int:
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
    except TO_PUT_RIGHT as error:
        return _fail(re.sub(r"\s*\n\s*", " ", str(error)), 2, as_json)
    except MemoryError as error:
        return _fail(f"there is not enough memory{f': {error}' if str(error) else ''}", 2, as_json)
    except KeyboardInterrupt:
        return _fail("interrupted", 128 + SIGINT, as_json)  # as shells report it
    except BrokenPipeError:
        raise
    except OSError as error:  # a full disk that the output goes to, a name that is too long, a network that is gone
        about = f"{error.filename}: " if error.filename is not None else ""
        return _fail(f"{about}{error.strerror or error}", 2, as_json)


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
        try:
            _print_json({"error": message})
            sys.stdout.flush()
            return code
        except BrokenPipeError:
            raise
        except OSError:
            pass  # then at least the other stream
    print("minigrad: interrupted" if code > 2 else f"minigrad: error: {message}", file=sys.stderr)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError:
        _discard_output()
    return code


def _print_json(document: object) -> None:
    text = json.dumps(plain(document), indent=2, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:  # a terminal without such letters, or a file's name that is no text
        text = json.dumps(plain(document), indent=2, allow_nan=False)
    print(text)


def _prepare_output() -> None:
    """Let no letter, and no stream that was closed before, stop what is printed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # for the whole process
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

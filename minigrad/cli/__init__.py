"""The `minigrad` command.

What the user can put right is one line on standard error, `minigrad: error: ...`, and exit code 2. Anything else that
goes wrong is a fault of the program, and keeps its traceback. Warnings are `minigrad: warning: ...` there.

A command is a file of its name with a function `run(arguments)`, which gives an `Output`.
"""

from __future__ import annotations

import json
import os
import re
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from importlib import import_module
from pathlib import Path
from signal import SIGINT
from typing import Final

from minigrad.cli.options import COMMANDS, make_parser
from minigrad.cli.output import Output, plain
from minigrad.config import keep_freed_memory, launched, launched_rank
from minigrad.errors import DataError, DistributedError, MissingExtraError, NonFiniteError, StateError, UsageError

RANKED: Final = {"train", "resume", "sweep"}
"""The commands that `mpiexec` may start several of."""

USER_ERRORS: Final = (UsageError, DataError, StateError, NonFiniteError, MissingExtraError)
"""What the user can put right."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: its arguments; None (default) for those of the process, which the command then owns.

    Returns:
        The exit code.
    """
    as_json = "--json" in (sys.argv[1:] if argv is None else argv)
    if argv is None:
        _prepare_output()
    in_python = warnings.formatwarning
    warnings.formatwarning = _warning_text
    try:
        return _run(argv, as_json)
    except BrokenPipeError:
        _discard_output()  # or the interpreter's last flush complains
        return 128 + 13  # SIGPIPE, which not all systems know by name
    finally:
        warnings.formatwarning = in_python


def _warning_text(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """A warning as the command prints it: without a line of minigrad's own, which is nobody's concern."""
    site = "" if Path(filename).is_relative_to(Path(__file__).parents[1]) else f"{filename}:{lineno}: "
    return f"minigrad: warning: {site}{message}\n"


def _run(argv: Sequence[str] | None, as_json: bool) -> int:
    try:
        words = sys.argv[1:] if argv is None else argv
        command = next((word for word in words if word in COMMANDS), "")
        arguments = make_parser(command).parse_args(words)
        keep_freed_memory()
        output = _on_all_ranks(_output, arguments, as_json)
        if launched_rank():
            pass  # rank 0 prints
        elif as_json:
            _print_json(output.document)
        else:
            output.show()
        sys.stdout.flush()
        return output.code
    except USER_ERRORS as error:
        if launched_rank():
            return 2  # what is wrong before there are ranks is wrong on rank 0, too
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


def _on_all_ranks(command: Callable[[Namespace, bool], Output], arguments: Namespace, as_json: bool) -> Output:
    """Run a command; if `mpiexec` started several of it, on all ranks, of which one prints and tells errors.

    Args:
        command: runs it.
        arguments: those of the command line.
        as_json: whether it prints JSON.
    """
    if launched() < 2:
        return command(arguments, as_json)
    if arguments.command not in RANKED:
        raise UsageError(f"mpiexec starts one process of minigrad {arguments.command}, which is not made for several")
    from minigrad.distributed import world  # only for those who need it

    faults = world().faults
    assert faults is not None
    try:
        with nullcontext() if world().rank == 0 else _silence():
            output = command(arguments, as_json)
        world().barrier("the end")
    except (*USER_ERRORS, DistributedError, MemoryError, OSError) as error:
        text = re.sub(r"\s*\n\s*", " ", str(error) or type(error).__name__)
        faults.end(error, lambda: _fail(f"{text} (on {world().name} of {world().size})", 2, as_json), 2)
        raise
    return output if world().rank == 0 else Output({}, lambda: None, output.code)


@contextmanager
def _silence() -> Iterator[None]:
    """Print nothing and warn of nothing: another rank does."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _output(arguments: Namespace, as_json: bool) -> Output:
    command = import_module(f"minigrad.cli.{arguments.command}")  # only now: each imports what it needs
    with redirect_stdout(sys.stderr) if as_json else nullcontext():  # how a training goes, what a user's module prints
        output: Output = command.run(arguments)
    return output


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

"""Functions and classes of the user's, by names such as `package.module:callable`: import, call, tell their errors."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import TypeVar

from minigrad import Op
from minigrad.cli.parsing import hint
from minigrad.errors import MinigradError, UsageError
from minigrad.typing import Function

T = TypeVar("T")


def is_import_path(text: str) -> bool:
    """Whether a name is one of the user's own: `package.module:callable`."""
    return ":" in text


def import_callable(text: str, positional: int | None = 0, settings: Iterable[str] = ()) -> Function:
    """Import a function or class of the user's.

    It must be defined in that module: a run folder, which names what it was trained with, can then make nothing of
    Python's or of other packages run.

    Args:
        text: its name, such as `package.module:callable`.
        positional: with how many positional arguments it will be called (default: 0); None for any.
        settings: the names of the keyword arguments that it will be called with (default: none).

    Raises:
        UsageError: it cannot be imported, is none, or needs other arguments.
    """
    module_name, _, name = text.partition(":")
    module = _import(text, module_name)
    found: object = module
    for part in name.split("."):
        if not hasattr(found, part):
            names = [n for n, value in vars(module).items() if _is_of(value, module_name)]
            known = hint(part, names, f"; it has {', '.join(names)}") if names else ""
            raise UsageError(f"there is no {name!r} in {module_name} ({_home(module)}){known}")
        found = getattr(found, part)
    if not callable(found):
        raise UsageError(f"{text} is a {type(found).__name__}, and should be a function or a class")
    if not _is_of(found, module_name):
        raise UsageError(f"{text} is not defined in {module_name} but in {_module_of(found)}")
    if positional is not None:
        _check_arguments(text, found, positional, settings)
    return found


def call(text: str, function: Callable[..., T], **settings: object) -> T:
    """Call a function of the user's; what goes wrong there is one line with its place.

    Args:
        text: its name.
        function: it.
        **settings: its keyword arguments.

    Raises:
        UsageError: it raised something.
    """
    try:
        return function(**settings)
    except Exception as error:
        raise UsageError(f"{text} raised {format_error(error)}") from error


def format_error(error: BaseException) -> str:
    """An error in a line: what it is, what it says, and where it was raised. Of minigrad's own errors, the gist."""
    if not isinstance(error, MinigradError):
        return f"{type(error).__name__}: {error}{_place(error)}"
    gist = re.sub(r"(?s)(hint: [^\n]*).*", r"\1", str(error))  # what follows are details of every input
    return re.sub(r"\s*\n\s*", ", ", gist) + _place(error)


def _place(error: BaseException) -> str:
    """The file and line outside of minigrad, nearest to where an error was raised."""
    library = os.path.dirname(os.path.dirname(__file__))
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith((library, "<frozen"))]
    return f" ({os.path.basename(frames[-1].filename)}, line {frames[-1].lineno})" if frames else ""


def _import(text: str, module_name: str) -> ModuleType:
    if not all(part.isidentifier() for part in module_name.split(".")) or not text.partition(":")[2]:
        raise UsageError(f"{text!r} is no name such as package.module:callable{_repaired(text)}")
    if module_name.split(".")[0] in sys.stdlib_module_names:
        raise UsageError(f"{text}: {module_name} is a module of Python's own")
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)  # for good: the module may import its neighbors later
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(module_name)
        if module.__file__ is None and not os.path.isdir(module_name.replace(".", os.sep)):
            raise ModuleNotFoundError(name=module_name)  # a folder of that name, somewhere on the path
        return module
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            missing = f"there is no module {error.name} in {here}, nor is one installed"
            raise UsageError(missing + _repaired(text)) from error
        raise UsageError(f"{module_name} cannot be imported: {format_error(error)}") from error
    except SyntaxError as error:
        where = f" ({os.path.basename(error.filename or '')}, line {error.lineno})"
        raise UsageError(f"{module_name} cannot be imported: {type(error).__name__}: {error.msg}{where}") from error
    except (Exception, SystemExit) as error:
        raise UsageError(f"{module_name} cannot be imported: {format_error(error)}") from error


def _repaired(text: str) -> str:
    module, _, name = text.partition(":")
    repaired = module.removesuffix(".py").strip("./").replace("/", ".").replace("\\", ".")
    right = name and repaired != module and all(part.isidentifier() for part in repaired.split("."))
    return f": did you mean {repaired}:{name}?" if right else ""


def _home(module: ModuleType) -> str:
    return os.path.relpath(module.__file__) if module.__file__ else "a package without a file"


def _is_of(value: object, module_name: str) -> bool:
    return callable(value) and _module_of(value) == module_name


def _module_of(value: object) -> str | None:
    return value.module if isinstance(value, Op) else getattr(value, "__module__", None)


def _check_arguments(text: str, function: Function, positional: int, settings: Iterable[str]) -> None:
    signature = inspect.signature(function)
    try:
        signature.bind(*range(positional), **dict.fromkeys(settings))
    except TypeError as error:
        called = " and ".join(filter(None, [f"{positional} arguments" if positional else "", ", ".join(settings)]))
        raise UsageError(f"{text} is called with {called or 'no arguments'}, and takes {signature}: {error}") from error

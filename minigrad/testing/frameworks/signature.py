"""What the files of foreign frameworks share: the error where one is not installed, and what functions take."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

from minigrad.errors import UsageError
from minigrad.typing import Function


@contextmanager
def require_framework(name: str) -> Iterator[None]:
    """Say in one line that a framework is not installed, where it is imported in this block.

    Args:
        name: of the package.

    Raises:
        ImportError: it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ModuleNotFoundError(
            f"minigrad.testing.{name} tests gradients of {name}, which is not installed: pip install {name}", name=name
        ) from None


def named_function(f: Function, name: str, parameters: Sequence[inspect.Parameter]) -> Function:
    """A function with the name and parameters that it does not tell by itself.

    Args:
        f: the function.
        name: its name.
        parameters: what it takes, by position.
    """

    @wraps(f, assigned=())
    def named(*args: Any, **settings: Any) -> Any:
        return f(*args, **settings)

    named.__name__ = name
    named.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what inspect looks for
    return named


def required_parameters(f: Function) -> list[str]:
    """The positional parameters without default: what a call must give.

    Args:
        f: a function.

    Raises:
        UsageError: they are not known, as of functions written in C.
    """
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        raise UsageError(
            f"gradtest: {getattr(f, '__name__', f)} does not tell its parameters: "
            "wrap it in a function of one's own, `def f(x): ...`"
        ) from None
    return [p.name for p in parameters if p.kind in kinds and p.default is p.empty]

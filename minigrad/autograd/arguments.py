"""Which arguments of a call are differentiated: by number, `argnums`, or by name, `argnames`."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.autograd.nested import Nested, one_or_all
from minigrad.errors import UsageError
from minigrad.typing import Function, Settings

Argnums = int | Sequence[int]
Argnames = str | Sequence[str]


class Chosen:
    """One call, with the differentiated arguments among those by position.

    Args:
        name: of the transformation, for errors.
        f: the function.
        args, settings: what it is called with.
        argnums: the numbers of arguments; None: the first, unless there are names.
        argnames: names of arguments that are given by keyword, or by position; None: none.

    Attributes:
        f, args, settings: the same call, with what is named behind the others by position.
        numbers: which arguments are differentiated.
        labels: what errors call each of them.

    Raises:
        UsageError: a number or a name is of no argument of the call, or one stands twice.
    """

    def __init__(
        self,
        name: str,
        f: Function,
        args: Sequence[Any],
        settings: Settings,
        argnums: Argnums | None = None,
        argnames: Argnames | None = None,
    ) -> None:
        self.argnums, self.argnames = argnums, argnames
        names = () if argnames is None else _names(name, argnames)
        if argnums is None and not names:
            argnums = self.argnums = 0
        by_number = () if argnums is None else positions(name, argnums, len(args))
        places = {key: _place(f, key, len(args)) for key in names if key not in settings}
        unknown = [key for key, place in places.items() if place is None]
        if unknown:
            given = ", ".join([f"{key}=" for key in settings]) or "nothing by keyword"
            raise UsageError(f"{name}: argnames={argnames!r}, but the function was called with {given}")
        moved = [key for key in names if key in settings]
        count = len(args)
        self.f, self.args, self.settings = f, list(args), settings
        if moved:
            self.f = lambda *given, **others: f(
                *given[:count], **dict(zip(moved, given[count:], strict=True)), **others
            )
            self.args += [settings[key] for key in moved]
            self.settings = {key: value for key, value in settings.items() if key not in moved}
        by_name = [count + moved.index(key) if key in settings else places[key] for key in names]
        self.numbers: tuple[int, ...] = (*by_number, *by_name)  # type: ignore[arg-type]  # unknown ones were refused
        self.labels = [*[f"argument {i}" for i in by_number], *[f"argument {key}" for key in names]]
        if len(set(self.numbers)) != len(self.numbers):
            raise UsageError(f"{name}: argnums={argnums!r} and argnames={argnames!r} name an argument twice")

    def formed(self, parts: Sequence[Nested]) -> Nested:
        """One part for each differentiated argument, in the form in which they were asked for.

        A number: the part; several: a tuple; a name: the part; several: a dict; numbers and names: a pair of these.
        """
        if self.argnums is None:
            return self._named(parts)
        count = len(self.numbers) - (0 if self.argnames is None else len(_names("", self.argnames)))
        numbered = one_or_all(parts[:count], np.ndim(self.argnums) == 0)
        return numbered if self.argnames is None or count == len(parts) else (numbered, self._named(parts[count:]))

    def _named(self, parts: Sequence[Nested]) -> Nested:
        assert self.argnames is not None
        return parts[0] if isinstance(self.argnames, str) else dict(zip(self.argnames, parts, strict=True))


def _names(name: str, argnames: Argnames) -> tuple[str, ...]:
    names = (argnames,) if isinstance(argnames, str) else tuple(argnames)
    if not all(isinstance(key, str) for key in names) or len(set(names)) != len(names):
        raise UsageError(f"{name}: argnames is the name of an argument, or several different ones, not {argnames!r}")
    return names


def _by_position(f: Function, count: int, names: Sequence[str]) -> Function:
    """f, with named arguments behind the first `count`."""

    def moved(*given: Any, **others: Any) -> Any:
        return f(*given[:count], **dict(zip(names, given[count:], strict=True)), **others)

    return moved


def _place(f: Function, key: str, count: int) -> int | None:
    """The number of the argument of this name, if it is one of those by position."""
    try:
        parameters = list(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        return None
    place = parameters.index(key) if key in parameters else count
    return place if place < count else None


def positions(name: str, argnums: int | Sequence[int], count: int) -> tuple[int, ...]:
    """`argnums` as numbers from 0 on, for a call with `count` arguments by position.

    Raises:
        UsageError: a number is none, is out of range, or stands twice.
    """
    several = isinstance(argnums, (tuple, list)) or (isinstance(argnums, np.ndarray) and argnums.ndim == 1)
    numbers: Sequence[object] = argnums if several else (argnums,)  # type: ignore[assignment]
    found = []
    for number in numbers:
        i = None if isinstance(number, (bool, np.bool_)) else _index(number)
        if i is None:
            raise UsageError(f"{name}: argnums is the number of an argument, or a tuple of them, not {argnums!r}")
        if not -count <= i < count:
            counted = f"{count} argument{'s' * (count != 1)} by position"
            raise UsageError(
                f"{name}: argnums={argnums!r}, but the function was called with {counted}; "
                "what is given by keyword is not differentiated"
            )
        found.append(i % count)
    if len(set(found)) != len(found) or not found:
        raise UsageError(f"{name}: argnums={argnums!r} must name at least one argument, and none twice")
    return tuple(found)


def _index(number: object) -> int | None:
    """A number of any integer type, or None."""
    try:
        return operator.index(number)  # type: ignore[arg-type]
    except TypeError:
        return None

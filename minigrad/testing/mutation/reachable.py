"""The functions that a function reaches: itself, what it holds in its closure, and what it calls of its own file."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import FunctionType


def reachable(f: object, depth: int = 4) -> Iterator[object]:
    """What a function is made of: objects in its closure, and globals of its file that it names, and so on.

    Args:
        f: a function, or another object.
        depth: how many steps are followed (default 4).
    """
    seen: set[int] = set()
    found = [f]
    for _ in range(depth):
        following: list[object] = []
        for x in found:
            if id(x) not in seen:
                seen.add(id(x))
                yield x
                following += _held(x)
        found = following


def _held(x: object) -> list[object]:
    """What an object holds, if it is a function, method or partial."""
    held = [getattr(x, name, None) for name in ("__wrapped__", "__func__", "__self__", "func", "fun", "f", "fxn")]
    if isinstance(x, FunctionType):
        held += [cell.cell_contents for cell in x.__closure__ or () if _is_filled(cell)]
        named = [x.__globals__.get(name) for name in x.__code__.co_names]
        held += [y for y in named if _file(y) == x.__code__.co_filename]
    return [y for y in held if y is not None and not inspect.ismodule(y)]


def _is_filled(cell: object) -> bool:
    try:
        getattr(cell, "cell_contents")  # noqa: B009  (it raises where the cell is empty)
    except ValueError:
        return False
    return True


def _file(x: object) -> str | None:
    """The file in which a function or class is defined."""
    code = getattr(inspect.unwrap(x) if callable(x) else x, "__code__", None)
    if code is not None:
        return str(code.co_filename)
    try:
        return inspect.getsourcefile(x) if inspect.isclass(x) else _file_of_type(x)
    except TypeError:
        return None


def _file_of_type(x: object) -> str | None:
    """The file of what an object wraps: a custom_vjp object counts as the function that it wraps."""
    inner = getattr(x, "__wrapped__", None)
    return None if inner is None or inner is x else _file(inner)

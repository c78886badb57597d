"""The line of source where a value leaves the graph, by `detach()` or in another way: no op runs there to tell."""

from __future__ import annotations

import re
from typing import Final

from minigrad.diagnosis.reason import code_at

LEAVING: Final = re.compile(r"\.detach\(|\bstop_gradient\(|\.data\b(?!\s*=[^=])|\.numpy\(|\.item\(|\.tolist\(")
COPYING: Final = re.compile(r"\b(Tensor|tensor|asarray|array|float)\(")
ASSIGNED: Final = re.compile(r"([\w., ]+?)(?:: [\w\[\]., |]+)? = ")
NEAR: Final = 8  # lines


def line_of_leaving(file: str, start: int, stop: int, user: str = "", copied: bool = False) -> tuple[str, int] | None:
    """The first line, going from one to another in either direction, that takes what is used out of the graph.

    Args:
        file: of the lines.
        start, stop: numbers of lines, both included.
        user: the code that uses the value: a line above it counts if it assigns to a name that stands there.
        copied: whether making a new Tensor or array is such a way, too.
    """
    lines = range(start, stop + 1) if stop >= start else range(start, max(stop, 1) - 1, -1)
    for line in lines:
        code = code_at(file, line).partition("#")[0]
        leaves = LEAVING.search(code) or (copied and COPYING.search(code))
        if leaves and (line == start or code.startswith("return") or _is_assigned(code, user)):
            return file, line
    return None


def _is_assigned(code: str, user: str) -> bool:
    """Whether a line assigns to a name that stands in another."""
    return any(re.search(rf"(?<![\w.]){re.escape(name)}\b", user) for name in _assigned(code))


def _assigned(code: str) -> list[str]:
    """The names that a line assigns to."""
    found = ASSIGNED.match(code)
    return [name.strip() for name in found.group(1).split(",") if name.strip()] if found else []


def leaving_word(code: str) -> str:
    """What a line does to take a value out of the graph."""
    found = LEAVING.search(code) or COPYING.search(code)
    return found.group().strip(".(") if found else "detach"


def leaving_near(file: str, line: int) -> tuple[str, int] | None:
    """The line, of the one where a value was made and the few behind it, that seems to take it out of the graph."""
    names = _assigned(code_at(file, line))
    for k in range(line, line + NEAR):
        code = code_at(file, k).partition("#")[0]
        if LEAVING.search(code) and (k == line or any(re.search(rf"\b{re.escape(name)}\.", code) for name in names)):
            return file, k
    return None

"""The line of source where a value is taken out of the graph, by `detach()` or in another way that runs no op."""

from __future__ import annotations

import re
from typing import Final

from minigrad.diagnosis.text import code_at

DETACHING: Final = re.compile(r"\.detach\(|\bstop_gradient\(|\.data\b(?!\s*=[^=])|\.numpy\(|\.item\(|\.tolist\(")
COPYING: Final = re.compile(r"\b(Tensor|tensor|asarray|array|float)\(")
ASSIGNMENT: Final = re.compile(r"([\w., ]+?)(?:: [\w\[\]., |]+)? = ")
NEAR: Final = 8
"""The number of lines around a call that are searched."""


def find_detach(file: str, start: int, stop: int, user: str = "", copied: bool = False) -> tuple[str, int] | None:
    """The first line, going from one line to another in either direction, that detaches what is used.

    Args:
        file: the file of the lines.
        start, stop: the numbers of the first and the last line, both included.
        user: the code that uses the value; a line above it counts if it assigns to a name that occurs in it.
        copied: whether making a new Tensor or array counts as well.

    Returns:
        The file and the number of the line; None if there is no such line.
    """
    lines = range(start, stop + 1) if stop >= start else range(start, max(stop, 1) - 1, -1)
    for line in lines:
        code = code_at(file, line).partition("#")[0]
        detaches = DETACHING.search(code) or (copied and COPYING.search(code))
        if detaches and (line == start or code.startswith("return") or _is_assigned(code, user)):
            return file, line
    return None


def find_detach_after(file: str, line: int) -> tuple[str, int] | None:
    """The line that seems to detach a value: the one where the value was made, or one of the few that follow."""
    names = _assigned_names(code_at(file, line))
    for k in range(line, line + NEAR):
        code = code_at(file, k).partition("#")[0]
        if DETACHING.search(code) and (k == line or any(re.search(rf"\b{re.escape(name)}\.", code) for name in names)):
            return file, k
    return None


def detach_name(code: str) -> str:
    """The function or attribute by which a line detaches a value, such as "detach" or "numpy"."""
    found = DETACHING.search(code) or COPYING.search(code)
    return found.group().strip(".(") if found else "detach"


def _is_assigned(code: str, user: str) -> bool:
    """Whether a line assigns to a name that occurs in another."""
    return any(re.search(rf"(?<![\w.]){re.escape(name)}\b", user) for name in _assigned_names(code))


def _assigned_names(code: str) -> list[str]:
    found = ASSIGNMENT.match(code)
    return [name.strip() for name in found.group(1).split(",") if name.strip()] if found else []

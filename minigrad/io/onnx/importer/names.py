"""Legal paths in a module for the names of an ONNX file, which may be any text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, TypeAlias

Path: TypeAlias = tuple[str, ...]

MAX_PARTS: Final = 16
"""How deep modules are nested; what is below is joined into one name."""

MAX_LENGTH: Final = 80
"""How long one name may be."""


class Paths:
    """Finds paths, and remembers which are taken.

    Args:
        reserved: names that attributes of a module have already.
    """

    def __init__(self, reserved: Iterable[str]) -> None:
        self.reserved = frozenset(reserved)
        self.modules: set[Path] = {()}
        self.taken: dict[Path, int] = {}

    def module(self, parts: Iterable[str]) -> Path:
        """The path of a module, which exists from now on."""
        path = self._legal(parts)
        self.modules |= {path[:n] for n in range(len(path) + 1)}
        return path

    def variable(self, name: str) -> Path:
        """A path of its own for a parameter or buffer: module names, and a last name. All modules must exist before.

        >>> paths = Paths(["train"])
        >>> paths.variable("layer1.0.weight"), paths.variable("/layer1/0/weight"), paths.variable("train")
        (('layer1', '0', 'weight'), ('layer1', '0', 'weight_1'), ('train_',))
        """
        *owner, last = self._legal(split(name))
        base = self.module(owner)
        wanted = found = (*base, last)
        k = self.taken.get(wanted, 0)  # where the last search ended
        while found in self.taken or found in self.modules:
            k += 1
            found = (*base, f"{last}_{k}")
        self.taken[wanted], self.taken[found] = k, self.taken.get(found, 0)
        return found

    def _legal(self, parts: Iterable[str]) -> Path:
        listed = [part for part in parts if part]
        if len(listed) > MAX_PARTS:
            listed = [*listed[: MAX_PARTS - 1], "_".join(listed[MAX_PARTS - 1 :])]
        found = tuple(re.sub(r"\W", "_", part)[:MAX_LENGTH] or "_" for part in listed) or ("_",) * bool(listed)
        return tuple(f"{part}_" if part in self.reserved else part for part in found)


def split(name: str) -> list[str]:
    """The parts of a name between dots and slashes; at least one."""
    return [part for part in re.split(r"[./]", name) if part] or ["_"]


def common(paths: Iterable[Path]) -> Path:
    """The longest beginning that all paths have."""
    listed = list(paths)
    if not listed:
        return ()
    low, high = min(listed), max(listed)
    n = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
    return low[:n]

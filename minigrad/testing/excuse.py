"""The list of what cannot be otherwise: mutants that change nothing, and cells of the matrix that cannot be filled.

A TOML file with two tables, each from a name (or a pattern in which * stands for anything) to the reason:

    [mutants]
    "astype.x: dtype leaked" = "to change the dtype is what astype is for"

    [coverage]
    "svd: empty" = "LAPACK refuses empty matrices"

An entry that excuses nothing any more is stale, and is reported.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

TABLES = ("mutants", "coverage")


@dataclass
class Excuses:
    """One table of the list.

    >>> excuses = Excuses({"add.*: sign flipped": "because"})
    >>> excuses.reason("add.x: sign flipped"), excuses.reason("add.x: factor 2"), excuses.stale()
    ('because', None, [])
    """

    reasons: dict[str, str]
    used: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, path: Path, table: str) -> Excuses:
        """The table of a file; no file, no excuses.

        Raises:
            ValueError: the file has another table, or an entry without a reason.
        """
        tables = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        unknown = sorted(set(tables) - set(TABLES))
        if unknown:
            raise ValueError(f"{path}: unknown table [{unknown[0]}]; there are [{'] and ['.join(TABLES)}]")
        for name, reason in tables.get(table, {}).items():
            if not isinstance(reason, str) or not reason.strip():
                raise ValueError(f"{path}: {name!r} needs a reason")
        return cls(dict(tables.get(table, {})))

    def reason(self, name: str) -> str | None:
        """Why `name` is excused, or None; remembers which entries were of use."""
        for pattern, reason in self.reasons.items():
            if re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name):
                self.used.add(pattern)
                return reason
        return None

    def stale(self) -> list[str]:
        """The entries that excused nothing."""
        return [pattern for pattern in self.reasons if pattern not in self.used]

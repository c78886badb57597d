"""`Allowlist`: equivalent mutants, and cells of the coverage matrix that cannot be filled, each with the reason.

A TOML file with two tables, each from a name (or a pattern in which * stands for anything) to the reason:

    [mutants]
    "astype.x: dtype leaked" = "to change the dtype is what astype is for"

    [coverage]
    "svd: empty" = "LAPACK refuses empty matrices"

An entry that nothing matches is stale, and is reported.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ALLOWLIST_FILE: Final = "tests/equivalent_mutants.toml"
"""Where the list stands unless the ini option `grad_equivalent` says otherwise."""

ALLOWLIST_TABLES: Final = ("mutants", "coverage")


@dataclass
class Allowlist:
    """One table of the list.

    >>> allowlist = Allowlist({"add.*: sign flipped": "because"})
    >>> allowlist.reason("add.x: sign flipped"), allowlist.reason("add.x: factor 2"), allowlist.stale()
    ('because', None, [])
    """

    reasons: dict[str, str]
    used: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, path: Path, table: str) -> Allowlist:
        """One table of a file; empty where there is no file.

        Raises:
            ValueError: the file has another table, or an entry without a reason.
        """
        tables = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        unknown = sorted(set(tables) - set(ALLOWLIST_TABLES))
        if unknown:
            raise ValueError(f"{path}: unknown table [{unknown[0]}]; there are [{'] and ['.join(ALLOWLIST_TABLES)}]")
        for name, reason in tables.get(table, {}).items():
            if not isinstance(reason, str) or not reason.strip():
                raise ValueError(f"{path}: {name!r} needs a reason")
        return cls(dict(tables.get(table, {})))

    def reason(self, name: str) -> str | None:
        """Why `name` is on the list, or None; remembers which entries were used."""
        for pattern, reason in self.reasons.items():
            if re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name):
                self.used.add(pattern)
                return reason
        return None

    def stale(self) -> list[str]:
        """The entries that matched nothing so far."""
        return [pattern for pattern in self.reasons if pattern not in self.used]

    def stale_lines(self) -> list[str]:
        """A line for each entry that matched nothing."""
        return [f"STALE       {pattern!r} matches nothing any more" for pattern in self.stale()]

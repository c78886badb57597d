"""`Answer`: what a command has to say, for programs and for people."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What a command has to say.

    Attributes:
        document: for programs, with plain values.
        show: prints it for people.
        code: the exit code.
    """

    document: Mapping[str, Any]
    show: Callable[[], None]
    code: int = 0


def plain(value: Any) -> Any:
    """A value that JSON knows: null for what is no number, lists for arrays and tuples."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def table_text(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of text: the first column to the left, numbers to the right.

    >>> print(table_text(["class", "samples"], [["cat", "7"], ["elephant", "12"]]))
    class     samples
    cat             7
    elephant       12
    """
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width) for column, (cell, width) in enumerate(cells)
        ).rstrip()
        for cells in (list(zip(line, widths, strict=True)) for line in lines)
    )


def show_rows(name: str, rows: Sequence[tuple[str, str]]) -> None:
    """Print labeled lines, in a frame on a terminal where rich is installed."""
    if sys.stdout.isatty() and find_spec("rich") is not None:
        _show_frame(name, rows)
    else:
        print("\n".join(["", *(f"{label:15} {text}" for label, text in rows)]))


def _show_frame(name: str, rows: Sequence[tuple[str, str]]) -> None:
    from rich.console import Console
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(overflow="fold")  # what is to be pasted must not be cut
    for label, text in rows:
        table.add_row(Text(label, style="bold" if label.startswith("test") else "dim"), Text(text))
    Console().print(Panel(table, title=name, title_align="left", expand=False))

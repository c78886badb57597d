"""`Output`: what a command prints, for programs and for people."""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True)
class Output:
    """What a command prints.

    Attributes:
        document: for programs: values that `plain` makes JSON of, by name.
        show: prints it for people.
        code: the exit code (default: 0).
    """

    document: Mapping[str, object]
    show: Callable[[], None]
    code: int = 0


def plain(value: object) -> object:
    """Turn a value into one that JSON knows: null for what is no number, lists for arrays and tuples."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if callable(tolist := getattr(value, "tolist", None)):
        return plain(tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def table_text(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table of text: the first column to the left, the others to the right.

    Args:
        header: the names of the columns.
        rows: the cells of each row, as many as the header has.

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


def command_line(words: Sequence[str]) -> str:
    """Write words as they can be pasted into a shell."""
    return shlex.join(words)


def show_rows(name: str, rows: Sequence[tuple[str, str]]) -> None:
    """Print labeled lines, in a frame on a terminal where rich is installed.

    Args:
        name: the title of the frame.
        rows: a label and a text each.
    """
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

"""The networks of `minigrad_models`, read off their table."""

from __future__ import annotations

from minigrad_models import FAMILIES, Entry

HEAD = "| network | parameters | input | what it is | paper |\n|---|--:|---|---|---|"


def table(size: str) -> str:
    """The networks of one size, `paper` or `small`, in the order of history."""
    found = [entry for family in FAMILIES for entry in family.ENTRIES if entry.small == (size == "small")]
    return "\n".join([HEAD, *[row(entry) for entry in found]])


def row(entry: Entry) -> str:
    """A network in a line of the table."""
    parameters = f"{entry.parameters:,}" if entry.parameters else ""
    shape = " x ".join(map(str, entry.input_shape)) or "of any size"
    return f"| `{entry.name}` | {parameters} | {shape} | {entry.summary} | {entry.source} |"

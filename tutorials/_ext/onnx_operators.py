"""The operators of ONNX that `minigrad.io.from_onnx` runs, read off their table."""

from __future__ import annotations

from minigrad.io.onnx.importer.load import FAMILIES
from minigrad.io.onnx.importer.registry import OPERATORS


def table(what: str) -> str:
    """The operators by family (`operators`), or how many there are (`count`)."""
    own = [operator for operator in OPERATORS.values() if not operator.domain]
    if what == "count":
        return f"{len(own)} operators"
    rows = ["| family | operators |", "|---|---|"]
    for family in FAMILIES:
        names = sorted(operator.name for operator in own if operator.family == family)
        rows.append(f"| {family} | {', '.join(map(_linked, names))} |")
    notes: dict[str, list[str]] = {}
    for operator in sorted(own, key=lambda operator: operator.name):
        if operator.note:
            notes.setdefault(operator.note, []).append(operator.name)
    rows += ["", "| operator | remark |", "|---|---|"]
    rows += [f"| {', '.join(map(_linked, names))} | {note} |" for note, names in notes.items()]
    return "\n".join(rows)


def _linked(name: str) -> str:
    return f"[{name}](https://onnx.ai/onnx/operators/onnx__{name}.html)"

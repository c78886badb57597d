"""`CoverageMatrix`: the conditions that apply to each op, those that tests exercised, and the table that shows both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypedDict

from minigrad.autograd.op import Op
from minigrad.testing.coverage.conditions import CONDITIONS, Cell, applicable
from minigrad.testing.mutation.allowlist import Allowlist
from minigrad.testing.mutation.project import NO_OPS

SIGNS: Final = {"exercised": "x", "empty": "-", "excluded": "e", "": ""}


class CoverageData(TypedDict):
    """A CoverageMatrix as plain data, which pytest-xdist can send to another process."""

    applies: dict[str, list[str]]
    filled: list[list[str]]


class CoverageMatrix:
    """Which conditions apply to each op, and which cells were filled. Matrices of several processes can be joined.

    Attributes:
        applies: for each op's name the conditions that apply to it.
        filled: the cells that tests exercised.
    """

    def __init__(self) -> None:
        self.applies: dict[str, list[str]] = {}
        self.filled: set[Cell] = set()

    def add_ops(self, ops: Iterable[Op]) -> None:
        """Give each op with rules a row."""
        self.applies.update({op.name: applicable(op) for op in ops if op.rules or op.fast_rules})

    def as_data(self) -> CoverageData:
        """As plain data, for another process."""
        return {"applies": self.applies, "filled": sorted(map(list, self.filled))}

    def join(self, data: CoverageData) -> None:
        """Add the cells of another process."""
        for name, conditions in data["applies"].items():
            known = self.applies.setdefault(name, [])
            known += [condition for condition in conditions if condition not in known]
        self.filled.update((op, condition) for op, condition in data["filled"])

    def states(self, allowlist: Allowlist) -> dict[Cell, str]:
        """For each cell: exercised, empty, excluded, or "" where the condition does not apply."""
        states = {(op, condition): "" for op in sorted(self.applies) for condition in CONDITIONS}
        for op, applies in sorted(self.applies.items()):
            for condition in applies:
                filled = (op, condition) in self.filled
                excluded = not filled and allowlist.reason(f"{op}: {condition}")
                states[op, condition] = "exercised" if filled else "excluded" if excluded else "empty"
        return states

    def summary(self, allowlist: Allowlist) -> Iterator[str]:
        """The table, its empty and excluded cells by name, and entries of the allowlist that are stale."""
        if not self.applies:
            yield NO_OPS
            return
        states = self.states(allowlist)
        yield from self.table(states)
        yield ""
        cells = {kind: [cell for cell, state in states.items() if state == kind] for kind in SIGNS if kind}
        for op, condition in cells["excluded"]:
            yield f"excluded {op}: {condition}  ({allowlist.reason(f'{op}: {condition}')})"
        for op, condition in cells["empty"]:
            yield f"empty    {op}: {condition}"
        yield from allowlist.stale_lines()
        count = {kind: len(of_kind) for kind, of_kind in cells.items()}
        yield f"{len(self.applies)} ops: {count['exercised']} cells x exercised, {count['excluded']} e excluded, " + (
            f"{count['empty']} - empty"
        )

    def table(self, states: dict[Cell, str]) -> Iterator[str]:
        """The rows and columns: x exercised, - empty, e excluded."""
        heads = [condition.replace("non-", "non- ").split() for condition in CONDITIONS]
        widths = [max(map(len, head)) for head in heads]
        first = max(map(len, self.applies), default=0)
        for row in ([head[-2] if len(head) > 1 else "" for head in heads], [head[-1] for head in heads]):
            yield _row("", first, row, widths)
        for op in sorted(self.applies):
            yield _row(op, first, [SIGNS[states[op, condition]] for condition in CONDITIONS], widths)


def _row(name: str, first: int, texts: Sequence[str], widths: Sequence[int]) -> str:
    cells = [text.center(width) for text, width in zip(texts, widths, strict=True)]
    return f"{name:<{first}}  {'  '.join(cells)}".rstrip()

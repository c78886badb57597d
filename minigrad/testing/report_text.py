"""What the two measurements of a suite print."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from minigrad.testing.campaign import KILLED, Fate
from minigrad.testing.coverage import Matrix
from minigrad.testing.excuse import Excuses

NOTHING = "no op with rules is defined under the root directory outside of test files"


def coverage_lines(matrix: Matrix, excuses: Excuses) -> Iterator[str]:
    """The matrix, its empty cells by name, what is excused and why, and entries that are stale."""
    if not matrix.applies:
        yield NOTHING
        return
    states = matrix.states(excuses)
    yield from matrix.lines(states)
    yield ""
    of = {kind: [cell for cell, state in states.items() if state == kind] for kind in ("exercised", "empty", "excused")}
    for op, condition in of["excused"]:
        yield f"excused  {op}: {condition}  ({excuses.reason(f'{op}: {condition}')})"
    for op, condition in of["empty"]:
        yield f"empty    {op}: {condition}"
    yield from _stale(excuses)
    count = {kind: len(cells) for kind, cells in of.items()}
    yield f"{len(matrix.applies)} ops: {count['exercised']} cells x exercised, {count['excused']} e excused, " + (
        f"{count['empty']} - empty"
    )


def survivors(fates: list[Fate], excuses: Excuses) -> list[Fate]:
    """The mutants that no test noticed and no reason excuses."""
    return [fate for fate in fates if fate.outcome != KILLED and excuses.reason(fate.mutant.name) is None]


def mutant_lines(fates: list[Fate] | None, excuses: Excuses, root: Path, names: str) -> Iterator[str]:
    """Survivors with their places, equivalent mutants with the reasons, stale entries, and the score."""
    if fates is None:
        yield "not tried: tests fail without any mutant, or none was run"
        return
    if not fates:
        yield f"{NOTHING}; name some: --grad-mutants=NAME"
        return
    alive = survivors(fates, excuses)
    equivalent = [fate for fate in fates if fate.outcome != KILLED and fate not in alive]
    for fate in sorted(equivalent, key=_name):
        yield f"equivalent  {fate.mutant.name}  ({excuses.reason(fate.mutant.name)})"
    for fate in sorted(alive, key=_name):
        place = fate.mutant.place.removeprefix(f"{root}/")
        yield f"SURVIVED    {fate.mutant.name}  [{place}] {fate.outcome}"
    if not names:  # a campaign against some ops says nothing about entries for others
        yield from _stale(excuses)
    killed, count = len(fates) - len(alive) - len(equivalent), len(fates)
    score = f"{killed / (count - len(equivalent)):.1%}" if count > len(equivalent) else "none to kill"
    yield f"{count} mutants: {killed} killed, {len(equivalent)} equivalent, {len(alive)} survived. Score: {score}"


def _name(fate: Fate) -> str:
    return fate.mutant.name


def _stale(excuses: Excuses) -> Iterator[str]:
    for pattern in excuses.stale():
        yield f"STALE       {pattern!r} excuses nothing any more"

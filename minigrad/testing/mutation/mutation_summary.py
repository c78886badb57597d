"""What `--grad-mutants` prints: survivors, equivalent mutants, and the score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from minigrad.testing.mutation.allowlist import Allowlist
from minigrad.testing.mutation.mutation_run import KILLED, MutantResult
from minigrad.testing.mutation.project import NO_OPS


def survivors(results: Sequence[MutantResult], allowlist: Allowlist) -> list[MutantResult]:
    """The mutants that no test noticed and that are not on the allowlist."""
    return [result for result in results if result.outcome != KILLED and allowlist.reason(result.mutant.name) is None]


def summary_lines(
    results: Sequence[MutantResult] | None, allowlist: Allowlist, root: Path, *, named: bool
) -> Iterator[str]:
    """Survivors with their locations, equivalent mutants with the reasons, stale entries, and the score.

    Args:
        results: one a mutant; None where no mutant was tried.
        allowlist: the equivalent mutants.
        root: the directory that locations are given relative to.
        named: whether only some ops were asked for, so that entries for others are not stale.
    """
    if results is None:
        yield "not tried: tests fail without any mutant, or none was run"
        return
    if not results:
        yield f"{NO_OPS}; name some: --grad-mutants=NAME"
        return
    alive = survivors(results, allowlist)
    equivalent = [result for result in results if result.outcome != KILLED and result not in alive]
    for result in sorted(equivalent, key=_name):
        yield f"equivalent  {result.mutant.name}  ({allowlist.reason(result.mutant.name)})"
    for result in sorted(alive, key=_name):
        location = result.mutant.location.removeprefix(f"{root}/")
        yield f"SURVIVED    {result.mutant.name}  [{location}] {result.outcome}"
    if not named:
        yield from allowlist.stale_lines()
    killed, count = len(results) - len(alive) - len(equivalent), len(results)
    score = f"{killed / (count - len(equivalent)):.1%}" if count > len(equivalent) else "none to kill"
    yield f"{count} mutants: {killed} killed, {len(equivalent)} equivalent, {len(alive)} survived. Score: {score}"


def _name(result: MutantResult) -> str:
    return result.mutant.name

"""The table of the tools: false alarms, and what is caught, by kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from minigrad.testing.numeric.comparison import Verdict
from minigrad.testing.scoreboard.pair import Pair
from minigrad.testing.scoreboard.tools import Judge, Opinion, opinion


@dataclass(frozen=True)
class Judged:
    """A pair and what a tool said of it."""

    pair: Pair
    opinion: Opinion

    @property
    def failed(self) -> bool:
        """Whether a right one was blamed, or a wrong one that can be seen was not caught."""
        wrong = self.opinion.verdict is Verdict.WRONG
        return wrong if self.pair.right else self.pair.visible and not wrong

    def __str__(self) -> str:
        truth = "right" if self.pair.right else "wrong"
        report = self.opinion.text.strip().replace("\n", "\n    ")
        return f"{self.pair} ({truth}), said {self.opinion.verdict.value} in {self.opinion.seconds:.2f} s\n    {report}"


def judge_all(judge: Judge, pairs: Iterable[Pair], limit: float = 20.0) -> list[Judged]:
    """What a tool says of each pair, with at most `limit` seconds for each."""
    return [Judged(pair, opinion(judge, pair, limit)) for pair in pairs]


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        kind: of the pairs; "all" in the last lines.
        right: how many pairs are right.
        false_alarms: right ones that were called wrong.
        undecided: right ones that were left inconclusive.
        wrong: how many are wrong, and can be seen.
        caught: wrong ones that were called wrong.
        missed: wrong ones that were called correct.
        seconds: for all of them.
    """

    kind: str
    right: int
    false_alarms: int
    undecided: int
    wrong: int
    caught: int
    missed: int
    seconds: float


def row(kind: str, judged: Sequence[Judged]) -> Row:
    """Count the opinions on pairs; a mistake that nothing can see counts only for the time."""
    right = [j.opinion.verdict for j in judged if j.pair.right]
    wrong = [j.opinion.verdict for j in judged if not j.pair.right and j.pair.visible]
    return Row(
        kind,
        len(right),
        right.count(Verdict.WRONG),
        right.count(Verdict.INCONCLUSIVE),
        len(wrong),
        wrong.count(Verdict.WRONG),
        wrong.count(Verdict.CORRECT),
        sum(j.opinion.seconds for j in judged),
    )


def rows(judged: Sequence[Judged]) -> list[Row]:
    """A line for each kind, and one for all."""
    kinds = list(dict.fromkeys(j.pair.kind for j in judged))
    return [*[row(kind, [j for j in judged if j.pair.kind == kind]) for kind in kinds], row("all", judged)]


HEADER = ("", "right", "false alarm", "inconclusive", "wrong", "caught", "missed", "seconds")


def format_rows(title: str, table: Sequence[Row]) -> str:
    """The lines of one tool, in columns."""
    lines = [title, "  ".join([f"{HEADER[0]:<20}", *[f"{name:>12}" for name in HEADER[1:]]])]
    for r in table:
        counts = (r.right, r.false_alarms, r.undecided, r.wrong, r.caught, r.missed)
        lines.append("  ".join([f"{r.kind:<20}", *[f"{n or '':>12}" for n in counts], f"{r.seconds:>12.2f}"]))
    return "\n".join(lines)


def format_summary(results: Mapping[str, Sequence[Judged]]) -> str:
    """One line a tool: the table of the site."""
    return format_rows("all tools", [row(tool, judged) for tool, judged in results.items()])

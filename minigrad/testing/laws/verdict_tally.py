"""How many gradients of a run could be judged: a test in which most could not has shown nothing, and must not pass."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.numeric.comparison import Verdict
from minigrad.testing.report import Report

FEWEST: Final = 4
"""Of fewer calls nothing is concluded."""

_WHAT_WOULD_DECIDE: Final = (
    ("not finite", "say where the function is finite: domain=, or arguments= with a strategy of your own"),
    ("not deterministic", "give the function a fixed seed"),
    ("", "compute in float64 inside of the function, and draw points where it is smooth: domain=, arguments="),
)
"""By a word of the reason."""


class InconclusiveGradients(AssertionError):  # noqa: N818  (it is no error of a program, it is what was found)
    """Most gradients of a run could be neither confirmed nor refuted.

    Attributes:
        judged: how many calls with a gradient there were.
        inconclusive: of how many of them nothing could be said.
    """

    def __init__(self, judged: int, inconclusive: int, times: int, reason: str, example: FunctionCall) -> None:
        self.judged, self.inconclusive = judged, inconclusive
        hint = next(text for word, text in _WHAT_WOULD_DECIDE if word in reason)
        lines = [
            f"gradtest of {example.name} shows little: of {judged} gradients {inconclusive} are inconclusive",
            f"{times} times such as: {reason}",
            f"for example: {example.as_python('gradient')}",
            f"hint: {hint}; or leave the law out and say so: laws= without 'gradient'",
        ]
        super().__init__("\n    ".join(lines))


class VerdictTally:
    """Counts the verdicts of the law `gradient` in one run."""

    def __init__(self) -> None:
        self.judged = 0
        self.reasons: Counter[str] = Counter()
        self.examples: dict[str, tuple[str, FunctionCall]] = {}

    def add(self, call: FunctionCall) -> None:
        """Count the verdict on one call, if there was anything to differentiate."""
        report = call.cache.get("gradient")
        if not isinstance(report, Report) or not any(x.size for x in call.values):
            return
        self.judged += 1
        if report.verdict is Verdict.INCONCLUSIVE:
            reason = report.note or "the error of the numerical derivative is too large"
            kind = re.sub(r"\d[\d.e+-]*", "", reason)  # alike but for the numbers in it
            self.reasons[kind] += 1
            self.examples.setdefault(kind, (reason, call))

    def raise_if_inconclusive(self) -> None:
        """Fail where nothing can be said of more than half of the gradients.

        Raises:
            InconclusiveGradients: with the most frequent reason and what would decide.
        """
        __tracebackhide__ = True
        if self.judged >= FEWEST and 2 * self.reasons.total() > self.judged:
            kind, times = self.reasons.most_common(1)[0]
            raise InconclusiveGradients(self.judged, self.reasons.total(), times, *self.examples[kind])

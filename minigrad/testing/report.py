"""`Report`: what `check_grads` found, with the argument and element where a derivative is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from minigrad.testing.numeric.comparison import Verdict
from minigrad.typing import Array


@dataclass(frozen=True)
class Report:
    """What `check_grads` found. It is true only when the verdict is CORRECT.

    Attributes:
        verdict: correct, wrong or inconclusive.
        order: the order of the derivative that decided, 1 or 2.
        error: an estimate of the largest error of the numerical derivative, relative to the derivative's size.
        argument: the argument whose derivative was judged, as `argument 0`; "" where no single one was.
        element: the index of the element in that argument, or None.
        found: the derivative that was given there.
        expected: the numerical derivative there.
        found_gradient: the whole derivative by that argument, `outputs x argument's shape`, where it is small.
        expected_gradient: the numerical one.
        kinks: how many outputs have a kink at the point, or closer to it than can be resolved.
        convention: which subgradient was met at the kinks, in words.
        note: whatever else should be known, in words.
    """

    verdict: Verdict
    order: int = 1
    error: float = 0.0
    argument: str = ""
    element: tuple[int, ...] | None = None
    found: float | None = None
    expected: float | None = None
    found_gradient: Array | None = None
    expected_gradient: Array | None = None
    kinks: int = 0
    convention: str = ""
    note: str = ""

    def __bool__(self) -> bool:
        return self.verdict is Verdict.CORRECT

    def __str__(self) -> str:
        ordinal = "first" if self.order == 1 else "second"
        lines = [f"{self.verdict.value} ({ordinal} order), relative error of the check {self.error:.1e}"]
        if self.found is not None:
            where = f"{self.argument}[{', '.join(map(str, self.element))}]" if self.element else self.argument
            lines.append(f"  at {where}: found {self.found:.10g}, expected {self.expected:.10g}")
        lines += [f"  {text}" for text in (self.convention, self.note) if text]
        return "\n".join(lines)

"""Samples that cannot be read and are left out: a dataset tells of each, and a loader counts them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_collected: ContextVar[list[str] | None] = ContextVar("collected", default=None)

SHOWN = 20
"""How many reasons are kept; all are counted."""


def skip(reason: str) -> None:
    """Tell that a sample is left out: to who collects what was skipped, or as a warning.

    Args:
        reason: the file, the offset in it, and what is wrong.
    """
    collected = _collected.get()
    if collected is None:
        warnings.warn(f"left out: {reason}", UserWarning, stacklevel=3)
    else:
        collected.append(reason)


@contextmanager
def collect_skipped() -> Iterator[list[str]]:
    """The reasons of all samples that are skipped inside of this context, in this thread."""
    reasons: list[str] = []
    token = _collected.set(reasons)
    try:
        yield reasons
    finally:
        _collected.reset(token)


class Skipped:
    """The samples that were left out: their number, and the first reasons.

    Attributes:
        count: how many.
        reasons: of the first 20, in the order in which they came.
    """

    def __init__(self) -> None:
        self.count = 0
        self.reasons: list[str] = []

    def add(self, reasons: Iterable[str]) -> None:
        """Count more of them.

        Args:
            reasons: one for each.
        """
        for reason in reasons:
            self.count += 1
            if len(self.reasons) < SHOWN:
                self.reasons.append(reason)

    def __str__(self) -> str:
        samples = "1 sample was" if self.count == 1 else f"{self.count:,} samples were"
        more = f"; and {self.count - len(self.reasons):,} more" if self.count > len(self.reasons) else ""
        return f"{samples} left out: {'; '.join(self.reasons)}{more}"

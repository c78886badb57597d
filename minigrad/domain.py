"""Where a function may be evaluated: what an op states of its inputs, and what tests draw them from."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Domain:
    """An open interval of the real line, possibly without the points where the function is singular."""

    low: float = -inf
    high: float = inf
    without: tuple[float, ...] = ()

    def __contains__(self, x: float) -> bool:
        return self.low < x < self.high and x not in self.without


REAL = Domain()
POSITIVE = Domain(low=0.0)
NONZERO = Domain(without=(0.0,))
UNIT = Domain(low=-1.0, high=1.0)
ABOVE_MINUS_ONE = Domain(low=-1.0)

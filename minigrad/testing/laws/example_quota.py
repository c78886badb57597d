"""`ExampleQuota`: fewer examples of calls with many numbers, each of which tries many values at once."""

from __future__ import annotations

from typing import Final

import numpy as np

from minigrad.testing.calls.function_call import FunctionCall

ONE_EXAMPLE: Final = 128
"""A call of at most so many numbers is one example, a larger one as many as it has times so many."""
FEWEST: Final = 8
"""So many calls are tried in any case."""


class ExampleQuota:
    """Counts the calls that were tried, large ones several times.

    It counts numbers and not seconds, so that the same calls are tried on every machine.

    Args:
        limit: how many examples are to be tried; None for all that are drawn.
    """

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self._calls, self._examples = 0, 0.0

    def add(self, call: FunctionCall) -> float:
        """Count one call, and tell how many examples it is."""
        numbers = sum(x.size for x in call.args if isinstance(x, np.ndarray))
        examples = max(1.0, numbers / ONE_EXAMPLE)
        self._calls += 1
        self._examples += examples
        return examples

    @property
    def is_used_up(self) -> bool:
        """Whether enough was tried."""
        return self.limit is not None and self._calls >= FEWEST and self._examples >= self.limit

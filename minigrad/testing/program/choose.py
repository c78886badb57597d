"""Drawing numbers quickly: Hypothesis prepares each strategy once, and programs draw some hundred numbers each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final, TypeVar

from hypothesis import strategies as st

from minigrad.testing.strategies.array_strategies import Draw

T = TypeVar("T")

RANGE: Final = 24
"""Divisible by most small numbers."""


def below(draw: Draw, count: int) -> int:
    """A number from 0 to count - 1; 0 is the simplest.

    A small number is always drawn from the same range. So what was drawn keeps its meaning, or has another valid one,
    when Hypothesis leaves out an earlier step, and with it some of the values to choose from.
    """
    return draw(_integers(RANGE)) % count if count <= RANGE else draw(_integers(count))


def one_of(draw: Draw, choices: Sequence[T]) -> T:
    """One of several things, the first one being the simplest."""
    return choices[below(draw, len(choices))]


@cache
def _integers(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)

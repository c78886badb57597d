"""The numbers that are drawn: simple ones, close to kinks, and from the tails.

Numbers are small multiples of 1/8 inside of the domain, together with an op's kinks and points very close to them. So
ties are frequent, near-ties occur, and a failure shrinks to an array that is easy to read.

In one array of five or so, one element is a number from the tails, where functions saturate, overflow and cancel. The
others stay ordinary, so that it is one among numbers that it dwarfs, and a failure that needs it shrinks to it alone.
In one array of ten all elements are equal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Final, TypeAlias

from hypothesis import strategies as st

from minigrad.domain import REAL, Domain, MatrixDomain

Kinks: TypeAlias = Sequence[float] | str
"""Numbers to hit often, or "ties" for elements that equal each other."""

NEAR_TIE: Final = 2.0**-20
"""How close a near-tie is: distinct in every dtype but half precision."""

TAILS: Final = (20.0, -20.0, 1e-6, -1e-6, 40.0, -40.0, 800.0, -800.0, 1e4, -1e4, 0.0)
"""Where 1 + exp(-x) is nearly 1, and 1; where exp overflows; where x^2 vanishes beside 1, and 1 beside x^4."""
FROM_EDGE: Final = 1e-6
"""How far from the end of a domain a number of its tails is."""

EIGHTHS: Final = (4, 8, 16, 0, -4, -8, -16, 2, 6, 12, 24, -2, -6, -12, -24, 1, 3, 5, 7, 9, 11, -1, -3, -5, -7, -9)


def lattice(domain: Domain = REAL, kinks: Sequence[float] = ()) -> list[float]:
    """The numbers that are drawn from, simple ones first: multiples of 1/8, kinks and their close neighbors."""
    numbers = [k / 8 for k in EIGHTHS]
    if math.isfinite(domain.low) and domain.low >= 1 / 2:
        numbers = [domain.low + abs(x) for x in numbers]
    elif math.isfinite(domain.low) and math.isfinite(domain.high) and domain.high - domain.low < 1:
        numbers = [domain.low + (domain.high - domain.low) * k / 8 for k in (4, 2, 6, 1, 3, 5, 7)]
    return list(dict.fromkeys(x for x in numbers + near_kinks(kinks) if x in domain))


def near_kinks(kinks: Sequence[float]) -> list[float]:
    """The kinks, and points very close to them."""
    return [float(k) + d for k in kinks for d in (0.0, NEAR_TIE, -NEAR_TIE)]


def tail_numbers(domain: Domain = REAL) -> list[float]:
    """The numbers of a domain that are far out, next to 0 or next to its ends.

    Args:
        domain: where they lie (default REAL); a domain of matrices has none, where one element means little.
    """
    if isinstance(domain, MatrixDomain):
        return []
    edges = [end + d for end, d in ((domain.low, FROM_EDGE), (domain.high, -FROM_EDGE)) if math.isfinite(end)]
    return [x for x in dict.fromkeys((*TAILS, *edges)) if x in domain]


def numbers(domain: Domain = REAL, kinks: Kinks = ()) -> st.SearchStrategy[float]:
    """Numbers of a domain.

    Args:
        domain: where they lie (default REAL).
        kinks: numbers to hit often, or to come very close to; "ties" for numbers that often equal each other
            (default ()).
    """
    return _numbers(domain, kinks if isinstance(kinks, str) else tuple(kinks))


@cache
def _numbers(domain: Domain, kinks: tuple[float, ...] | str) -> st.SearchStrategy[float]:
    points = lattice(domain, () if isinstance(kinks, str) else kinks)
    special = [0.5 + NEAR_TIE, 1.0 + NEAR_TIE] if isinstance(kinks, str) else near_kinks(kinks)
    often = [x for x in special if x in domain]
    return st.one_of([st.sampled_from(few) for few in (points[:6], points, often) if few])


def values(
    domain: Domain = REAL, kinks: Kinks = (), *, count: int, tails: bool = True
) -> st.SearchStrategy[list[float]]:
    """Lists of numbers of a domain, the elements of one array.

    Args:
        domain: where they lie (default REAL).
        kinks: numbers to hit often, or "ties" (default ()).
        count: how many.
        tails: whether one of them may be from the tails (default True).
    """
    far = tuple(tail_numbers(domain)) if tails else ()
    return _values(domain, kinks if isinstance(kinks, str) else tuple(kinks), count, far)


@st.composite
def _values(
    draw: st.DrawFn, domain: Domain, kinks: tuple[float, ...] | str, count: int, far: tuple[float, ...]
) -> list[float]:
    drawn = draw(st.lists(_numbers(domain, kinks), min_size=count, max_size=count))
    if far and count and draw(st.booleans()):
        drawn[draw(st.integers(0, count - 1))] = draw(st.sampled_from(far))
    if count > 1 and draw(st.integers(0, 9)) == 9:
        drawn = [drawn[draw(st.integers(0, count - 1))]] * count
    return drawn

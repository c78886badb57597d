"""Arguments that lie well inside of an op's domain, so that derivatives there are moderate and differences mean much.

A number within the range of its op is passed on as it is; another one is put there by a smooth function,
`middle + half * sin(x)`, which is part of the program. Matrices are made invertible, symmetric or positive definite.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

import minigrad.ops as mg
from minigrad.autograd.tensor import Tensor
from minigrad.domain import FULL_RANK, INVERTIBLE, POSITIVE_DEFINITE, SYMMETRIC, Domain, MatrixDomain
from minigrad.errors import UsageError
from minigrad.typing import Array

REACH: Final = 2.0
"""How far arguments go from 0, or from the end of a half-line."""
MARGIN: Final = 0.5
"""How close they come to the end of a half-line; of an interval, a quarter of its half is left at each end."""
APART: Final = 16
"""What is added to diagonals, once, twice and so on, so that eigenvalues and singular values differ. All other elements
of such matrices are moved away from 0: where one is 0, LAPACK lets signs of vectors jump.
"""


@dataclass(frozen=True)
class Range:
    """A closed interval well inside of a domain."""

    low: float
    high: float

    def __contains__(self, x: Array) -> bool:
        return bool(((x >= self.low) & (x <= self.high)).all())

    @property
    def into(self) -> IntoDomain:
        """What puts any number there."""
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        moved = f"{half} * mg.sin({{x}})"
        return IntoDomain(f"{middle} + {moved}", 3) if middle else IntoDomain(moved, 2)


@dataclass(frozen=True)
class IntoDomain:
    """A smooth function into a domain.

    Args:
        text: Python code for it, with {x} for the argument.
        op_count: the number of ops that it is made of.
    """

    text: str
    op_count: int

    def code(self, x: str) -> str:
        """The code for the argument that is called x."""
        return self.text.format(x=x)

    @property
    def function(self) -> Callable[[Tensor], Tensor]:
        """The function that the code is."""
        return _compiled(self.text)


@cache
def _compiled(text: str) -> Callable[[Tensor], Tensor]:
    function: Callable[[Tensor], Tensor] = eval(f"lambda x: {text.format(x='x')}", {"mg": mg, "np": np})
    return function


_INTO_MATRICES: Final = {
    INVERTIBLE.name: IntoDomain("mg.sin({x}) + 4 * np.eye({x}.shape[-1], dtype={x}.dtype)", 2),
    POSITIVE_DEFINITE.name: IntoDomain(
        "mg.matmul(mg.sin({x}), mg.matrix_transpose(mg.sin({x}))) + np.eye({x}.shape[-1], dtype={x}.dtype)", 5
    ),
    SYMMETRIC.name: IntoDomain(
        f"mg.sin({{x}}) + mg.matrix_transpose(mg.sin({{x}})) + "
        f"(3 + np.diag({APART} * np.arange(1, {{x}}.shape[-1] + 1))).astype({{x}}.dtype)",
        5,
    ),
    FULL_RANK.name: IntoDomain(
        f"mg.sin({{x}}) + "
        f"(2 + np.eye(*{{x}}.shape[-2:]) * {APART} * np.arange(1, {{x}}.shape[-1] + 1)).astype({{x}}.dtype)",
        2,
    ),
}


@cache
def range_inside(domain: Domain) -> Range:
    """Where numbers of a domain are taken from."""
    low = max([domain.low, *[x for x in domain.without if x < domain.high]])
    if math.isfinite(low) and math.isfinite(domain.high):
        eighth = (domain.high - low) / 8
        return Range(low + eighth, domain.high - eighth)
    if math.isfinite(low):
        return Range(low + MARGIN, low + MARGIN + REACH)
    return Range(-REACH, REACH) if domain.high > REACH else Range(domain.high - MARGIN - REACH, domain.high - MARGIN)


def needed(domain: Domain, x: Array) -> IntoDomain | None:
    """What puts x into the domain; None if it lies well inside.

    Raises:
        UsageError: nothing is known of this domain of matrices.
    """
    if isinstance(domain, MatrixDomain):
        if domain.name not in _INTO_MATRICES:
            raise UsageError(f"programs: no smooth function is known into the domain of matrices {domain.name!r}")
        return _INTO_MATRICES[domain.name]
    inside = range_inside(domain)
    return None if x in inside else inside.into

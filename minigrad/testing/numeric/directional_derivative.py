"""What is known of a function along one line: for each element of its value a derivative, a kink, or nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from minigrad.testing.numeric.finite_difference import Slope, Slopes, complex_step, quick, thorough
from minigrad.testing.numeric.flat_function import Flat

Mask = NDArray[np.bool_]
Vector = NDArray[Any]

MEANINGFUL: Final = 1e-5
"""A derivative known to this part of its size is known; one with a larger error says nothing for a rule."""
ROUGH: Final = 1e-2
"""The same close to a kink, where slopes that differ much are to be told apart."""
ROUNDING: Final = 1e-10
"""What rounding in the rule itself may amount to, relative to the terms that it adds up."""
NOTHING: Final = 1e-9
"""Relative to arguments and values of size one, what is smaller than this is no derivative but rounding."""
FINE_STEP: Final = 2.0**-20


@dataclass
class Line:
    """The derivative of each output along a direction, after as much work as was needed.

    Attributes:
        v: the direction.
        value, error: the two-sided derivatives, with bounds on their errors.
        smooth: the outputs that have a derivative, known well enough.
        kinked: those whose derivatives from the two sides differ.
        one_sided: those with a derivative from one side only (the edge of a domain, a jump).
        left, right: the derivatives from the sides; set where they were looked for.
        easy: whether the first look settled everything, so that there is no kink nearby.
        settled: whether the thorough search was made.
        disputed: the outputs where small steps contradict large ones (see `Slopes`).
    """

    v: Vector
    value: Vector
    error: Vector
    smooth: Mask
    kinked: Mask
    one_sided: Mask
    left: Vector
    right: Vector
    easy: bool = False
    settled: bool = False
    disputed: Mask | None = None

    def known(self, k: int) -> float:
        """The derivative of output k; 0 where it is no larger than its error."""
        return 0.0 if abs(self.value[k]) <= self.error[k] else float(self.value[k])

    @property
    def unknown(self) -> Mask:
        """The outputs about which nothing is known."""
        return ~(self.smooth | self.kinked | self.one_sided)

    def differs(self, claimed: Vector, terms: Vector | float = 0.0) -> Mask:
        """Where a claimed derivative is not within the error; `terms` is the size of what it was added up from."""
        size = np.maximum(np.abs(self.value), np.abs(claimed)) + terms
        apart = np.abs(np.where(np.isfinite(claimed), claimed, np.inf) - self.value)
        return np.asarray(~(apart <= 2 * self.error + ROUNDING * size), bool)

    def differs_clearly(self, claimed: Vector, terms: Vector | float = 0.0) -> Mask:
        """Where it is several times beyond the error."""
        size = np.maximum(np.abs(self.value), np.abs(claimed)) + terms
        apart = np.abs(np.where(np.isfinite(claimed), claimed, np.inf) - self.value)
        clearly = ~(apart <= 6 * self.error + 4 * ROUNDING * np.where(np.isfinite(size), size, 0))
        return np.asarray(clearly if self.disputed is None else clearly & ~self.disputed, bool)

    def in_hull(self, claimed: Vector) -> Mask:
        """Where a claimed derivative is between those of the two sides."""
        low, high = np.minimum(self.left, self.right), np.maximum(self.left, self.right)
        slack = 2 * self.error + MEANINGFUL * (high - low)
        return np.asarray((claimed >= low - slack) & (claimed <= high + slack), bool)


def explore(
    flat: Flat,
    v: Vector,
    claimed: Vector | None = None,
    terms: Vector | float = 0.0,
    *,
    care: Mask | None = None,
    deep: bool = True,
) -> Line:
    """The derivatives along v, with no more work than is needed.

    Args:
        flat: the function at its point.
        v: the direction.
        claimed: the derivatives to compare with; where they do not agree with quick differences, better ones are made.
        terms: the size of what these were added up from.
        care: the outputs that matter; all unless given.
        deep: make the thorough search if quick ones do not settle everything.
    """

    def done(line: Line) -> bool:
        good = line.smooth if claimed is None else line.smooth & ~line.differs(claimed, terms)
        return bool(np.all(good if care is None else good | ~care))

    slope = quick(flat.value, flat.x, v, flat.at_x, flat.epsilon)
    line = _first_look(flat, v, slope, claimed, terms)
    if done(line):
        return replace(line, easy=True)
    fine = quick(flat.value, flat.x, v, flat.at_x, flat.epsilon, FINE_STEP)
    better = ~line.smooth & (fine.error < slope.error)
    slope = Slope(np.where(better, fine.value, slope.value), np.where(better, fine.error, slope.error))
    line = _first_look(flat, v, slope, claimed, terms)
    return settle(flat, line, claimed, terms) if deep and not done(line) else line


def settle(flat: Flat, line: Line, claimed: Vector | None = None, terms: Vector | float = 0.0) -> Line:
    """The same line after the thorough search."""
    if line.settled:
        return line
    slopes = thorough(flat.value, flat.x, line.v, flat.at_x, flat.epsilon)
    central = slopes.central
    through = complex_step(flat.value_on_arrays, flat.x, line.v, flat.at_x, central)
    return _classified(flat, line.v, slopes, through or central, claimed, terms)


def _first_look(flat: Flat, v: Vector, slope: Slope, claimed: Vector | None, terms: Vector | float) -> Line:
    smooth = is_known(flat, slope, claimed, terms=terms)
    none = np.zeros(smooth.shape, bool)
    return Line(v, slope.value, slope.error, smooth, none, none, slope.value, slope.value)


def _classified(
    flat: Flat, v: Vector, slopes: Slopes, central: Slope, claimed: Vector | None, terms: Vector | float
) -> Line:
    left, right = slopes.left, slopes.right
    disputed = slopes.disputed
    smooth = is_known(flat, central, claimed, terms=terms) & ~disputed
    known_left, known_right = is_known(flat, left, None, terms=terms), is_known(flat, right, None, terms=terms)
    jump = np.abs(left.value - right.value)
    apart = jump > 20 * (left.error + right.error)
    kinked = ~smooth & ~disputed & known_left & known_right & apart
    rough = is_known(flat, central, claimed, ROUGH, terms) & ~kinked & ~disputed
    smooth = smooth | rough
    one_sided = ~smooth & ~kinked & ~disputed & (known_left != known_right)
    error = np.where(kinked, left.error + right.error, central.error)
    lefts = np.where(known_left, left.value, right.value)
    rights = np.where(known_right, right.value, left.value)
    error = np.where(one_sided, np.minimum(left.error, right.error), error)
    return Line(v, central.value, error, smooth, kinked, one_sided, lefts, rights, settled=True, disputed=disputed)


def is_known(
    flat: Flat, slope: Slope, claimed: Vector | None, part: float = MEANINGFUL, terms: Vector | float = 0.0
) -> Mask:
    """Where an error is small enough to mean something."""
    size = np.abs(slope.value)
    if claimed is not None:
        size = np.maximum(size, np.where(np.isfinite(claimed), np.abs(claimed), 0))
    finite = np.isfinite(flat.at_x)
    height = min(1.0, flat.height)
    floor = NOTHING * (part / MEANINGFUL) * np.maximum(max(height, float(np.max(size, initial=0.0))), terms)
    return np.asarray(slope.error <= np.maximum(part * size, floor), bool) & finite

"""The derivative of each output of a function along a direction: two-sided, one-sided, at a kink, or unknown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from minigrad.testing.numeric.finite_difference import (
    Mask,
    NumericalDerivative,
    SidedDerivatives,
    Vector,
    adaptive_difference,
    central_difference,
    complex_step,
)
from minigrad.testing.numeric.flat_function import FlatFunction

ACCURATE: Final = 1e-5
"""A derivative known to this part of its size is known; one with a larger error says nothing for a rule."""
ACCURATE_NEAR_KINKS: Final = 1e-2
"""The same close to a kink, where derivatives that differ much are to be told apart."""
RULE_ROUNDING: Final = 1e-10
"""What rounding in the rule itself may amount to, relative to the terms that it adds up."""
NEGLIGIBLE: Final = 1e-9
"""Relative to arguments and values of size one, what is smaller than this is no derivative but rounding."""
FINE_STEP: Final = 2.0**-20


@dataclass
class DirectionalDerivative:
    """The derivative of each output along a direction, after as much work as was needed.

    Attributes:
        v: the direction.
        value, error: the two-sided derivatives, with bounds on their errors.
        smooth: the outputs that have a derivative, known well enough.
        kinked: those whose derivatives from the two sides differ.
        one_sided: those with a derivative from one side only (the edge of a domain, a jump).
        left, right: the derivatives from the sides; set where they were looked for.
        no_kink_nearby: whether the first differences were enough for all outputs.
        adaptive: whether steps of all sizes were tried.
        inconsistent: the outputs where small steps contradict large ones (see `SidedDerivatives`).
    """

    v: Vector
    value: Vector
    error: Vector
    smooth: Mask
    kinked: Mask
    one_sided: Mask
    left: Vector
    right: Vector
    no_kink_nearby: bool = False
    adaptive: bool = False
    inconsistent: Mask | None = None

    def of_output(self, k: int) -> float:
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
        return np.asarray(~(apart <= 2 * self.error + RULE_ROUNDING * size), bool)

    def differs_clearly(self, claimed: Vector, terms: Vector | float = 0.0) -> Mask:
        """Where it is several times beyond the error."""
        size = np.maximum(np.abs(self.value), np.abs(claimed)) + terms
        apart = np.abs(np.where(np.isfinite(claimed), claimed, np.inf) - self.value)
        clearly = ~(apart <= 6 * self.error + 4 * RULE_ROUNDING * np.where(np.isfinite(size), size, 0))
        return np.asarray(clearly if self.inconsistent is None else clearly & ~self.inconsistent, bool)

    def between_sides(self, claimed: Vector) -> Mask:
        """Where a claimed derivative is between those of the two sides."""
        low, high = np.minimum(self.left, self.right), np.maximum(self.left, self.right)
        slack = 2 * self.error + ACCURATE * (high - low)
        return np.asarray((claimed >= low - slack) & (claimed <= high + slack), bool)


def differentiate_along(
    f: FlatFunction,
    v: Vector,
    claimed: Vector | None = None,
    terms: Vector | float = 0.0,
    *,
    outputs: Mask | None = None,
    adaptive: bool = True,
) -> DirectionalDerivative:
    """The derivatives along v, with no more work than is needed.

    Args:
        f: the function at its point.
        v: the direction.
        claimed: the derivatives to compare with; where they do not agree with quick differences, better ones are made.
        terms: the size of what these were added up from.
        outputs: the outputs that matter; all unless given.
        adaptive: try steps of all sizes if a few do not suffice.
    """

    def done(derivative: DirectionalDerivative) -> bool:
        good = derivative.smooth if claimed is None else derivative.smooth & ~derivative.differs(claimed, terms)
        return bool(np.all(good if outputs is None else good | ~outputs))

    coarse = central_difference(f.value, f.x, v, f.y, f.epsilon)
    derivative = _from_central(f, v, coarse, claimed, terms)
    if done(derivative):
        return replace(derivative, no_kink_nearby=True)
    fine = central_difference(f.value, f.x, v, f.y, f.epsilon, FINE_STEP)
    better = ~derivative.smooth & (fine.error < coarse.error)
    central = NumericalDerivative(
        np.where(better, fine.value, coarse.value), np.where(better, fine.error, coarse.error)
    )
    derivative = _from_central(f, v, central, claimed, terms)
    return differentiate_adaptively(f, derivative, claimed, terms) if adaptive and not done(derivative) else derivative


def differentiate_adaptively(
    f: FlatFunction, derivative: DirectionalDerivative, claimed: Vector | None = None, terms: Vector | float = 0.0
) -> DirectionalDerivative:
    """The same derivative after steps of all sizes."""
    if derivative.adaptive:
        return derivative
    sided = adaptive_difference(f.value, f.x, derivative.v, f.y, f.epsilon)
    central = sided.central
    complex_central = complex_step(f.value_on_arrays, f.x, derivative.v, f.y, central)
    return _classified(f, derivative.v, sided, complex_central or central, claimed, terms)


def _from_central(
    f: FlatFunction, v: Vector, central: NumericalDerivative, claimed: Vector | None, terms: Vector | float
) -> DirectionalDerivative:
    smooth = _is_accurate(f, central, claimed, terms=terms)
    none = np.zeros(smooth.shape, bool)
    return DirectionalDerivative(v, central.value, central.error, smooth, none, none, central.value, central.value)


def _classified(
    f: FlatFunction,
    v: Vector,
    sided: SidedDerivatives,
    central: NumericalDerivative,
    claimed: Vector | None,
    terms: Vector | float,
) -> DirectionalDerivative:
    left, right = sided.left, sided.right
    inconsistent = sided.inconsistent
    smooth = _is_accurate(f, central, claimed, terms=terms) & ~inconsistent
    known_left, known_right = _is_accurate(f, left, None, terms=terms), _is_accurate(f, right, None, terms=terms)
    jump = np.abs(left.value - right.value)
    apart = jump > 20 * (left.error + right.error)
    kinked = ~smooth & ~inconsistent & known_left & known_right & apart
    roughly = _is_accurate(f, central, claimed, ACCURATE_NEAR_KINKS, terms) & ~kinked & ~inconsistent
    smooth = smooth | roughly
    one_sided = ~smooth & ~kinked & ~inconsistent & (known_left != known_right)
    error = np.where(kinked, left.error + right.error, central.error)
    lefts = np.where(known_left, left.value, right.value)
    rights = np.where(known_right, right.value, left.value)
    error = np.where(one_sided, np.minimum(left.error, right.error), error)
    return DirectionalDerivative(
        v, central.value, error, smooth, kinked, one_sided, lefts, rights, adaptive=True, inconsistent=inconsistent
    )


def _is_accurate(
    f: FlatFunction,
    derivative: NumericalDerivative,
    claimed: Vector | None,
    relative: float = ACCURATE,
    terms: Vector | float = 0.0,
) -> Mask:
    """Where an error is small enough to mean something."""
    size = np.abs(derivative.value)
    if claimed is not None:
        size = np.maximum(size, np.where(np.isfinite(claimed), np.abs(claimed), 0))
    finite = np.isfinite(f.y)
    magnitude = min(1.0, f.magnitude)
    floor = NEGLIGIBLE * (relative / ACCURATE) * np.maximum(max(magnitude, float(np.max(size, initial=0.0))), terms)
    return np.asarray(derivative.error <= np.maximum(relative * size, floor), bool) & finite

"""Numerical derivatives from stencils of all sizes, from both sides and from each, and the choice among them.

Large steps leave out what bends (truncation), small ones divide the noise of the function by less and less. The noise
is not known beforehand: it is read off the fifth and sixth differences, step by step. Three things look alike in
them, and are told apart by how they go with the step h:

    a function that is smooth     the differences shrink like h^5, down to the rounding of its own value;
    a kink at distance d          they shrink like h, and are gone for steps below d / 3: those steps are right;
    rounding inside               they stay the same over several steps, and small stencils see a staircase, or
                                  nothing change at all: large steps are right, with an error of (noise / h).

So there may be two derivatives: the one of the smallest error, each step believed for what it sees, and a *smoothed*
one, for which noise that was the same at some steps in a row, or gone all at once at the next, is taken to be there at
all smaller steps.

Source: J. J. Moré and S. M. Wild, Estimating Computational Noise, SIAM J. Sci. Comput. 33 (2011).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from minigrad.testing.numeric.finite_difference import (
    CENTRAL,
    LEFT,
    RIGHT,
    Mask,
    NumericalDerivative,
    Vector,
    VectorFunction,
    apply_stencil,
    error_bound,
)

Number = TypeVar("Number", np.float64, np.intp)

STEPS: Final = tuple(2.0**-k for k in (4, 6, 8, 10, *range(12, 61, 4)))
COARSE: Final = 5
"""So many of the largest steps are made in any case: they show the noise."""
OWN_STEPS: Final = tuple(2.0**-k for k in range(4, 29, 4))
"""The steps relative to an argument that is much smaller than one."""
CONFIDENT: Final = 0.1
"""A stencil with an error this much smaller than its distance from the chosen one contradicts that."""
STEADY: Final = 0.5
"""Noise that shrinks less than this power of the step is rounding; a kink's shrinks like the step."""
INFORMATIVE: Final = 0.3
"""Noise that is not gone all at once is believed to be rounding when the error it makes is less than this part."""
ABRUPT: Final = 10.0
"""Differences of a smooth function shrink like the sixth power of the step at most; faster by this, they were noise."""
STRUCTURE: Final = 1e4
"""Noise at large steps that is more than this times that at small ones is a kink or a pole among the values."""
TREND: Final = 1.5
"""What a stencil sees becomes larger by this from step to step where there is a trend."""
OUTLIER: Final = 0.25
"""Differences as large as this part of all that a stencil sees come from one value that stands out (a pole)."""
STAIRCASE: Final = 3
"""With fewer different values than this, or changes on one side only, a stencil may see a jump or a kink, no noise."""


@dataclass(frozen=True)
class SidedDerivatives:
    """The derivative along a direction, from both sides together and from each.

    Attributes:
        central, left, right: the derivatives; where there is rounding inside, `central` is the smoothed one.
        smoothed: the elements with rounding inside.
        inconsistent: the elements that look smooth with one derivative at large steps and with another at small ones.
        constant: the elements that did not change at all at the steps of the central derivative.
        noise: the rounding of each element, as far as the steps of the central derivative showed it.
        step: the step of each central derivative.
        complete: whether more steps could not tell more: everything has a derivative, or one from each side at all
            steps.
    """

    central: NumericalDerivative
    left: NumericalDerivative
    right: NumericalDerivative
    smoothed: Mask
    inconsistent: Mask
    constant: Mask
    noise: Vector
    step: Vector
    complete: bool


def adaptive_difference(
    f: VectorFunction, x: Vector, v: Vector, y: Vector, epsilon: Vector | float, magnitude: Vector | float = 0.0
) -> SidedDerivatives:
    """The derivative of f(x + t v) at t = 0 from stencils of many sizes, and those from the left and the right.

    Args:
        f: from a vector to a vector.
        x: the point.
        v: the direction.
        y: f(x).
        epsilon: the relative spacing of the numbers that f returns, one for all elements or one each.
        magnitude: the size of the numbers that the values are computed from; where a stencil sees no change at all,
            the values may be rounded to their spacing.
    """
    central, left, right = (_StepSearch(stencil, epsilon, magnitude) for stencil in (CENTRAL, LEFT, RIGHT))
    steps = _steps(x, v)
    for part in ((*steps[:COARSE], *steps[COARSE + 1 :: 2]), steps[COARSE::2]):
        for step in part:
            if not _is_exact(x, v, step):
                break
            before = [f(x - (k * step) * v) for k in range(6, 0, -1)]
            table = np.stack([*before, y, *(f(x + (k * step) * v) for k in range(1, 7))])
            central.add(table[3:10], step)
            left.add(table[:7], step)
            right.add(table[6:], step)
        derivatives = _sided(central, left, right)
        if derivatives.complete:
            break
    return derivatives


def _steps(x: Vector, v: Vector) -> tuple[float, ...]:
    """Steps from large to small; where an argument is tiny, also some as small in proportion."""
    moved = (v != 0) & (x != 0)
    if not moved.any():
        return STEPS
    smallest = float(np.min(np.abs(x[moved] / v[moved])))
    own = 2.0 ** np.floor(np.log2(max(smallest, np.finfo(float).tiny)))
    if own > 2.0**-20:
        return STEPS
    return (*(step for step in STEPS if step > own), *(own * step for step in OWN_STEPS))


def _sided(central: _StepSearch, left: _StepSearch, right: _StepSearch) -> SidedDerivatives:
    both, inconsistent, constant, noise, step = central.best()
    (before, varies_left, *_), (after, varies_right, *_) = left.best(), right.best()
    coarse, steady_noise, coarse_step, certain = central.smoothed()
    apart = np.abs(coarse.value - both.value) > both.error
    smoothed = (steady_noise > 0) & apart & (constant | certain)
    inconsistent &= ~smoothed
    noise, step = np.where(smoothed, steady_noise, noise), np.where(smoothed, coarse_step, step)
    both = NumericalDerivative(
        np.where(smoothed, coarse.value, both.value), np.where(smoothed, coarse.error, both.error)
    )
    smooth = ~inconsistent & (both.error <= 1e-6 * np.abs(both.value))
    exact = ~inconsistent & (both.error <= 1e-12)
    jump = np.abs(before.value - after.value)
    kinked = ~varies_left & ~varies_right & (before.error + after.error <= 1e-6 * jump)
    noisy = ~smoothed & (steady_noise > 100 * noise)  # whether that is rounding, more steps will show
    complete = bool(np.all((smooth | exact | kinked) & ~noisy))
    return SidedDerivatives(both, before, after, smoothed, inconsistent, constant, noise, step, complete)


class _StepSearch:
    """The derivatives at stencils of many steps, and the choice among them."""

    def __init__(self, stencil: Vector, epsilon: Vector | float, magnitude: Vector | float) -> None:
        self.stencil, self.epsilon = stencil, epsilon
        self.unseen = epsilon * magnitude
        self._steps: list[float] = []
        self._spreads: list[Vector] = []
        self._rows: list[tuple[Vector, Vector, Vector, NDArray[np.intp]]] = []

    def add(self, values: Vector, step: float) -> None:
        """One more stencil."""
        different = np.count_nonzero(np.diff(np.sort(values, axis=0), axis=0), axis=0) + 1
        value, truncation, noise = apply_stencil(self.stencil, values, step, self.epsilon)
        noise = np.where(different == 1, np.maximum(noise, self.unseen), noise)
        self._steps.append(step)
        center = len(values) // 2
        changes = np.any(values[:center] != values[center], axis=0) & np.any(values[center:] != values[center], axis=0)
        spread = values.max(axis=0) - values.min(axis=0)
        changes &= noise < OUTLIER * spread
        self._spreads.append(spread)
        self._rows.append(
            (value, truncation, noise, np.where(changes, different, np.minimum(different, STAIRCASE - 1)))
        )

    def _table(self) -> tuple[Vector, Vector, Vector, Vector, NDArray[np.intp]]:
        """Steps from large to small with the derivatives, truncations, noises and numbers of different values."""
        order = np.argsort(self._steps)[::-1]
        values, truncations, noises, different = (np.stack(rows)[order] for rows in zip(*self._rows, strict=True))
        noises[:-1] = np.maximum(noises[:-1], np.where(np.isfinite(noises[1:]), noises[1:], 0))  # twice the samples
        return np.array(self._steps)[order], values, truncations, noises, different

    def best(self) -> tuple[NumericalDerivative, Mask, Mask, Vector, Vector]:
        """The derivatives with the smallest errors that smaller steps do not contradict.

        Returns:
            The derivatives, where steps disagree, where nothing changes at the chosen steps, the noise at these, and
            they themselves.
        """
        steps, values, truncations, noises, different = self._table()
        errors = error_bound(self.stencil, truncations, noises, steps[:, None])
        index = np.arange(len(steps))[:, None]
        best = np.argmin(errors, axis=0)
        apart = np.abs(values - _chosen(values, best)) > 2 * (errors + _chosen(errors, best))
        contradicts = apart & (index > best)
        inconsistent = contradicts.any(axis=0)
        first = np.where(inconsistent, np.argmax(contradicts, axis=0), 0)
        chosen = np.argmin(np.where(index >= first, errors, np.inf), axis=0)
        inconsistent &= _chosen(noises, best) <= STRUCTURE * _chosen(noises, chosen)
        value, error = _chosen(values, chosen), _chosen(errors, chosen)
        distance = np.abs(values - value)
        sure = (distance > 2 * (errors + error)) & (errors < CONFIDENT * distance)
        sure &= (index > chosen) | (noises <= STRUCTURE * _chosen(noises, chosen))
        inconsistent |= np.sum(sure, axis=0) >= 2  # a single one may have met a fast oscillation at equal phases
        constant, noise = _chosen(different, chosen) == 1, _chosen(noises, chosen)
        return NumericalDerivative(value, error), inconsistent, constant, noise, steps[chosen]

    def smoothed(self) -> tuple[NumericalDerivative, Vector, Vector, Mask]:
        """The derivatives for which noise that is steady from step to step is there at all smaller steps.

        Returns:
            The derivatives, that noise, the steps, and where the noise is surely rounding: gone all at once, or lasting
            over more steps and small enough to leave a derivative.
        """
        steps, values, truncations, noises, different = self._table()
        spreads = np.stack(self._spreads)[np.argsort(self._steps)[::-1]]
        grows = spreads[:-1] >= TREND * spreads[1:]  # a function with bounds, such as a median, stays where it is
        least = np.where(grows, STAIRCASE, STAIRCASE + 1)
        steps_up = (different[:-1] >= least) & (different[1:] >= least)
        shrinks = (steps[:-1] / steps[1:])[:, None] ** STEADY
        steady = steps_up & (noises[:-1] <= shrinks * noises[1:]) & np.isfinite(noises[:-1])
        noise = np.max(np.where(steady, np.minimum(noises[:-1], noises[1:]), 0), axis=0, initial=0)
        gone = (noises[1:] * ABRUPT * (steps[:-1] / steps[1:])[:, None] ** 6 < noises[:-1]) & (noises[:-1] >= noise / 4)
        lasting = np.any(steady[:-1] & steady[1:] & (noises[2:] >= noise / 4), axis=0)
        errors = error_bound(self.stencil, truncations, np.maximum(noises, noise), steps[:, None])
        chosen = np.argmin(errors, axis=0)
        value, error = _chosen(values, chosen), _chosen(errors, chosen)
        jump = np.all(different[-2:] == STAIRCASE - 1, axis=0)
        certain = gone.any(axis=0) | (lasting & (error <= INFORMATIVE * np.abs(value)))
        certain &= ~jump
        return NumericalDerivative(value, error), noise, steps[chosen], certain


def _chosen(rows: NDArray[Number], index: NDArray[np.intp]) -> NDArray[Number]:
    return np.asarray(np.take_along_axis(rows, index[None], axis=0)[0])


def _is_exact(x: Vector, v: Vector, step: float) -> bool:
    """Whether all steps of the stencil can be made without rounding, but for the last digits."""
    moved = (x + step * v) - x
    return bool(np.all(np.abs(moved - step * v) <= 1e-3 * np.abs(step * v)))

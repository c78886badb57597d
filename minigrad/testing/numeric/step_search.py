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
        noise: the noise of each element at the step of the central derivative; a kink perhaps.
        rounding: that part of it which is no kink.
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
    rounding: Vector
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
    both, smoothed = central.best(), central.smoothed()
    before, after = left.best(), right.best()
    apart = np.abs(smoothed.value - both.value) > both.error
    is_smoothed = (smoothed.noise > 0) & apart & (both.constant | smoothed.certain)

    def either(of_smoothed: Vector, of_both: Vector) -> Vector:
        return np.where(is_smoothed, of_smoothed, of_both)

    value, error = either(smoothed.value, both.value), either(smoothed.error, both.error)
    noise, step = either(smoothed.noise, both.noise), either(smoothed.step, both.step)
    inconsistent = ~both.certain & ~is_smoothed
    smooth = ~inconsistent & (error <= 1e-6 * np.abs(value))
    exact = ~inconsistent & (error <= 1e-12)
    jump = np.abs(before.value - after.value)
    kinked = before.certain & after.certain & (before.error + after.error <= 1e-6 * jump)
    noisy = ~is_smoothed & (smoothed.noise > 100 * noise)  # whether that is rounding, more steps will show
    return SidedDerivatives(
        NumericalDerivative(value, error),
        NumericalDerivative(before.value, before.error),
        NumericalDerivative(after.value, after.error),
        is_smoothed,
        inconsistent,
        both.constant,
        noise,
        np.where(is_smoothed | both.everywhere, noise, 0),
        step,
        complete=bool(np.all((smooth | exact | kinked) & ~noisy)),
    )


@dataclass(frozen=True)
class _Choice:
    """A derivative of each element from the step chosen for it.

    Attributes:
        value, error: the derivative.
        noise: what it was reckoned with.
        step: the step.
        constant: where nothing changes at that step.
        certain: where the choice is beyond doubt.
        everywhere: where the noise is the same down to the smallest step, so that it is no kink.
    """

    value: Vector
    error: Vector
    noise: Vector
    step: Vector
    constant: Mask
    certain: Mask
    everywhere: Mask


@dataclass(frozen=True)
class _Table:
    """What the stencils saw, a row for each step, from large to small.

    Attributes:
        steps: the steps, in a column.
        values, truncations, noises: the derivatives, what the polynomials leave out, and the noise.
        spreads: the largest value less the smallest.
        different: how many values are different; at most 2 where a jump, a kink or a pole may be all that is seen.
    """

    steps: Vector
    values: Vector
    truncations: Vector
    noises: Vector
    spreads: Vector
    different: NDArray[np.intp]


class _StepSearch:
    """The derivatives at stencils of many steps, and the choice among them.

    Args:
        stencil: its weights.
        epsilon: the relative spacing of the numbers that the function returns.
        magnitude: the size of the numbers that its values are computed from.
    """

    def __init__(self, stencil: Vector, epsilon: Vector | float, magnitude: Vector | float) -> None:
        self.stencil, self.epsilon = stencil, epsilon
        self.unseen = epsilon * magnitude
        self._rows: dict[float, tuple[Vector, Vector, Vector, Vector, NDArray[np.intp]]] = {}

    def add(self, values: Vector, step: float) -> None:
        """One more stencil."""
        different = np.count_nonzero(np.diff(np.sort(values, axis=0), axis=0), axis=0) + 1
        value, truncation, noise = apply_stencil(self.stencil, values, step, self.epsilon)
        noise = np.where(different == 1, np.maximum(noise, self.unseen), noise)
        spread = values.max(axis=0) - values.min(axis=0)
        center = len(values) // 2
        moves = values != values[center]
        on_both_sides = moves[:center].any(axis=0) & moves[center:].any(axis=0)
        may_be_noise = on_both_sides & (noise < OUTLIER * spread)
        different = np.where(may_be_noise, different, np.minimum(different, STAIRCASE - 1))
        self._rows[step] = (value, truncation, noise, spread, different)

    def _table(self) -> _Table:
        steps = sorted(self._rows, reverse=True)
        values, truncations, noises, spreads, different = (
            np.stack(column) for column in zip(*(self._rows[step] for step in steps), strict=True)
        )
        noises[:-1] = np.maximum(noises[:-1], np.where(np.isfinite(noises[1:]), noises[1:], 0))  # twice the samples
        return _Table(np.array(steps)[:, None], values, truncations, noises, spreads, different)

    def best(self) -> _Choice:
        """The derivatives with the smallest errors that smaller steps do not contradict."""
        table = self._table()
        values, noises = table.values, table.noises
        errors = error_bound(self.stencil, table.truncations, noises, table.steps)
        index = np.arange(len(table.steps))[:, None]
        best = np.argmin(errors, axis=0)
        apart = np.abs(values - _chosen(values, best)) > 2 * (errors + _chosen(errors, best))
        contradicts = apart & (index > best)
        contradicted = contradicts.any(axis=0)
        first = np.where(contradicted, np.argmax(contradicts, axis=0), 0)
        chosen = np.argmin(np.where(index >= first, errors, np.inf), axis=0)
        value, error, noise = _chosen(values, chosen), _chosen(errors, chosen), _chosen(noises, chosen)
        contradicted &= _chosen(noises, best) <= STRUCTURE * noise
        distance = np.abs(values - value)
        sure = (distance > 2 * (errors + error)) & (errors < CONFIDENT * distance)
        sure &= (index > chosen) | (noises <= STRUCTURE * noise)
        contradicted |= np.sum(sure, axis=0) >= 2  # a single one may have met a fast oscillation at equal phases
        constant = _chosen(table.different, chosen) == 1
        everywhere = (noises[-1] >= noise / 8) & (table.different[-1] > STAIRCASE)
        return _Choice(value, error, noise, table.steps[chosen, 0], constant, ~contradicted, everywhere)

    def smoothed(self) -> _Choice:
        """The derivatives for which noise that is steady from step to step is there at all smaller steps.

        It is certain where the noise is surely rounding: gone all at once, or lasting over more steps and small enough
        to leave a derivative, and where the point is not a jump itself.
        """
        table = self._table()
        noises, different = table.noises, table.different
        ratios = table.steps[:-1] / table.steps[1:]
        grows = table.spreads[:-1] >= TREND * table.spreads[1:]  # a function with bounds, as a median, stays the same
        least = np.where(grows, STAIRCASE, STAIRCASE + 1)
        may_be_noise = (different[:-1] >= least) & (different[1:] >= least) & np.isfinite(noises[:-1])
        steady = may_be_noise & (noises[:-1] <= ratios**STEADY * noises[1:])
        noise = np.max(np.where(steady, np.minimum(noises[:-1], noises[1:]), 0), axis=0, initial=0)
        gone = np.any((noises[1:] * ABRUPT * ratios**6 < noises[:-1]) & (noises[:-1] >= noise / 4), axis=0)
        lasting = np.any(steady[:-1] & steady[1:] & (noises[2:] >= noise / 4), axis=0)
        jump = np.all(different[-2:] == STAIRCASE - 1, axis=0)
        errors = error_bound(self.stencil, table.truncations, np.maximum(noises, noise), table.steps)
        chosen = np.argmin(errors, axis=0)
        value, error = _chosen(table.values, chosen), _chosen(errors, chosen)
        certain = (gone | (lasting & (error <= INFORMATIVE * np.abs(value)))) & ~jump
        constant = _chosen(different, chosen) == 1
        return _Choice(value, error, noise, table.steps[chosen, 0], constant, certain, certain)


def _chosen(rows: NDArray[Number], index: NDArray[np.intp]) -> NDArray[Number]:
    return np.asarray(np.take_along_axis(rows, index[None], axis=0)[0])


def _is_exact(x: Vector, v: Vector, step: float) -> bool:
    """Whether all steps of the stencil can be made without rounding, but for the last digits."""
    moved = (x + step * v) - x
    return bool(np.all(np.abs(moved - step * v) <= 1e-3 * np.abs(step * v)))

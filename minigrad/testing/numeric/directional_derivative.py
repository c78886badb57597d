"""The derivative of each output of a function along a direction: two-sided, one-sided, at a kink, or unknown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from minigrad.testing.numeric.evaluation import Evaluations
from minigrad.testing.numeric.finite_difference import (
    CENTRAL,
    DEFAULT_STEP,
    Mask,
    NumericalDerivative,
    Vector,
    apply_stencil,
    central_difference,
    central_values,
    complex_step,
    error_bound,
)
from minigrad.testing.numeric.step_search import adaptive_difference

ACCURATE: Final = 1e-5
"""A derivative known to this part of its size is known; one with a larger error says little for a rule."""
ROUGH: Final = 1e-2
"""The same where no step gives more (noise), and close to a kink, where derivatives that differ much are told apart."""
RULE_ROUNDING: Final = 1e-10
"""What rounding in the rule itself may amount to, relative to the terms that it adds up."""
NEGLIGIBLE: Final = 1e-9
"""Relative to the largest derivative of the same output, or to what it is computed from, so much is rounding."""
SINGLE_PRECISION: Final = 2.0**-21
"""A derivative that agrees to this part of itself is right as far as single precision, or a loose iteration, goes."""
FINE_STEP: Final = 2.0**-20
NEARBY_STEPS: Final = (0.71, 0.87, 1.13, 1.31)
KINK_SHARPNESS: Final = 1e-3
"""At a kink the slopes of one side differ among themselves by less than this part of the difference of the sides."""


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
        step: the step with which each two-sided derivative was found.
        no_kink_nearby: whether the first differences were enough for all outputs.
        adaptive: whether steps of all sizes were tried.
        inconsistent: the outputs where small steps contradict large ones (see `SidedDerivatives`).
        staircase: the outputs with rounding inside, which do not change at small steps: `value` is the derivative at
            steps that are larger than that, and a rule that gives 0, as at small steps, may be meant.
    """

    v: Vector
    value: Vector
    error: Vector
    smooth: Mask
    kinked: Mask
    one_sided: Mask
    left: Vector
    right: Vector
    step: Vector
    no_kink_nearby: bool = False
    adaptive: bool = False
    inconsistent: Mask | None = None
    staircase: Mask | None = None

    def of_output(self, k: int) -> float:
        """The derivative of output k; 0 where it is no larger than its error."""
        return 0.0 if abs(self.value[k]) <= self.error[k] else float(self.value[k])

    def agrees_like_single_precision(self, claimed: Vector) -> Mask:
        """Where a claimed derivative has as many digits right as single precision, all outputs one by one."""
        return np.asarray(np.abs(claimed - self.value) <= SINGLE_PRECISION * np.abs(self.value), bool)

    def why_unknown(self, k: int, y: float) -> str:
        """In words, why nothing is known about output k, whose value is y."""
        if not np.isfinite(y):
            return "the function is not finite here"
        if self.inconsistent is not None and self.inconsistent[k]:
            return "small steps contradict large ones: the function is computed in lower precision, or not smooth"
        return what_would_decide(self.error[k])

    @property
    def unknown(self) -> Mask:
        """The outputs about which nothing is known."""
        return ~(self.smooth | self.kinked | self.one_sided)

    def differs(self, claimed: Vector, terms: Vector | float = 0.0, rounding: Vector | float = 0.0) -> Mask:
        """Where a claimed derivative is not within the error.

        Args:
            claimed: the derivatives.
            terms: the size of what they were added up from.
            rounding: the error of the claimed ones, where it was measured.
        """
        return self._is_apart(claimed, terms, rounding, 2, 1)

    def differs_clearly(self, claimed: Vector, terms: Vector | float = 0.0, rounding: Vector | float = 0.0) -> Mask:
        """Where it is several times beyond the error."""
        clearly = self._is_apart(claimed, terms, rounding, 6, 4)
        if self.staircase is not None:
            clearly &= ~(self.staircase & (claimed == 0))
        return np.asarray(clearly if self.inconsistent is None else clearly & ~self.inconsistent, bool)

    def _is_apart(
        self, claimed: Vector, terms: Vector | float, rounding: Vector | float, errors: float, roundings: float
    ) -> Mask:
        size = np.maximum(np.abs(self.value), np.abs(claimed)) + terms
        size = np.where(np.isfinite(size), size, 0)
        apart = np.abs(np.where(np.isfinite(claimed), claimed, np.inf) - self.value)
        explained = apart <= errors * self.error + roundings * (RULE_ROUNDING * size + rounding)
        return np.asarray(~explained, bool)

    def between_sides(self, claimed: Vector) -> Mask:
        """Where a claimed derivative is between those of the two sides."""
        low, high = np.minimum(self.left, self.right), np.maximum(self.left, self.right)
        slack = 2 * self.error + ACCURATE * (high - low)
        return np.asarray((claimed >= low - slack) & (claimed <= high + slack), bool)


def agreement_note(disagreement: float) -> str:
    """In words, how well a derivative agrees that has fewer digits than double precision."""
    return f"agrees to {disagreement:.0e}, like single precision" if disagreement else ""


def what_would_decide(error: float) -> str:
    """In words, that a numerical derivative has too large an error, and what to do."""
    if not np.isfinite(error):
        return "no step gives a numerical derivative: the function is not finite around. Check another point"
    return (
        f"no step gives a numerical derivative with a small error, the smallest is {error:.1e}: the function is noisy "
        "or not smooth here. Compute it in higher precision or to a smaller tolerance, or check another point"
    )


def differentiate_along(
    f: Evaluations,
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
        good = good | derivative.kinked
        return bool(np.all(good if outputs is None else good | ~outputs))

    coarse, noise, _ = _at_step(f, v, DEFAULT_STEP)
    derivative = _from_central(f, v, coarse, noise, DEFAULT_STEP, claimed, terms)
    if done(derivative):
        return replace(derivative, no_kink_nearby=True)
    fine, fine_noise, values = _at_step(f, v, FINE_STEP)
    other = _at_step(f, v, NEARBY_STEPS[0] * FINE_STEP)[0]  # a staircase may look smooth at one step, not at two
    fine = replace(fine, error=fine.error + 2 * np.abs(fine.value - other.value))
    better = ~derivative.smooth & (fine.error < coarse.error)
    central = NumericalDerivative(
        np.where(better, fine.value, coarse.value), np.where(better, fine.error, coarse.error)
    )
    steps = np.where(better, FINE_STEP, DEFAULT_STEP)
    derivative = _from_central(f, v, central, np.where(better, fine_noise, noise), steps, claimed, terms)
    derivative = _with_kinks(derivative, values, f.epsilon)
    return differentiate_adaptively(f, derivative, claimed, terms) if adaptive and not done(derivative) else derivative


def differentiate_adaptively(
    f: Evaluations, derivative: DirectionalDerivative, claimed: Vector | None = None, terms: Vector | float = 0.0
) -> DirectionalDerivative:
    """The same derivative after steps of all sizes."""
    if derivative.adaptive:
        return derivative
    v = derivative.v
    sided = adaptive_difference(f.value, f.x, v, f.y, f.epsilon, np.maximum(f.magnitude, f.quantum / f.epsilon))
    central, inconsistent, staircase = sided.central, sided.inconsistent, sided.smoothed
    central = complex_step(f.value_on_complex, f.x, v, f.y, central) or central
    computed_from = np.minimum(sided.noise / f.epsilon, np.maximum(f.magnitude, 1))
    accurate = _is_accurate(f, central, computed_from, claimed, terms=terms)
    left, right = sided.left, sided.right
    known_left, known_right = (_is_accurate(f, side, computed_from, None, terms=terms) for side in (left, right))
    apart = np.abs(left.value - right.value) > 20 * (left.error + right.error)
    if claimed is not None:
        # Large steps do not see the slope of a function with a short period: it looks like rounding, or a constant.
        of_side = (left.is_known_as(claimed, ACCURATE) | right.is_known_as(claimed, ACCURATE)) & (
            np.abs(claimed - central.value) > central.error
        )
        inconsistent = inconsistent | (of_side & (staircase | (accurate & apart)))
    of_step = (claimed == 0) if claimed is not None else False
    smooth = (accurate | (sided.constant & (~staircase | of_step))) & ~inconsistent
    kinked = ~smooth & ~inconsistent & known_left & known_right & apart & ~staircase
    roughly = _is_accurate(f, central, computed_from, claimed, ROUGH, terms) & ~kinked & ~inconsistent
    smooth = smooth | roughly
    one_sided = ~smooth & ~kinked & ~inconsistent & (known_left != known_right) & ~staircase
    error = np.where(kinked, left.error + right.error, central.error)
    lefts = np.where(known_left, left.value, right.value)
    rights = np.where(known_right, right.value, left.value)
    error = np.where(one_sided, np.minimum(left.error, right.error), error)
    f.noise = np.maximum(f.noise, np.where(np.isfinite(sided.rounding), sided.rounding, 0))
    return DirectionalDerivative(
        v, central.value, error, smooth, kinked, one_sided, lefts, rights, sided.step,
        adaptive=True, inconsistent=inconsistent, staircase=staircase & sided.constant,
    )  # fmt: skip


def scatter_around(f: Evaluations, derivative: DirectionalDerivative, k: int) -> float:
    """How far the derivatives of output k at steps next to the chosen one are from it.

    Rounding that is regular along steps of equal size (a staircase whose stairs they meet one by one) shows in no
    differences, but it moves with the step.
    """
    if derivative.error[k] == 0:
        return 0.0
    near = [
        central_difference(f.value, f.x, derivative.v, f.y, f.epsilon, factor * float(derivative.step[k]))
        for factor in NEARBY_STEPS
    ]
    apart = [abs(float(d.value[k] - derivative.value[k])) for d in near if d.error[k] < np.inf]
    return max(apart, default=0.0)


def _at_step(f: Evaluations, v: Vector, step: float) -> tuple[NumericalDerivative, Vector, Vector]:
    """The derivative from one central stencil, the noise there, and the values."""
    values = central_values(f.value, f.x, v, f.y, step)
    value, truncation, noise = apply_stencil(CENTRAL, values, step, f.epsilon)
    return NumericalDerivative(value, error_bound(CENTRAL, truncation, noise, step)), noise, values


def _from_central(
    f: Evaluations,
    v: Vector,
    central: NumericalDerivative,
    noise: Vector,
    step: Vector | float,
    claimed: Vector | None,
    terms: Vector | float,
) -> DirectionalDerivative:
    computed_from = np.minimum(noise / f.epsilon, np.maximum(np.abs(f.y), 1))
    smooth = _is_accurate(f, central, computed_from, claimed, terms=terms)
    none = np.zeros(smooth.shape, bool)
    steps = np.broadcast_to(step, smooth.shape)
    return DirectionalDerivative(
        v, central.value, central.error, smooth, none, none, central.value, central.value, steps
    )


def _with_kinks(derivative: DirectionalDerivative, values: Vector, epsilon: Vector) -> DirectionalDerivative:
    """The same with the outputs whose slopes are equal on each side of the point, and differ between the sides.

    Args:
        derivative: from central stencils.
        values: those of a stencil with the step `FINE_STEP`.
        epsilon: the relative spacing of the numbers in the value.
    """
    slopes = np.diff(values, axis=0) / FINE_STEP
    left, right = slopes[2], slopes[3]
    bend = np.maximum(np.abs(slopes[1] - left), np.abs(slopes[4] - right))
    rounding = 8 * epsilon * np.max(np.abs(values), axis=0) / FINE_STEP
    jump = np.abs(right - left)
    kinked = ~derivative.smooth & (bend + rounding < KINK_SHARPNESS * jump) & (jump < np.inf)
    error = np.where(kinked, 2 * (bend + rounding), derivative.error)
    return replace(derivative, error=error, kinked=kinked, left=left, right=right)


def _is_accurate(
    f: Evaluations,
    derivative: NumericalDerivative,
    computed_from: Vector,
    claimed: Vector | None,
    relative: float = ACCURATE,
    terms: Vector | float = 0.0,
) -> Mask:
    """Where an error is small enough to mean something."""
    size = np.abs(derivative.value)
    if claimed is not None:
        size = np.maximum(size, np.where(np.isfinite(claimed), np.abs(claimed), 0))
    floor = NEGLIGIBLE * (relative / ACCURATE) * np.maximum(computed_from, size)
    floor = np.maximum(floor, (NEGLIGIBLE if relative <= ACCURATE else ACCURATE) * np.asarray(terms))
    return np.asarray(derivative.error <= np.maximum(relative * size, floor), bool) & np.isfinite(f.y)

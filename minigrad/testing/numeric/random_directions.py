"""`RandomDirections`: the comparison of a large Jacobian, and the search for its wrong entry.

A random direction and a random cotangent make one number of all entries, u'(Jv), which is wrong when any entry is. It
is as exact for 100,000 elements as for one: its error is that of the numerical derivatives, which grows with neither.
Each output is weighted by the inverse of its derivative, so that those of small outputs count as much as those of large
ones, and inputs whose derivatives are small move once more without the others. Outputs without a derivative at the
point get no weight in u. The wrong entry is then found by halving v, and u.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from minigrad.testing.numeric.comparison import Accuracy, Comparison, Verdict
from minigrad.testing.numeric.directional_derivative import (
    RULE_ROUNDING,
    SINGLE_PRECISION,
    DirectionalDerivative,
    agreement_note,
    differentiate_adaptively,
    differentiate_along,
    scatter_around,
    what_would_decide,
)
from minigrad.testing.numeric.evaluation import Evaluations
from minigrad.testing.numeric.finite_difference import Mask, Vector, dyadic_direction, own_scale, step_scale
from minigrad.testing.numeric.flat_function import COTANGENT
from minigrad.testing.numeric.kink_judge import KinkJudge
from minigrad.testing.numeric.linearity import nonlinearity
from minigrad.testing.numeric.rule_rounding import CANCELLATION, rounding_of_cotangent, rounding_of_point
from minigrad.testing.numeric.subgradient import convention, is_invalid

MAX_KINKED: Final = 4
"""At most so many outputs with kinks are judged one by one."""
LEFT_OF_TERMS: Final = 1e-13
"""What is left of terms as large as an output that cancel, as in the derivative of sum(softmax(x))."""
MAX_SEARCHES: Final = 8
"""How often a search may end at a kink that no direction had shown, which is then left out."""
UNRESOLVED: Final = 1e10
"""An output's derivative counts as at least so many times its error, so that no noise gets a large weight."""
NEXT_TO_ZERO: Final = 1e-5
"""And as at least this part of what the output is elsewhere, so that no rounding of a derivative of 0 does."""
CLASS: Final = 1e5
"""Inputs whose derivatives are this many times smaller than the largest move without those of larger ones."""
MAX_CLASSES: Final = 4
SEEN: Final = 1e3
"""And so do those whose derivatives are less than this times the error of all together."""


class RandomDirections:
    """Random directions, all arguments together and each alone, against random cotangents.

    Args:
        f: the function around its point.
        rng: draws the directions.
        lenient: leave out what has no numerical derivative, instead of being in doubt about it.
        subgradients: judge outputs with kinks by their subdifferentials, too.
    """

    def __init__(self, f: Evaluations, rng: np.random.Generator, *, lenient: bool, subgradients: bool) -> None:
        self.f, self.rng, self.lenient, self.subgradients = f, rng, lenient, subgradients
        self.pullback = f.linearize(f.x)
        self.signs = rng.uniform(0.5, 1.5, f.y.size) * rng.choice((-1.0, 1.0), f.y.size)
        self.movable = np.ones(f.x.shape, bool)
        self.accuracy = Accuracy()
        self.singular = np.zeros(f.y.shape, bool)
        self.doubts: list[str] = []
        self.disagreement = 0.0
        self._sizes = np.maximum(np.where(np.isfinite(f.y), np.abs(f.y), 0), f.terms)

    def compare(self) -> Comparison:
        """The verdict on all directions, and on some of the kinks."""
        if (wrong := self._wrong_if_not_finite()) is not None:
            return wrong
        joint = differentiate_along(self.f, self._direction(self._point()), adaptive=not self.lenient)
        self.singular |= ~joint.smooth
        if joint.unknown.any() and not self.lenient:
            smallest = float(np.min(joint.error[joint.unknown]))
            self.doubts.append(f"{joint.unknown.sum()} outputs: {what_would_decide(smallest)}")
        if (wrong := self._wrong_along(joint, self.singular)) is not None:
            return wrong
        if self._is_second_order and (wrong := self._wrong_in_cotangent()) is not None:
            return wrong
        if (wrong := self._wrong_among_small(joint)) is not None:
            return wrong
        if (wrong := self._wrong_if_nonlinear(joint)) is not None:
            return wrong
        if self.subgradients and (wrong := self._wrong_subgradient(joint)) is not None:
            return wrong
        verdict = Verdict.INCONCLUSIVE if self.doubts else Verdict.CORRECT
        note = "; ".join(self.doubts[:3]) or agreement_note(self.disagreement)
        return replace(self._comparison(verdict), convention=self._convention(joint), note=note)

    @property
    def _is_second_order(self) -> bool:
        return self.f.arguments[-1].name == COTANGENT

    def _point(self) -> Mask:
        """The elements of the point; the cotangent moves alone, since it would only coarsen the steps."""
        here = np.ones(self.f.x.shape, bool)
        if self._is_second_order:
            here[self.f.arguments[-1].in_vector] = False
        return here

    def _direction(self, here: Mask) -> Vector:
        return np.where(here & self.movable, dyadic_direction(self.rng, self.f.x), 0.0)

    def _weights(self, along: DirectionalDerivative, left_out: Mask) -> Vector:
        """A cotangent in which all outputs count alike, except those that are left out."""
        size = np.maximum(np.abs(along.value), UNRESOLVED * along.error)
        size = np.maximum(size, NEXT_TO_ZERO * np.maximum(self.f.typical, self.f.terms))
        size = np.clip(np.where(np.isfinite(size) & (size > 0), size, 1), 1e-150, 1e150)
        return np.where(left_out, 0, self.signs / size)

    def _wrong_if_not_finite(self) -> Comparison | None:
        """A claimed derivative that is not finite where the function is smooth; at kinks such elements are left out."""
        broken = ~np.isfinite(self.pullback(self.signs))
        if not broken.any():
            return None
        i = int(np.argmax(broken))
        scale = step_scale(self.f.x)[i]
        by_i = differentiate_along(self.f, scale * (np.arange(self.f.x.size) == i))
        if by_i.smooth.all() and not self.lenient:
            expected = float(self.signs @ by_i.value) / float(scale)
            found = float(self.pullback(self.signs)[i])
            return self._wrong(i, found, expected, "not a number")
        if not self.lenient:
            self.doubts.append(f"the gradient of {broken.sum()} elements is not finite")
        self.movable &= ~broken
        return None

    def _wrong_in_cotangent(self) -> Comparison | None:
        """The cotangent of a derivative alone.

        A rule is linear in it, so also at a kink of the function there is nothing singular in it.
        """
        here = np.zeros(self.f.x.shape, bool)
        here[self.f.arguments[-1].in_vector] = True
        return self._wrong_along(differentiate_along(self.f, self._direction(here)), np.zeros_like(self.singular))

    def _wrong_among_small(self, joint: DirectionalDerivative) -> Comparison | None:
        """The inputs whose derivatives do not show beside larger ones, or that are so small themselves."""
        if self._is_second_order:
            return None
        weights = self._weights(joint, self.singular)
        g = self.pullback(weights)
        size = np.where(self._point() & np.isfinite(g), np.abs(g) * step_scale(self.f.x), 0)
        largest = float(np.max(size, initial=0))
        visible = max(largest / CLASS, SEEN * self._compared(joint, weights, g)[1])
        classes = []
        for k in range(MAX_CLASSES):
            upper, lower = visible / CLASS**k, visible / CLASS ** (k + 1)
            classes.append((size <= upper) & (size > (lower if k < MAX_CLASSES - 1 else 0)))
        classes.append(own_scale(self.f.x) < 1 / CLASS)
        for here in classes:
            if not here.any():
                continue
            along = differentiate_along(self.f, self._direction(here), outputs=~self.singular)
            if (wrong := self._wrong_along(along, self.singular)) is not None:
                return wrong
        return None

    def _wrong_along(self, along: DirectionalDerivative, excluded: Mask) -> Comparison | None:
        """One direction, outputs without a derivative left out, and also the kinks that a search meets."""
        self.accuracy.add(along)
        weights = self._weights(along, ~along.smooth | excluded)
        for _ in range(MAX_SEARCHES):
            apart, bound, rounding = self._compared(along, weights)
            if apart <= 2 * bound + rounding:
                return None
            rounding += self._measured_rounding(along, weights, bound)
            if apart <= 2 * bound + rounding:
                return None
            if apart <= 6 * bound + 4 * rounding:
                break
            i = self._wrong_input(along, weights)
            by_i = differentiate_along(self.f, _only(along.v, np.arange(along.v.size) == i))
            if (wrong := self._wrong_entry(i, by_i, np.where(by_i.smooth, weights, 0))) is not None:
                return wrong
            met = (self.singular | ~by_i.smooth) & (weights != 0)
            if not met.any():
                break
            self.singular |= met
            weights = np.where(met, 0, weights)
        self.doubts.append("the difference is about as large as the error of the numerical derivative")
        return None

    def _compared(
        self, along: DirectionalDerivative, weights: Vector, g: Vector | None = None
    ) -> tuple[float, float, float]:
        """How far claimed and numerical derivative are apart, the error of this, and what rounding may amount to."""
        g = self.pullback(weights) if g is None else g
        terms = float(np.abs(g) @ np.abs(along.v))
        apart = abs(float(g @ along.v) - float(np.where(weights != 0, weights * along.value, 0).sum()))
        # The signs of the weights are random, so that the errors of many outputs add up like those of measurements.
        bound = 2 * float(np.linalg.norm(np.where(weights != 0, weights * along.error, 0)))
        rounding = RULE_ROUNDING * terms + LEFT_OF_TERMS * float(np.abs(weights) @ self._sizes)
        return apart, bound, rounding

    def _measured_rounding(self, along: DirectionalDerivative, weights: Vector, bound: float) -> float:
        """What the last digits of the cotangent and of the point change in the claimed derivative along v."""
        size = float(np.max(np.abs(self.pullback(weights)) * step_scale(self.f.x), initial=0)) + bound
        largest = np.maximum(SINGLE_PRECISION * size, CANCELLATION) / step_scale(self.f.x)
        of_cotangent = rounding_of_cotangent(self.pullback, weights, largest, self.rng)
        of_point = rounding_of_point(self.f, weights, size, self.rng)
        return float((of_cotangent + of_point) @ np.abs(along.v))

    def _wrong_input(self, along: DirectionalDerivative, weights: Vector) -> int:
        """The element of the input where the two differ, by halving the direction."""
        g = self.pullback(weights)
        places = np.flatnonzero(along.v)
        while places.size > 1:
            half = places[: places.size // 2]
            part = differentiate_along(self.f, _only(along.v, np.isin(np.arange(along.v.size), half)))
            kept = np.where(part.smooth, weights, 0)
            apart, bound, rounding = self._compared(part, kept, g if part.smooth[weights != 0].all() else None)
            places = half if apart > 6 * bound + 4 * rounding else places[places.size // 2 :]
        return int(places[0])

    def _wrong_entry(self, i: int, by_i: DirectionalDerivative, weights: Vector) -> Comparison | None:
        """The entry of column i which is wrong, by halving the cotangent; None if none is."""
        by_i = differentiate_adaptively(self.f, by_i)
        weights = self._weights(by_i, ~by_i.smooth | (weights == 0))
        apart, bound, rounding = self._compared(by_i, weights)
        if apart <= 6 * bound + 4 * rounding:
            return None
        places = np.flatnonzero(weights)
        while places.size > 1:
            half = places[: places.size // 2]
            apart, bound, rounding = self._compared(by_i, _only(weights, np.isin(np.arange(weights.size), half)))
            places = half if apart > 6 * bound + 4 * rounding else places[places.size // 2 :]
        k = int(places[0])
        row = self._row(k)
        if self.subgradients and not is_invalid(self.f, k, row, by_i.v, float(by_i.value[k]), self.rng):
            self.singular[k] = True
            return None
        found = float(row[i])
        expected = by_i.of_output(k) / float(by_i.v[i])
        scatter = scatter_around(self.f, by_i, k) / abs(float(by_i.v[i]))
        if abs(found - expected) <= max(SINGLE_PRECISION * abs(expected), 12 * scatter):
            self.disagreement = max(self.disagreement, abs(found / expected - 1) if expected else 0.0)
            return None
        note = f"the derivative of output {k}" if weights.size > 1 else ""
        return self._wrong(i, found, expected, note)

    def _row(self, k: int) -> Vector:
        """The claimed derivative of output k."""
        return self.pullback((np.arange(self.f.y.size) == k) * 1.0)

    def _wrong_if_nonlinear(self, joint: DirectionalDerivative) -> Comparison | None:
        """A rule must give as many times as much for a cotangent of the other sign and of another size."""
        u = self._weights(joint, self.singular)
        plain = self.pullback(u)
        terms = np.where(np.isfinite(plain), np.abs(plain), 0)
        place = nonlinearity(self.f, self.pullback, u, plain, terms, self.rng)
        if place is None or not place.clear:
            return None
        return self._wrong(place.index, place.found, place.expected, "not linear in the cotangent")

    def _wrong_subgradient(self, joint: DirectionalDerivative) -> Comparison | None:
        """Some outputs with kinks, each alone."""
        outputs = np.flatnonzero(self.singular & np.isfinite(self.f.y) & ~joint.unknown)
        if not outputs.size:
            return None
        judge = KinkJudge(self.f, self.rng)
        for k in map(int, self.rng.permutation(outputs)[:MAX_KINKED]):
            s = self._row(k)
            if (invalid := judge.invalid(k, s)) is not None:
                note = f"not a subgradient; the derivative of output {k}"
                return self._wrong(invalid.index, float(s[invalid.index]), invalid.expected, note)
        return None

    def _convention(self, joint: DirectionalDerivative) -> str:
        outputs = np.flatnonzero(joint.kinked)
        if not outputs.size or not self.subgradients:
            return ""
        given = [float(self._row(k) @ joint.v) for k in map(int, outputs[:MAX_KINKED])]
        sides = zip(joint.left[outputs], joint.right[outputs], strict=True)
        name = convention([(s, float(left), float(right)) for s, (left, right) in zip(given, sides, strict=False)])
        return name if name.endswith("zero") else ""  # left and right are of a random direction, and mean nothing

    def _comparison(self, verdict: Verdict) -> Comparison:
        return Comparison(
            verdict,
            self.accuracy.relative,
            kinks=int(self.singular.sum()),
            no_kink_nearby=self.accuracy.no_kink_nearby,
        )

    def _wrong(self, index: int, found: float, expected: float, note: str) -> Comparison:
        return replace(self._comparison(Verdict.WRONG), index=index, found=found, expected=expected, note=note)


def _only(v: Vector, chosen: Mask) -> Vector:
    return np.where(chosen, v, 0)

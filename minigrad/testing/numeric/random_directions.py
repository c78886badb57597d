"""`RandomDirections`: the comparison of a large Jacobian, and the search for its wrong entry.

A random direction and a random cotangent make one number of all entries, u'(Jv), which is wrong when any entry is. It
is as exact for 100,000 elements as for one: its error is that of the numerical derivatives, which grows with neither.
Outputs without a derivative at the point get no weight in u. The wrong entry is then found by halving v, and u.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from minigrad.testing.numeric.comparison import Accuracy, Comparison, Verdict
from minigrad.testing.numeric.directional_derivative import (
    RULE_ROUNDING,
    DirectionalDerivative,
    differentiate_adaptively,
    differentiate_along,
)
from minigrad.testing.numeric.finite_difference import Mask, Vector, dyadic_direction, step_scale
from minigrad.testing.numeric.flat_function import COTANGENT, FlatFunction
from minigrad.testing.numeric.subgradient import DirectionalSubdifferential, convention, is_invalid

MAX_KINKED: Final = 4
"""At most so many outputs with kinks are judged one by one."""
CANCELLATION: Final = 1e-13
"""What is left of terms as large as the function that cancel, as in the derivative of sum(softmax(x))."""
MAX_DIRECTIONS: Final = 128
"""How many directions may be tried to find the inputs that make an output's kinks."""
MAX_SEARCHES: Final = 8
"""How often a search may end at a kink that no direction had shown, which is then left out."""


class RandomDirections:
    """Random directions, all arguments together and each alone, against random cotangents.

    Args:
        f: the function at its point.
        rng: draws the directions.
        lenient: leave out what has no numerical derivative, instead of being in doubt about it.
        subgradients: judge outputs with kinks by their subdifferentials, too.
    """

    def __init__(self, f: FlatFunction, rng: np.random.Generator, *, lenient: bool, subgradients: bool) -> None:
        self.f, self.rng, self.lenient, self.subgradients = f, rng, lenient, subgradients
        self.pullback = f.linearize(f.x)
        self.u = rng.normal(size=f.y.size)
        self.movable = np.ones(f.x.shape, bool)
        self.accuracy = Accuracy()
        self.singular = np.zeros(f.y.shape, bool)
        self.doubts: list[str] = []

    def compare(self) -> Comparison:
        """The verdict on all directions, and on some of the kinks."""
        if (wrong := self._wrong_if_not_finite()) is not None:
            return wrong
        joint = differentiate_along(self.f, self._direction(self._point()), adaptive=not self.lenient)
        self.singular |= ~joint.smooth
        if joint.unknown.any() and not self.lenient:
            self.doubts.append(
                f"{joint.unknown.sum()} outputs: no step gives a numerical derivative with a small error"
            )
        if (wrong := self._wrong_along(joint, self.singular)) is not None:
            return wrong
        for argument in self.f.arguments if len(self.f.arguments) > 1 else ():
            of_cotangent = argument.name == COTANGENT
            if self._is_second_order and not of_cotangent:
                continue  # the joint direction moves all of them, and at the same cotangent
            # A rule is linear in the cotangent, so also at a kink of the function there is nothing singular in it.
            excluded = np.zeros_like(self.singular) if of_cotangent else self.singular
            here = np.zeros(self.f.x.shape, bool)
            here[argument.in_vector] = True
            alone = differentiate_along(self.f, self._direction(here), outputs=~excluded)
            if (wrong := self._wrong_along(alone, excluded)) is not None:
                return wrong
        if self.subgradients and (wrong := self._wrong_subgradient(joint)) is not None:
            return wrong
        if self.subgradients and (wrong := self._wrong_besides_kinks(joint)) is not None:
            return wrong
        verdict = Verdict.INCONCLUSIVE if self.doubts else Verdict.CORRECT
        return self._comparison(verdict, convention=self._convention(joint), note="; ".join(self.doubts[:3]))

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

    def _wrong_if_not_finite(self) -> Comparison | None:
        """A claimed derivative that is not finite where the function is smooth; at kinks such elements are left out."""
        broken = ~np.isfinite(self.pullback(self.u))
        if not broken.any():
            return None
        i = int(np.argmax(broken))
        scale = step_scale(self.f.x)[i]
        by_i = differentiate_along(self.f, scale * (np.arange(self.f.x.size) == i))
        if by_i.smooth.all() and not self.lenient:
            expected = float(self.u @ by_i.value) / float(scale)
            found = float(self.pullback(self.u)[i])
            return self._comparison(Verdict.WRONG, index=i, found=found, expected=expected, note="not a number")
        if not self.lenient:
            self.doubts.append(f"the gradient of {broken.sum()} elements is not finite")
        self.movable &= ~broken
        return None

    def _wrong_along(self, along: DirectionalDerivative, excluded: Mask) -> Comparison | None:
        """One direction, outputs without a derivative left out, and also the kinks that a search meets."""
        self.accuracy.add(along)
        weights = np.where(along.smooth & ~excluded, self.u, 0)
        for _ in range(MAX_SEARCHES):
            apart, bound, rounding = self._compared(along, weights)
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
        g = np.where(along.v != 0, self.pullback(weights) if g is None else g, 0)
        used = weights != 0
        apart = abs(float(g @ along.v) - float(weights[used] @ along.value[used]))
        bound = float(np.abs(weights[used]) @ along.error[used])
        terms = float(np.abs(g) @ np.abs(along.v) + np.abs(weights[used]) @ np.abs(along.value[used]))
        rounding = RULE_ROUNDING * terms
        rounding += CANCELLATION * min(1.0, self.f.magnitude) * float(np.max(np.abs(weights), initial=0.0))
        return apart, bound, rounding

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
        weights = np.where(by_i.smooth, weights, 0)
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
        if self.subgradients and not is_invalid(self.f, k, row, by_i.v, self.rng):
            self.singular[k] = True
            return None
        found = float(row[i])
        expected = by_i.of_output(k) / float(by_i.v[i])
        note = f"the derivative of output {k}" if weights.size > 1 else ""
        return self._comparison(Verdict.WRONG, index=i, found=found, expected=expected, note=note)

    def _row(self, k: int) -> Vector:
        """The claimed derivative of output k."""
        return self.pullback((np.arange(self.f.y.size) == k) * 1.0)

    def _wrong_subgradient(self, joint: DirectionalDerivative) -> Comparison | None:
        """Some outputs with kinks, each alone, along the joint direction."""
        outputs = np.flatnonzero(joint.kinked)
        for k in map(int, self.rng.permutation(outputs)[:MAX_KINKED]):
            s = self._row(k)
            for v in (joint.v, np.abs(joint.v)):
                subdifferential = DirectionalSubdifferential(self.f, k, v, self.rng)
                if not subdifferential.contains(s):
                    i = int(np.argmax(np.abs(s * v)))
                    expected = (subdifferential.nearest - float(s @ v)) / v[i] + s[i]
                    return self._no_subgradient(i, k, float(s[i]), float(expected))
        return None

    def _wrong_besides_kinks(self, joint: DirectionalDerivative) -> Comparison | None:
        """The derivatives of outputs with kinks by the inputs that make none; the others are moved alone."""
        spread = self._moved_by_both_halves(joint) & self.singular
        for k in map(int, self.rng.permutation(np.flatnonzero(spread))[:MAX_KINKED]):
            inputs = self._kinked_inputs(joint.v, k)
            if inputs is None:
                self.doubts.append(f"output {k} has kinks in more inputs than can be looked at one by one")
                continue
            row, scale = self._row(k), step_scale(self.f.x)
            for i in inputs:
                by_i = _only(scale, np.arange(row.size) == i)
                subdifferential = DirectionalSubdifferential(self.f, k, by_i, self.rng)
                if not subdifferential.contains(row):
                    return self._no_subgradient(i, k, float(row[i]), subdifferential.nearest / float(scale[i]))
            others = ~np.isin(np.arange(row.size), inputs)
            only_k = np.arange(self.singular.size) == k
            along = differentiate_along(self.f, self._direction(others & self._point()), outputs=only_k)
            if not along.smooth[k]:
                self.doubts.append(f"output {k}: no step gives a numerical derivative with a small error")
            elif (wrong := self._wrong_along(along, ~only_k)) is not None:
                return wrong
        return None

    def _moved_by_both_halves(self, joint: DirectionalDerivative) -> Mask:
        """The outputs that change with the first half of the inputs, and with the second."""
        first = np.arange(joint.v.size) < joint.v.size // 2
        halves = [self.f.value(self.f.x + 2.0**-12 * _only(joint.v, part)) for part in (first, ~first)]
        return np.asarray(np.all([value != self.f.y for value in halves], axis=0))

    def _kinked_inputs(self, v: Vector, k: int) -> list[int] | None:
        """The inputs along which output k is not smooth, by halving; None if there are too many."""
        waiting = [np.flatnonzero(v)]
        found: list[int] = []
        only_k = np.arange(self.singular.size) == k
        for _ in range(MAX_DIRECTIONS):
            if not waiting:
                return found
            places = waiting.pop()
            part = _only(v, np.isin(np.arange(v.size), places))
            if differentiate_along(self.f, part, outputs=only_k).smooth[k]:
                continue
            if places.size == 1:
                found.append(int(places[0]))
            else:
                waiting += [places[: places.size // 2], places[places.size // 2 :]]
        return None

    def _convention(self, joint: DirectionalDerivative) -> str:
        outputs = np.flatnonzero(joint.kinked)
        if not outputs.size or not self.subgradients:
            return ""
        given = [float(self._row(k) @ joint.v) for k in map(int, outputs[:MAX_KINKED])]
        sides = zip(joint.left[outputs], joint.right[outputs], strict=True)
        name = convention([(s, float(left), float(right)) for s, (left, right) in zip(given, sides, strict=False)])
        return name if name.endswith("zero") else ""  # left and right are of a random direction, and mean nothing

    def _no_subgradient(self, i: int, k: int, found: float, expected: float) -> Comparison:
        note = f"not a subgradient; the derivative of output {k}"
        return self._comparison(Verdict.WRONG, index=i, found=found, expected=expected, note=note)

    def _comparison(
        self,
        verdict: Verdict,
        *,
        index: int | None = None,
        found: float | None = None,
        expected: float | None = None,
        convention: str = "",
        note: str = "",
    ) -> Comparison:
        return Comparison(
            verdict,
            self.accuracy.relative,
            index,
            found,
            expected,
            kinks=int(self.singular.sum()),
            convention=convention,
            note=note,
            no_kink_nearby=self.accuracy.no_kink_nearby,
        )


def _only(v: Vector, chosen: Mask) -> Vector:
    return np.where(chosen, v, 0)

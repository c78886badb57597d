"""The judgment of a large Jacobian: random directions against random cotangents, and a search for the wrong element.

A random direction and a random cotangent make one number of all entries, u'(Jv), which is wrong when any entry is. It
is as exact for 100,000 elements as for one: its error is that of the numerical derivatives, which grows with neither.
Outputs without a derivative at the point get no weight in u. The wrong entry is then found by halving v, and u.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from minigrad.testing.numeric.directional_derivative import ROUNDING, Line, explore, settle
from minigrad.testing.numeric.finite_difference import dyadic, scale_of
from minigrad.testing.numeric.flat_function import COTANGENT, Flat
from minigrad.testing.numeric.judgment import Accuracy, Finding, Verdict
from minigrad.testing.numeric.subgradient import Hull, convention, is_refused

Vector = NDArray[Any]
KINKED_OUTPUTS: Final = 4
"""At most so many outputs with kinks are looked at one by one."""
CANCELLATION: Final = 1e-13
"""What is left of terms as large as the function that cancel, as in the derivative of sum(softmax(x))."""
SEARCHES: Final = 128
"""How many directions may be tried to find the inputs that make an output's kinks."""
ROUNDS: Final = 8
"""How often a search may end at a kink that no direction had shown, which is then left out."""


class Directions:
    """Random directions, all arguments together and each alone, against random cotangents."""

    def __init__(self, flat: Flat, rng: np.random.Generator, *, lenient: bool, subgradients: bool) -> None:
        self.flat, self.rng, self.lenient, self.subgradients = flat, rng, lenient, subgradients
        self.pull = flat.pull(flat.x)
        self.u = rng.normal(size=flat.at_x.size)
        self.movable = np.ones(flat.x.shape, bool)
        self.accuracy = Accuracy()
        self.singular = np.zeros(flat.at_x.shape, bool)
        self.doubts: list[str] = []

    def finding(self) -> Finding:
        """The verdict on all directions, and on some of the kinks."""
        if (wrong := self._not_a_number()) is not None:
            return wrong
        joint = explore(self.flat, self._direction(self._point()), deep=not self.lenient)
        self.singular |= ~joint.smooth
        if joint.unknown.any() and not self.lenient:
            self.doubts.append(
                f"{joint.unknown.sum()} outputs: no step gives a numerical derivative with a small error"
            )
        if (wrong := self._judge(joint, self.singular)) is not None:
            return wrong
        for part in self.flat.parts if len(self.flat.parts) > 1 else ():
            of_cotangent = part.name == COTANGENT
            if self._is_second and not of_cotangent:
                continue  # the joint direction moves all of them, and at the same cotangent
            # A rule is linear in the cotangent, so also at a kink of the function there is nothing singular in it.
            excluded = np.zeros_like(self.singular) if of_cotangent else self.singular
            here = np.zeros(self.flat.x.shape, bool)
            here[part.here] = True
            if (wrong := self._judge(explore(self.flat, self._direction(here), care=~excluded), excluded)) is not None:
                return wrong
        if self.subgradients and (wrong := self._kinks(joint)) is not None:
            return wrong
        if self.subgradients and (wrong := self._besides_kinks(joint)) is not None:
            return wrong
        verdict = Verdict.INCONCLUSIVE if self.doubts else Verdict.CORRECT
        return self._result(verdict, convention=self._convention(joint), note="; ".join(self.doubts[:3]))

    @property
    def _is_second(self) -> bool:
        return self.flat.parts[-1].name == COTANGENT

    def _point(self) -> Vector:
        """The elements of the point; the cotangent moves alone, since it would only coarsen the steps."""
        here = np.ones(self.flat.x.shape, bool)
        if self._is_second:
            here[self.flat.parts[-1].here] = False
        return here

    def _direction(self, here: Vector) -> Vector:
        return np.where(here & self.movable, dyadic(self.rng, self.flat.x), 0.0)

    def _not_a_number(self) -> Finding | None:
        """A claimed derivative that is not finite where the function is smooth; at kinks such elements are left out."""
        broken = ~np.isfinite(self.pull(self.u))
        if not broken.any():
            return None
        i = int(np.argmax(broken))
        line = explore(self.flat, scale_of(self.flat.x[i]) * (np.arange(self.flat.x.size) == i))
        if line.smooth.all() and not self.lenient:
            expected = float(self.u @ line.value) / float(scale_of(self.flat.x[i]))
            found = float(self.pull(self.u)[i])
            return self._result(Verdict.WRONG, index=i, found=found, expected=expected, note="not a number")
        if not self.lenient:
            self.doubts.append(f"the gradient of {broken.sum()} elements is not finite")
        self.movable &= ~broken
        return None

    def _judge(self, line: Line, excluded: Vector) -> Finding | None:
        """One direction, outputs without a derivative left out; the kinks that a search meets as well."""
        self.accuracy.add(line)
        weights = np.where(line.smooth & ~excluded, self.u, 0)
        for _ in range(ROUNDS):
            apart, bound, rounding = self._compared(line, weights)
            if apart <= 2 * bound + rounding:
                return None
            if apart <= 6 * bound + 4 * rounding:
                break
            i = self._bisected(line, weights)
            entry = explore(self.flat, _only(line.v, np.arange(line.v.size) == i))
            if (wrong := self._entry(i, entry, np.where(entry.smooth, weights, 0))) is not None:
                return wrong
            met = (self.singular | ~entry.smooth) & (weights != 0)
            if not met.any():
                break
            self.singular |= met
            weights = np.where(met, 0, weights)
        self.doubts.append("the difference is about as large as the error of the numerical derivative")
        return None

    def _compared(self, line: Line, weights: Vector, g: Vector | None = None) -> tuple[float, float, float]:
        """How far claimed and numerical derivative are apart, the error of this, and what rounding may amount to."""
        g = np.where(line.v != 0, self.pull(weights) if g is None else g, 0)
        used = weights != 0
        apart = abs(float(g @ line.v) - float(weights[used] @ line.value[used]))
        bound = float(np.abs(weights[used]) @ line.error[used])
        rounding = ROUNDING * float(np.abs(g) @ np.abs(line.v) + np.abs(weights[used]) @ np.abs(line.value[used]))
        rounding += CANCELLATION * min(1.0, self.flat.height) * float(np.max(np.abs(weights), initial=0.0))
        return apart, bound, rounding

    def _bisected(self, line: Line, weights: Vector) -> int:
        """The input element where the two differ, by halving the direction."""
        g = self.pull(weights)
        places = np.flatnonzero(line.v)
        while places.size > 1:
            half = places[: places.size // 2]
            part = explore(self.flat, _only(line.v, np.isin(np.arange(line.v.size), half)))
            kept = np.where(part.smooth, weights, 0)
            apart, bound, rounding = self._compared(part, kept, g if part.smooth[weights != 0].all() else None)
            places = half if apart > 6 * bound + 4 * rounding else places[places.size // 2 :]
        return int(places[0])

    def _entry(self, i: int, line: Line, weights: Vector) -> Finding | None:
        """The entry of that column which is wrong, by halving the cotangent; None if none is."""
        line = settle(self.flat, line)
        weights = np.where(line.smooth, weights, 0)
        apart, bound, rounding = self._compared(line, weights)
        if apart <= 6 * bound + 4 * rounding:
            return None
        places = np.flatnonzero(weights)
        while places.size > 1:
            half = places[: places.size // 2]
            apart, bound, rounding = self._compared(line, _only(weights, np.isin(np.arange(weights.size), half)))
            places = half if apart > 6 * bound + 4 * rounding else places[places.size // 2 :]
        k = int(places[0])
        row = self.pull((np.arange(weights.size) == k) * 1.0)
        if self.subgradients and not is_refused(self.flat, k, row, line.v, self.rng):
            self.singular[k] = True
            return None
        found = float(row[i])
        expected = line.known(k) / float(line.v[i])
        note = f"the derivative of output {k}" if weights.size > 1 else ""
        return self._result(Verdict.WRONG, index=i, found=found, expected=expected, note=note)

    def _kinks(self, joint: Line) -> Finding | None:
        """Some outputs with kinks, each alone, along the joint direction."""
        outputs = np.flatnonzero(joint.kinked)
        for k in self.rng.permutation(outputs)[:KINKED_OUTPUTS]:
            s = self.pull((np.arange(joint.kinked.size) == k) * 1.0)
            for v in (joint.v, np.abs(joint.v)):
                hull = Hull(self.flat, int(k), v, self.rng)
                if not hull.holds(s):
                    i = int(np.argmax(np.abs(s * v)))
                    expected = (hull.nearest - float(s @ v)) / v[i] + s[i]
                    note = f"not a subgradient; the derivative of output {k}"
                    return self._result(Verdict.WRONG, index=i, found=float(s[i]), expected=float(expected), note=note)
        return None

    def _besides_kinks(self, joint: Line) -> Finding | None:
        """What an output with kinks has to say about the inputs that make none: the others are held, or moved alone."""
        spread = self._moved_by_both_halves(joint) & self.singular
        for k in map(int, self.rng.permutation(np.flatnonzero(spread))[:KINKED_OUTPUTS]):
            inputs = self._kinked_inputs(joint.v, k)
            if inputs is None:
                self.doubts.append(f"output {k} has kinks in more inputs than can be looked at one by one")
                continue
            row = self.pull((np.arange(self.singular.size) == k) * 1.0)
            for i in inputs:
                hull = Hull(self.flat, k, _only(scale_of(self.flat.x), np.arange(row.size) == i), self.rng)
                if not hull.holds(row):
                    expected = hull.nearest / float(scale_of(self.flat.x[i]))
                    note = f"not a subgradient; the derivative of output {k}"
                    return self._result(
                        Verdict.WRONG, index=i, found=float(row[i]), expected=float(expected), note=note
                    )
            others = ~np.isin(np.arange(row.size), inputs)
            only_k = np.arange(self.singular.size) == k
            line = explore(self.flat, self._direction(others & self._point()), care=only_k)
            if not line.smooth[k]:
                self.doubts.append(f"output {k}: no step gives a numerical derivative with a small error")
            elif (wrong := self._judge(line, ~only_k)) is not None:
                return wrong
        return None

    def _moved_by_both_halves(self, joint: Line) -> Vector:
        """The outputs that change with the first half of the inputs, and with the second."""
        first = np.arange(joint.v.size) < joint.v.size // 2
        halves = [self.flat.value(self.flat.x + 2.0**-12 * _only(joint.v, part)) for part in (first, ~first)]
        return np.asarray(np.all([value != self.flat.at_x for value in halves], axis=0))

    def _kinked_inputs(self, v: Vector, k: int) -> list[int] | None:
        """The inputs along which output k is not smooth, by halving; None if there are too many."""
        waiting = [np.flatnonzero(v)]
        found: list[int] = []
        care = np.arange(self.singular.size) == k
        for _ in range(SEARCHES):
            if not waiting:
                return found
            places = waiting.pop()
            if explore(self.flat, _only(v, np.isin(np.arange(v.size), places)), care=care).smooth[k]:
                continue
            if places.size == 1:
                found.append(int(places[0]))
            else:
                waiting += [places[: places.size // 2], places[places.size // 2 :]]
        return None

    def _convention(self, joint: Line) -> str:
        outputs = np.flatnonzero(joint.kinked)
        if not outputs.size or not self.subgradients:
            return ""
        rows = [self.pull((np.arange(joint.kinked.size) == k) * 1.0) @ joint.v for k in outputs[:KINKED_OUTPUTS]]
        met = zip(rows, joint.left[outputs], joint.right[outputs], strict=False)
        name = convention([(float(a), float(b), float(c)) for a, b, c in met])
        return name if name.endswith("zero") else ""  # left and right are of a random direction, and mean nothing

    def _result(self, verdict: Verdict, **facts: Any) -> Finding:
        return Finding(
            verdict, self.accuracy.relative, kinks=int(self.singular.sum()), easy=self.accuracy.easy, **facts
        )


def _only(v: Vector, chosen: Vector) -> Vector:
    return np.where(chosen, v, 0)

"""The judgment of a small Jacobian: every entry of it, joint directions, and each output with a kink."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from minigrad.testing.numeric.directional_derivative import MEANINGFUL, NOTHING, ROUGH, Line, explore
from minigrad.testing.numeric.finite_difference import scale_of
from minigrad.testing.numeric.flat_function import Flat
from minigrad.testing.numeric.judgment import Accuracy, Finding, Verdict
from minigrad.testing.numeric.subgradient import Hull, convention, directions, is_refused

Vector = NDArray[Any]
KINKED_OUTPUTS: Final = 8
"""At most so many outputs with kinks are looked at one by one."""
SHARP: Final = 1e-8
"""A derivative of all inputs together is known well enough for each of them when its error is this small."""


class Entries:
    """A small Jacobian, entry by entry: one numerical direction an input gives a whole column."""

    def __init__(self, flat: Flat, rng: np.random.Generator) -> None:
        self.flat, self.rng = flat, rng
        self.n, self.m = flat.x.size, flat.at_x.size
        self.scale = scale_of(flat.x)
        pull = flat.pull(flat.x)
        self.jacobian = np.array([pull(e) for e in np.eye(self.m)]).reshape(self.m, self.n)
        finite = np.where(np.isfinite(self.jacobian), np.abs(self.jacobian), 0)
        self.rows = np.max(finite * self.scale, axis=1, initial=0.0)  # how large the entries of an output are
        self.numerical = np.zeros((self.m, self.n))
        self.lines: list[Line] = []
        self.kinked_inputs: dict[int, list[int]] = {}
        self.met: list[tuple[float, float, float]] = []
        self.accuracy = Accuracy()
        self.doubts: list[str] = []

    def finding(self) -> Finding:
        """The verdict on all entries, and on each output that has kinks."""
        if self._is_plainly_right():
            return self._result(Verdict.CORRECT)
        for i in range(self.n):
            self._explore_column(i)
        self._explore_jointly()
        for i in range(self.n):
            if (wrong := self._smooth_entries(i)) is not None:
                return wrong
        if (wrong := self._nonlinear()) is not None:
            return wrong
        if (wrong := self._subgradients()) is not None:
            return wrong
        return self._result(Verdict.INCONCLUSIVE if self.doubts else Verdict.CORRECT, note="; ".join(self.doubts[:3]))

    def _is_plainly_right(self) -> bool:
        """Whether two random directions, with all inputs moving, show no kink and no difference in any output.

        A wrong entry makes a difference along all directions but those of a plane; a kink shows along all but those
        where it cancels with others. So nearly all right rules are known for such by this alone.
        """
        if self.n < 2:
            return False
        for _ in range(2):
            v = self._direction()
            line = explore(self.flat, v, self.jacobian @ v, self.rows, deep=False)
            if not (line.easy and np.all(line.error <= SHARP * np.maximum(self.rows, min(1.0, self.flat.height)))):
                return False
            self.accuracy.add(line)
        right = self._nonlinear() is None and not self.doubts
        self.doubts.clear()
        return right

    def _direction(self) -> Vector:
        size = 1 + self.rng.integers(0, 1024, self.n) / 1024
        return np.asarray(self.rng.choice((-1.0, 1.0), self.n) * size * self.scale)

    def _claimed(self, i: int) -> Vector:
        return np.asarray(self.scale[i] * self.jacobian[:, i])

    def _explore_column(self, i: int) -> None:
        v = np.zeros(self.n)
        v[i] = self.scale[i]
        line = explore(self.flat, v, self._claimed(i), self.rows)
        self.lines.append(line)
        self.numerical[:, i] = line.value / self.scale[i]
        self.accuracy.add(line)
        for k in map(int, np.flatnonzero(line.kinked)):
            self.kinked_inputs.setdefault(k, []).append(i)
            self.met.append((self._claimed(i)[k], line.left[k], line.right[k]))

    def _explore_jointly(self) -> None:
        """Find the outputs whose kinks show only when several inputs move."""
        if self.n < 2:
            return
        for signs in (self.rng.choice((-1.0, 1.0), self.n), np.ones(self.n)):
            v = signs * (1 + self.rng.integers(0, 32, self.n) / 32) * self.scale
            claimed, terms = self.jacobian @ v, np.abs(self.jacobian) @ np.abs(v)
            plain = self._plain()
            if not plain.any():
                return
            line = explore(self.flat, v, claimed, terms, care=plain)
            for k in map(int, np.flatnonzero(line.kinked | line.one_sided)):
                self.kinked_inputs.setdefault(k, [])
            agree = ~np.any([other.differs(self._claimed(i)) for i, other in enumerate(self.lines)], axis=0)
            for k in map(int, np.flatnonzero(line.smooth & plain & agree & line.differs_clearly(claimed, terms))):
                self.kinked_inputs.setdefault(k, [])  # each entry is right, so no sum of them can be: a kink

    def _plain(self) -> NDArray[np.bool_]:
        """The outputs without kinks."""
        return np.array([k not in self.kinked_inputs for k in range(self.m)], bool)

    def _smooth_entries(self, i: int) -> Finding | None:
        """Entries of outputs that have derivatives."""
        line, claimed = self.lines[i], self._claimed(i)
        plain = self._plain()
        wrong = line.smooth & plain & line.differs_clearly(claimed, self.rows)
        for k in sorted(map(int, np.flatnonzero(wrong)), key=lambda k: -abs(claimed[k] - line.value[k])):
            if not self._is_coarse(line, k) and not is_refused(self.flat, k, self.jacobian[k], line.v, self.rng):
                self.kinked_inputs.setdefault(k, [])
            elif self._is_rounding(i, k):
                self.doubts.append(f"output {k}: the rule itself is inexact here")
            else:
                return self._wrong(i, k, line.known(k) / self.scale[i])
        for k in map(int, np.flatnonzero(line.one_sided & plain & ~line.in_hull(claimed))):
            self.doubts.append(f"output {k}: a derivative from one side only, and the gradient is another")
        for k in map(int, np.flatnonzero(line.smooth & plain & ~wrong & line.differs(claimed, self.rows))):
            self.doubts.append(f"output {k}: the difference is about as large as the error of the numerical derivative")
        for k in map(int, np.flatnonzero(line.unknown & plain)):
            disputed = line.disputed is not None and line.disputed[k]
            if disputed and not self._is_coarse(line, k) and self._is_kink(line, k):
                self.kinked_inputs.setdefault(k, [])
                continue
            self.doubts.append(f"output {k}: {self._why_unknown(line, k)}")
        return None

    def _is_coarse(self, line: Line, k: int) -> bool:
        """Whether the output does not answer to steps that should show: it is computed in a lower precision.

        Its rounding would look like kinks everywhere.
        """
        step = 2.0**-36
        sizes = (line.value[k], line.left[k], line.right[k])
        here = self.flat.at_x[k]
        if step * np.max(np.abs(sizes)) <= 64 * np.finfo(float).eps * abs(here):
            return False
        return all(self.flat.value(self.flat.x + t * line.v)[k] == here for t in (-step, step))

    def _is_kink(self, line: Line, k: int) -> bool:
        """Whether it is for a kink too close to be resolved that small steps contradict large ones."""
        hull = Hull(self.flat, k, line.v, self.rng)
        return hull.holds(self.jacobian[k]) and hull.low <= hull.high

    def _why_unknown(self, line: Line, k: int) -> str:
        if not np.isfinite(self.flat.at_x[k]):
            return "the function is not finite here"
        if line.disputed is not None and line.disputed[k]:
            return "small steps contradict large ones: the function is computed in lower precision, or not smooth"
        return "no step gives a numerical derivative with a small error"

    def _nonlinear(self) -> Finding | None:
        """A rule that is right for each output alone must add up for a cotangent of all."""
        u = self.rng.uniform(0.5, 2, self.m) * self.rng.choice((-1.0, 1.0), self.m)
        found, expected = self.flat.pull(self.flat.x)(u), u @ self.jacobian
        terms = np.abs(u) @ np.abs(self.jacobian) + NOTHING * float(
            np.max(self.rows, initial=min(1.0, self.flat.height))
        )
        wrong = np.abs(found - expected) > ROUGH * terms  # a rule may compute in lower precision
        if not wrong.any():
            if np.any(np.abs(found - expected) > MEANINGFUL * terms):
                self.doubts.append("the gradient is hardly linear in the cotangent")
            return None
        i = int(np.argmax(wrong))
        return self._result(
            Verdict.WRONG,
            index=i,
            found=float(found[i]),
            expected=float(expected[i]),
            note="not linear in the cotangent",
        )

    def _subgradients(self) -> Finding | None:
        """Outputs with kinks, each alone: first by each input, then jointly."""
        suspect = {k: self._outside(k) for k in self.kinked_inputs}
        outputs = sorted(suspect, key=lambda k: (-len(suspect[k]), self.rng.random()))
        for k in outputs[:KINKED_OUTPUTS]:
            for i in suspect[k]:
                hull = Hull(self.flat, k, self.lines[i].v, self.rng)
                if not hull.holds(self.jacobian[k]):
                    return self._wrong(i, k, hull.nearest / self.scale[i], "not a subgradient")
            inputs = self.kinked_inputs[k] or list(range(self.n))
            for v in directions(inputs, self.scale, self.rng):
                hull = Hull(self.flat, k, v, self.rng)
                if not hull.holds(self.jacobian[k]):
                    i = max(inputs, key=lambda i, v=v, k=k: abs(self.jacobian[k, i] * v[i]))  # type: ignore[misc]
                    others = float(self.jacobian[k] @ v) - self.jacobian[k, i] * v[i]
                    expected = (hull.nearest - others) / v[i]
                    return self._wrong(i, k, expected, "not a subgradient: jointly with other inputs")
        return None

    def _outside(self, k: int) -> list[int]:
        """The inputs whose entry is neither the derivative nor between the one-sided ones.

        It may still be a subgradient: the middle one of three equal numbers does not change when one of them moves.
        """
        found = []
        for i, line in enumerate(self.lines):
            claimed = self._claimed(i)
            right = np.where(line.smooth, ~line.differs(claimed, self.rows), line.in_hull(claimed))
            if not right[k]:
                found.append(i)
        return found

    def _is_rounding(self, i: int, k: int) -> bool:
        """Whether the claimed derivative changes by as much when x changes in its last digits."""
        apart = abs(self.jacobian[k, i] - self.numerical[k, i])
        unit = np.eye(self.m)[k]
        moved = []
        for _ in range(2):
            x = self.flat.x * (1 + self.rng.choice((-2.0, 2.0), self.n) * np.finfo(float).eps)
            moved.append(abs(self.flat.pull(x)(unit)[i] - self.jacobian[k, i]))
        return bool(20 * max(moved) > apart)

    def _wrong(self, i: int, k: int, expected: float, why: str = "") -> Finding:
        note = f"the derivative of output {k}" if self.m > 1 else ""
        return self._result(
            Verdict.WRONG,
            index=i,
            found=float(self.jacobian[k, i]),
            expected=float(expected),
            note="; ".join(text for text in (why, note) if text),
        )

    def _result(self, verdict: Verdict, **facts: Any) -> Finding:
        return Finding(
            verdict,
            self.accuracy.relative,
            jacobian=self.jacobian,
            numerical=self.numerical,
            kinks=len(self.kinked_inputs),
            easy=self.accuracy.easy,
            convention=convention(self.met),
            **facts,
        )

"""`FullJacobian`: the comparison of a small Jacobian, by every entry and by each output with a kink."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Final

import numpy as np

from minigrad.testing.numeric.comparison import Accuracy, Comparison, Verdict
from minigrad.testing.numeric.directional_derivative import (
    NEGLIGIBLE,
    ROUGH,
    SINGLE_PRECISION,
    DirectionalDerivative,
    agreement_note,
    differentiate_adaptively,
    differentiate_along,
    scatter_around,
)
from minigrad.testing.numeric.evaluation import Evaluations
from minigrad.testing.numeric.finite_difference import Mask, Vector, own_scale, step_scale
from minigrad.testing.numeric.kink_judge import KinkJudge
from minigrad.testing.numeric.linearity import nonlinearity
from minigrad.testing.numeric.rule_rounding import CANCELLATION, rounding_of_cotangent, rounding_of_point
from minigrad.testing.numeric.subgradient import convention, diverges, is_invalid

MAX_KINKED_OUTPUTS: Final = 8
"""At most so many outputs with kinks are judged one by one."""
SHARP: Final = 1e-8
"""A derivative by all inputs together is known well enough for each of them when its error is this small."""
UNCLEAR: Final = "the difference is about as large as the error of the numerical derivative"
STAIRCASE: Final = "a staircase: its derivative is 0 between the stairs, and another along them"
RESOLVABLE: Final = 64
"""An error so many times as large as an entry can become smaller than it with the largest steps."""
COMPARABLE: Final = 1e-5
"""An entry smaller than this part of the largest of its output does not show when all inputs move."""


class FullJacobian:
    """A small Jacobian, entry by entry: one numerical derivative by an input gives a whole column."""

    def __init__(self, f: Evaluations, rng: np.random.Generator) -> None:
        self.f, self.rng = f, rng
        self.n, self.m = f.x.size, f.y.size
        self.scale = step_scale(f.x)
        self.pullback = f.linearize(f.x)
        self.jacobian = np.array([self.pullback(e) for e in np.eye(self.m)]).reshape(self.m, self.n)
        self.finite = np.where(np.isfinite(self.jacobian), np.abs(self.jacobian), 0)
        self.rows = np.max(self.finite * own_scale(f.x), axis=1, initial=0.0)  # how large the entries of an output are
        self.numerical = np.zeros((self.m, self.n))
        self.columns: dict[int, DirectionalDerivative] = {}
        self.kinked_inputs: dict[int, list[int]] = {}
        self.kinks_met: list[tuple[float, float, float]] = []
        self.accuracy = Accuracy()
        self.doubts: list[str] = []
        self.disagreement = 0.0

    def compare(self) -> Comparison:
        """The verdict on all entries, and on each output that has kinks."""
        plainly_right = self._is_plainly_right()
        for i in self._small_columns() if plainly_right else range(self.n):
            self._differentiate_by(i)
        if not plainly_right:
            self._differentiate_jointly()
        for i in self.columns:
            if (wrong := self._wrong_in_column(i)) is not None:
                return wrong
        if (wrong := self._wrong_if_nonlinear()) is not None:
            return wrong
        if (wrong := self._wrong_subgradient()) is not None:
            return wrong
        if self.doubts:
            return self._comparison(Verdict.INCONCLUSIVE, note="; ".join([*dict.fromkeys(self.doubts)][:3]))
        return self._comparison(Verdict.CORRECT, note=agreement_note(self.disagreement))

    def _is_plainly_right(self) -> bool:
        """Whether two random directions, with all inputs moving, show no kink and no difference in any output.

        A wrong entry makes a difference along all directions but those of a plane; a kink shows along all but those
        where it cancels with others. So nearly all right rules are known for such by this alone.
        """
        if self.n < 2:
            return False
        for _ in range(2):
            v = self._random_direction()
            derivative = differentiate_along(self.f, v, self.jacobian @ v, self.rows, adaptive=False)
            if not (derivative.no_kink_nearby and np.all(derivative.error <= SHARP * self.rows)):
                return False
            self.accuracy.add(derivative)
        return True

    def _random_direction(self) -> Vector:
        size = 1 + self.rng.integers(0, 1024, self.n) / 1024
        return np.asarray(self.rng.choice((-1.0, 1.0), self.n) * size * self.scale)

    def _small_columns(self) -> list[int]:
        """The inputs whose derivatives are too small beside others to show when all inputs move."""
        entries = self.finite * self.scale
        small = (entries > 0) & (entries < COMPARABLE * self.rows[:, None])
        return [i for i in range(self.n) if small[:, i].any() or bool(0 < abs(self.f.x[i]) < COMPARABLE)]

    def _claimed(self, i: int) -> Vector:
        return np.asarray(self.scale[i] * self.jacobian[:, i])

    def _differentiate_by(self, i: int) -> None:
        v = np.zeros(self.n)
        v[i] = self.scale[i]
        claimed = self._claimed(i)
        column = differentiate_along(self.f, v, claimed, self.rows)
        size = np.where(np.isfinite(claimed), np.abs(claimed), 0)
        if np.any(
            (size > 0)
            & (column.error > ROUGH * size)
            & ((column.error < RESOLVABLE * size) | bool(0 < abs(self.f.x[i]) < COMPARABLE))
        ):
            column = differentiate_adaptively(self.f, column, claimed, self.rows)
        self.columns[i] = column
        self.numerical[:, i] = column.value / self.scale[i]
        self.accuracy.add(column)
        for k in map(int, np.flatnonzero(column.kinked)):
            self.kinked_inputs.setdefault(k, []).append(i)
            self.kinks_met.append((self._claimed(i)[k], column.left[k], column.right[k]))

    def _differentiate_jointly(self) -> None:
        """Find the outputs whose kinks show only when several inputs move."""
        if self.n < 2:
            return
        for signs in (self.rng.choice((-1.0, 1.0), self.n), np.ones(self.n)):
            v = signs * (1 + self.rng.integers(0, 32, self.n) / 32) * self.scale
            claimed, terms = self.jacobian @ v, np.abs(self.jacobian) @ np.abs(v)
            plain = self._without_kinks()
            if not plain.any():
                return
            joint = differentiate_along(self.f, v, claimed, terms, outputs=plain)
            for k in map(int, np.flatnonzero(joint.kinked | joint.one_sided)):
                self.kinked_inputs.setdefault(k, [])
            agree = ~np.any([column.differs(self._claimed(i)) for i, column in self.columns.items()], axis=0)
            for k in map(int, np.flatnonzero(joint.smooth & plain & agree & joint.differs_clearly(claimed, terms))):
                self.kinked_inputs.setdefault(k, [])  # each entry is right, so no sum of them can be: a kink

    def _without_kinks(self) -> Mask:
        """The outputs without kinks."""
        return np.array([k not in self.kinked_inputs for k in range(self.m)], bool)

    def _wrong_in_column(self, i: int) -> Comparison | None:
        """A wrong entry of a column, of outputs that have derivatives; notes what is in doubt."""
        column, claimed = self.columns[i], self._claimed(i)
        plain = self._without_kinks()
        wrong = column.smooth & plain & column.differs_clearly(claimed, self.rows)
        for k in sorted(map(int, np.flatnonzero(wrong)), key=lambda k: -abs(claimed[k] - column.value[k])):
            if column.agrees_like_single_precision(claimed)[k]:
                self.disagreement = max(self.disagreement, float(abs(claimed[k] / column.value[k] - 1)))
            elif self._is_rounding(i, k):
                column.error[k] = max(column.error[k], abs(claimed[k] - column.value[k]))
            elif np.isinf(claimed[k]) and diverges(self.f, k, column.v):
                self.doubts.append(f"output {k}: the derivative is infinite here")
            elif self._is_scattered(i, k):
                wrong[k] = False
            elif not self._is_coarse(column, k) and not self._is_invalid(column, k):
                self.kinked_inputs.setdefault(k, [])
            elif claimed[k] == 0 and self._stays(column, k, any):
                self.doubts.append(f"output {k}: {STAIRCASE}")
            else:
                return self._wrong(i, k, column.of_output(k) / self.scale[i])
        for k in map(int, np.flatnonzero(column.one_sided & plain & ~column.between_sides(claimed))):
            self.kinked_inputs.setdefault(k, [])
        for k in map(int, np.flatnonzero(column.smooth & plain & ~wrong & column.differs(claimed, self.rows))):
            if column.staircase is not None and column.staircase[k]:
                self.doubts.append(f"output {k}: {STAIRCASE}")
            elif not (column.agrees_like_single_precision(claimed)[k] or self._is_rounding(i, k)):
                self.doubts.append(f"output {k}: {UNCLEAR}")
        for k in map(int, np.flatnonzero(column.unknown & plain)):
            inconsistent = column.inconsistent is not None and column.inconsistent[k]
            if (
                inconsistent
                and not self._is_coarse(column, k)
                and self._kink_judge.invalid(k, self.jacobian[k]) is None
            ):
                self.kinked_inputs.setdefault(k, [])
            else:
                self.doubts.append(f"output {k}: {column.why_unknown(k, self.f.y[k])}")
        return None

    def _is_rounding(self, i: int, k: int) -> bool:
        """Whether an entry is apart from the numerical derivative by no more than rounding in the rule explains."""
        column = self.columns[i]
        unit = np.eye(self.m)[k]
        claimed, at_k = self._claimed(i), np.arange(self.m) == k
        size = max(self.rows[k], abs(column.value[k])) / self.scale[i]
        negligible = max(float(self.f.typical[k]), 1.0) / self.scale[i]
        largest = max(SINGLE_PRECISION * size, CANCELLATION * negligible)
        of_cotangent = rounding_of_cotangent(self.pullback, unit, largest, self.rng)[i]
        if not column.differs_clearly(claimed, self.rows, of_cotangent * self.scale[i] * at_k)[k]:
            return True
        size = max(size, NEGLIGIBLE * float(self.f.typical[k]) / self.scale[i])
        rounding = of_cotangent + rounding_of_point(self.f, unit, size, self.rng)[i]
        return not column.differs_clearly(claimed, self.rows, rounding * self.scale[i] * at_k)[k]

    def _is_scattered(self, i: int, k: int) -> bool:
        """Whether the numerical derivative itself changes with the step by so much that nothing is clear."""
        column = self.columns[i]
        column.error[k] += 2 * scatter_around(self.f, column, k)
        return not column.differs_clearly(self._claimed(i), self.rows)[k]

    def _is_invalid(self, column: DirectionalDerivative, k: int) -> bool:
        return is_invalid(self.f, k, self.jacobian[k], column.v, float(column.value[k]), self.rng)

    def _is_coarse(self, column: DirectionalDerivative, k: int) -> bool:
        """Whether the output does not change by steps that should show: it is computed in a lower precision.

        Its rounding would look like kinks everywhere.
        """
        return self._stays(column, k, all)

    def _stays(self, column: DirectionalDerivative, k: int, sides: Callable[[Iterable[bool]], bool]) -> bool:
        """Whether the output stays the same on any side of the point, or on all, by a step that should show."""
        step = 2.0**-36
        sizes = (column.value[k], column.left[k], column.right[k])
        here = self.f.y[k]
        if step * np.max(np.abs(sizes)) <= 64 * np.finfo(float).eps * abs(here):
            return False
        return sides(bool(self.f.value(self.f.x + t * column.v)[k] == here) for t in (-step, step))

    def _wrong_if_nonlinear(self) -> Comparison | None:
        """A rule that is right for each output alone must add up for a cotangent of all, of both signs and any size."""
        u = self.rng.uniform(0.5, 2, self.m) * self.rng.choice((-1.0, 1.0), self.m)
        place = nonlinearity(self.f, self.pullback, u, u @ self.jacobian, np.abs(u) @ self.finite, self.rng)
        if place is None:
            return None
        if not place.clear:
            self.doubts.append("the gradient is hardly linear in the cotangent")
            return None
        note = "not linear in the cotangent"
        return self._comparison(Verdict.WRONG, index=place.index, found=place.found, expected=place.expected, note=note)

    @cached_property
    def _kink_judge(self) -> KinkJudge:
        return KinkJudge(self.f, self.rng)

    def _wrong_subgradient(self) -> Comparison | None:
        """Outputs with kinks, each alone: first those that are most suspect."""
        suspect = {k: self._outside(k) for k in self.kinked_inputs}
        outputs = sorted(suspect, key=lambda k: (-len(suspect[k]), self.rng.random()))
        for k in outputs[:MAX_KINKED_OUTPUTS]:
            invalid = self._kink_judge.invalid(k, self.jacobian[k])
            if invalid is not None:
                why = "not a subgradient: jointly with other inputs" if invalid.jointly else "not a subgradient"
                return self._wrong(invalid.index, k, invalid.expected, why)
        return None

    def _outside(self, k: int) -> list[int]:
        """The inputs whose entry is neither the derivative nor between the one-sided ones.

        It may still be a subgradient: the middle one of three equal numbers does not change when one of them moves.
        """
        found = []
        for i, column in self.columns.items():
            claimed = self._claimed(i)
            right = np.where(column.smooth, ~column.differs(claimed, self.rows), column.between_sides(claimed))
            if not right[k]:
                found.append(i)
        return found

    def _wrong(self, i: int, k: int, expected: float, why: str = "") -> Comparison:
        note = f"the derivative of output {k}" if self.m > 1 else ""
        for j in range(self.n):
            if j not in self.columns:
                self._differentiate_by(j)  # so that the whole Jacobian can be shown
        return self._comparison(
            Verdict.WRONG,
            index=i,
            found=float(self.jacobian[k, i]),
            expected=float(expected),
            note="; ".join(text for text in (why, note) if text),
        )

    def _comparison(
        self,
        verdict: Verdict,
        *,
        index: int | None = None,
        found: float | None = None,
        expected: float | None = None,
        note: str = "",
    ) -> Comparison:
        return Comparison(
            verdict,
            self.accuracy.relative,
            index,
            found,
            expected,
            jacobian=self.jacobian,
            numerical=self.numerical,
            kinks=len(self.kinked_inputs),
            convention=convention(self.kinks_met),
            note=note,
            no_kink_nearby=self.accuracy.no_kink_nearby,
        )

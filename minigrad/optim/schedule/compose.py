"""Schedules made of schedules."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from minigrad.errors import StateError, UsageError
from minigrad.optim.schedule.base import Count, Schedule, check_count, counted
from minigrad.optim.schedule.curve import Linear


@dataclass(frozen=True)
class Lambda(Schedule):
    """Any function of the step's number.

        factor = function(step)

    Args:
        function: from the step, counted from 0, to the factor.

    Raises:
        UsageError: it is no function.

    >>> [Lambda(lambda step: 0.5**step)(step, total=3) for step in range(3)]
    [1.0, 0.5, 0.25]
    """

    function: Callable[[int], float]

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise UsageError(f"Lambda: takes a function of the step's number, not a {type(self.function).__name__}")

    def __call__(self, step: int, total: int) -> float:
        """What the function gives."""
        return float(self.function(step))


@dataclass(frozen=True)
class _Composed(Schedule):
    """Schedules that listen together, and whose state is kept together."""

    parts: tuple[Schedule, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(self.parts))
        if not self.parts or not all(isinstance(part, Schedule) for part in self.parts):
            raise UsageError(f"{type(self).__name__}: parts are schedules, one at least, got {self.parts!r}")

    def observe(self, measured: float) -> None:
        """Tell all parts."""
        for part in self.parts:
            part.observe(measured)

    def state_dict(self) -> dict[str, Any]:
        """What the parts keep."""
        states = [part.state_dict() for part in self.parts]
        return {"parts": states} if any(states) else {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken.

        Raises:
            StateError: it is the state of other parts.
        """
        states = state.get("parts", [{}] * len(self.parts))
        if len(states) != len(self.parts):
            raise StateError(f"{type(self).__name__}: the state has {len(states)} parts, not {len(self.parts)}")
        for part, own in zip(self.parts, states, strict=True):
            part.load_state_dict(own)


@dataclass(frozen=True)
class Sequential(_Composed):
    """One schedule after the other, each from its own step 0.

        factor = parts[i](step - b[i], b[i+1] - b[i]),  b = 0, milestones..., total;  i the last with b[i] <= step

    For each part, the total is the number of its own steps: `Cosine` falls to its end within them.

    Args:
        parts: the schedules.
        milestones: the steps at which the next one begins, one fewer than parts.

    Raises:
        UsageError: the numbers of both do not fit, or the milestones do not grow.

    >>> schedule = Sequential((Linear(final=1.0, start=0.5), Linear()), (2,))
    >>> [schedule(step, total=6) for step in range(6)]
    [0.5, 0.75, 1.0, 0.75, 0.5, 0.25]
    """

    milestones: tuple[Count, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "milestones", tuple(self.milestones))
        if len(self.milestones) != len(self.parts) - 1:
            raise UsageError(
                f"Sequential: {len(self.parts)} parts need {len(self.parts) - 1} milestones, got {self.milestones}"
            )
        for milestone in self.milestones:
            check_count(self, "a milestone", milestone)
        if len(set(map(type, self.milestones))) == 1 and sorted(set(self.milestones)) != list(self.milestones):
            raise UsageError(f"Sequential: milestones must grow, got {self.milestones}")

    @property
    def uses_total(self) -> bool:
        """Whether a milestone is a share, or the last part looks at its end."""
        return any(isinstance(milestone, float) for milestone in self.milestones) or self.parts[-1].uses_total

    def __call__(self, step: int, total: int) -> float:
        """The factor of the part that the step belongs to."""
        part, step, total = self._place(step, total)
        return part(step, total)

    def momentum(self, step: int, total: int) -> float | None:
        """The momentum of the part that the step belongs to."""
        part, step, total = self._place(step, total)
        return part.momentum(step, total)

    def _place(self, step: int, total: int) -> tuple[Schedule, int, int]:
        """A part, and the step and the total as it counts them."""
        begins = [0, *[counted(milestone, total) for milestone in self.milestones]]
        i = bisect_right(begins, step) - 1
        end = begins[i + 1] if i + 1 < len(begins) else total
        return self.parts[i], step - begins[i], end - begins[i]


@dataclass(frozen=True)
class Chained(_Composed):
    """Schedules at once: their factors are multiplied.

        factor = product of parts[i](step, total)

    Args:
        parts: the schedules. Of those that set the momentum, the last one does.

    >>> schedule = Chained((Linear(), Lambda(lambda step: 0.5)))
    >>> [schedule(step, total=4) for step in range(4)]
    [0.5, 0.375, 0.25, 0.125]
    """

    @property
    def uses_total(self) -> bool:
        """Whether a part does."""
        return any(part.uses_total for part in self.parts)

    def __call__(self, step: int, total: int) -> float:
        """The product of the factors."""
        factor = 1.0
        for part in self.parts:
            factor *= part(step, total)
        return factor

    def momentum(self, step: int, total: int) -> float | None:
        """The last momentum that a part sets."""
        set_ones = [m for part in self.parts if (m := part.momentum(step, total)) is not None]
        return set_ones[-1] if set_ones else None


def warmup(after: Schedule, steps: Count = 0.05, start: float = 1 / 3) -> Sequential:
    """A line from `start` up to 1, then another schedule.

        factor = start + (1 - start) * step / n for step < n = steps, then after(step - n, total - n)

    Args:
        after: the schedule of the remaining steps.
        steps: how long the line is.
        start: the factor at its beginning.

    Source: Goyal et al. 2017, "Accurate, large minibatch SGD", arXiv:1706.02677.

    >>> schedule = warmup(Linear(), steps=2, start=0.5)
    >>> [schedule(step, total=6) for step in range(6)]
    [0.5, 0.75, 1.0, 0.75, 0.5, 0.25]
    """
    return Sequential((Linear(final=1.0, start=start), after), (steps,))

"""Schedules made of other schedules, or of a function: one after the other, multiplied, with a warm-up."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from minigrad.errors import StateError, UsageError
from minigrad.optim.schedule.base import Count, Schedule, check_count, steps_of
from minigrad.optim.schedule.piecewise import Linear
from minigrad.typing import StateDict


@dataclass(frozen=True)
class Lambda(Schedule):
    """Any function of the step's number.

        factor = function(step)

    Args:
        function: from the number of the step (update), counted from 0, to the factor.

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
    """Schedules that take in metrics together, and whose states are kept together."""

    schedules: tuple[Schedule, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "schedules", tuple(self.schedules))
        if not self.schedules or not all(isinstance(schedule, Schedule) for schedule in self.schedules):
            raise UsageError(f"{type(self).__name__}: takes schedules, one at least, got {self.schedules!r}")

    def observe(self, metric: float) -> None:
        """Hand a metric on to all schedules."""
        for schedule in self.schedules:
            schedule.observe(metric)

    @property
    def step_counts(self) -> tuple[int, ...]:
        """Those of the schedules."""
        return tuple(count for schedule in self.schedules for count in schedule.step_counts)

    def reset(self) -> None:
        """Reset all schedules."""
        for schedule in self.schedules:
            schedule.reset()

    def state_dict(self) -> StateDict:
        """What the schedules keep."""
        states = [schedule.state_dict() for schedule in self.schedules]
        return {"schedules": states} if any(states) else {}

    def load_state_dict(self, state: StateDict) -> None:
        """Go on where `state_dict` was taken.

        Raises:
            StateError: it is the state of other schedules.
        """
        states = state.get("schedules", [{}] * len(self.schedules))
        if len(states) != len(self.schedules):
            raise StateError(
                f"{type(self).__name__}: the state is of {len(states)} schedules, not of {len(self.schedules)}"
            )
        for schedule, own in zip(self.schedules, states, strict=True):
            schedule.load_state_dict(own)


@dataclass(frozen=True)
class Sequential(_Composed):
    """One schedule after the other, each from its own step 0.

        factor = schedules[i](step - b[i], b[i+1] - b[i]),  b = 0, milestones..., total;  i the last with b[i] <= step

    For each schedule, the total is the number of its own steps: `Cosine` falls to its end within them.

    Args:
        schedules: the schedules, one at least.
        milestones: the steps at which the next one begins, one fewer than schedules: integers count steps (updates),
            floats are shares of all of them.

    Raises:
        UsageError: the numbers of both do not fit, the milestones do not grow, or something else is no schedule.

    >>> schedule = Sequential((Linear(final=1.0, start=0.5), Linear()), (2,))
    >>> [schedule(step, total=6) for step in range(6)]
    [0.5, 0.75, 1.0, 0.75, 0.5, 0.25]
    """

    milestones: tuple[Count, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "milestones", tuple(self.milestones))
        count = len(self.schedules)
        if len(self.milestones) != count - 1:
            raise UsageError(f"Sequential: {count} schedules need {count - 1} milestones, got {self.milestones}")
        for milestone in self.milestones:
            check_count(self, "a milestone", milestone)
        if len(set(map(type, self.milestones))) == 1 and sorted(set(self.milestones)) != list(self.milestones):
            raise UsageError(f"Sequential: milestones must grow, got {self.milestones}")

    @property
    def uses_total(self) -> bool:
        """Whether a milestone is a share, or the last schedule depends on its total."""
        return any(isinstance(milestone, float) for milestone in self.milestones) or self.schedules[-1].uses_total

    def __call__(self, step: int, total: int) -> float:
        """The factor of the schedule that the step belongs to."""
        schedule, step, total = self._at(step, total)
        return schedule(step, total)

    def momentum(self, step: int, total: int) -> float | None:
        """The momentum of the schedule that the step belongs to."""
        schedule, step, total = self._at(step, total)
        return schedule.momentum(step, total)

    def _at(self, step: int, total: int) -> tuple[Schedule, int, int]:
        """The schedule of a step, and the step and the total as it counts them."""
        begins = [0, *[steps_of(milestone, total) for milestone in self.milestones]]
        i = bisect_right(begins, step) - 1
        end = begins[i + 1] if i + 1 < len(begins) else total
        return self.schedules[i], step - begins[i], end - begins[i]


@dataclass(frozen=True)
class Chained(_Composed):
    """Schedules at the same time: their factors are multiplied.

        factor = product of schedules[i](step, total)

    Args:
        schedules: the schedules, one at least. Of those that set the momentum, the last one does.

    Raises:
        UsageError: something else is no schedule, or there is none.

    >>> schedule = Chained((Linear(), Lambda(lambda step: 0.5)))
    >>> [schedule(step, total=4) for step in range(4)]
    [0.5, 0.375, 0.25, 0.125]
    """

    @property
    def uses_total(self) -> bool:
        """Whether one of the schedules does."""
        return any(schedule.uses_total for schedule in self.schedules)

    def __call__(self, step: int, total: int) -> float:
        """The product of the factors."""
        factor = 1.0
        for schedule in self.schedules:
            factor *= schedule(step, total)
        return factor

    def momentum(self, step: int, total: int) -> float | None:
        """The last momentum that one of the schedules sets."""
        momenta = [schedule.momentum(step, total) for schedule in self.schedules]
        return next((m for m in reversed(momenta) if m is not None), None)


def warmup(after: Schedule, steps: Count = 0.05, start: float = 1 / 3) -> Sequential:
    """Linear warm-up: a line from `start` up to 1, then another schedule.

        factor = start + (1 - start) * step / n for step < n = steps, then after(step - n, total - n)

    Args:
        after: the schedule of the remaining steps.
        steps: how long the line is: an integer counts steps (updates), a float is a share of all (default 0.05).
        start: the factor at its beginning, in [0, 1] (default 1/3).

    Raises:
        UsageError: a setting lies outside of its range.

    Source: Goyal et al. 2017, "Accurate, large minibatch SGD", arXiv:1706.02677.

    >>> schedule = warmup(Linear(), steps=2, start=0.5)
    >>> [schedule(step, total=6) for step in range(6)]
    [0.5, 0.75, 1.0, 0.75, 0.5, 0.25]
    """
    return Sequential((Linear(final=1.0, start=start), after), (steps,))

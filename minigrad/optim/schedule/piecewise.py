"""Schedules made of straight pieces: constant, linear, and stairs."""

from __future__ import annotations

from dataclasses import dataclass

from minigrad.optim.schedule.base import (
    Count,
    Schedule,
    check_count,
    check_factor,
    check_positive,
    steps_of,
    whole_steps,
)


@dataclass(frozen=True)
class Constant(Schedule):
    """The base learning rate, or a fraction of it for the first steps.

        factor = factor for step < steps, then 1

    Args:
        factor: of the first steps, in [0, 1] (default 1.0).
        steps: how many steps are the first ones: an integer counts steps (updates), a float is a share of all of them
            (default None: all steps).

    Raises:
        UsageError: a setting lies outside of its range.

    >>> [Constant(0.5, steps=2)(step, total=4) for step in range(4)]
    [0.5, 0.5, 1.0, 1.0]
    """

    factor: float = 1.0
    steps: Count | None = None

    def __post_init__(self) -> None:
        check_factor(self, "factor", self.factor)
        if self.steps is not None:
            check_count(self, "steps", self.steps)

    @property
    def uses_total(self) -> bool:
        """Whether the number of first steps is a share."""
        return isinstance(self.steps, float)

    def __call__(self, step: int, total: int) -> float:
        """`factor`, then 1."""
        return self.factor if self.steps is None or step < steps_of(self.steps, total) else 1.0


@dataclass(frozen=True)
class Linear(Schedule):
    """Linear decay: a straight line from `start` to `final`, then `final`.

        factor = start + (final - start) * min(step, n) / n,  n = steps

    Args:
        final: the factor at the end of the line, in [0, 1] (default 0.0).
        start: the factor at its beginning, in [0, 1] (default 1.0).
        steps: how long it is: an integer counts steps (updates), a float is a share of all of them (default 1.0).

    Raises:
        UsageError: a setting lies outside of its range.

    >>> [Linear()(step, total=4) for step in range(4)]
    [1.0, 0.75, 0.5, 0.25]
    >>> [Linear(final=1.0, start=0.5, steps=4)(step, total=100) for step in range(6)]
    [0.5, 0.625, 0.75, 0.875, 1.0, 1.0]
    """

    final: float = 0.0
    start: float = 1.0
    steps: Count = 1.0

    def __post_init__(self) -> None:
        check_factor(self, "final", self.final)
        check_factor(self, "start", self.start)
        check_count(self, "steps", self.steps)

    @property
    def step_counts(self) -> tuple[int, ...]:
        """The length of a line that falls."""
        return whole_steps(self.steps) if self.final < self.start else ()

    @property
    def uses_total(self) -> bool:
        """Whether the length is a share."""
        return isinstance(self.steps, float)

    def __call__(self, step: int, total: int) -> float:
        """The factor on the line."""
        n = max(1, steps_of(self.steps, total))
        return self.start + (self.final - self.start) * min(step, n) / n


@dataclass(frozen=True)
class Step(Schedule):
    """Step decay: the rate is multiplied by gamma after every `step_size` steps.

        factor = gamma^floor(step / step_size)

    Args:
        step_size: steps from one fall to the next: an integer counts steps (updates), a float is a share of all of them
            (default 1/3).
        gamma: the factor of each fall, above 0 (default 0.1).

    Raises:
        UsageError: a setting lies outside of its range.

    >>> [Step(2, gamma=0.5)(step, total=6) for step in range(6)]
    [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """

    step_size: Count = 1 / 3
    gamma: float = 0.1

    def __post_init__(self) -> None:
        check_count(self, "step_size", self.step_size)
        check_positive(self, "gamma", self.gamma)

    @property
    def step_counts(self) -> tuple[int, ...]:
        """The length of a stair."""
        return whole_steps(self.step_size)

    @property
    def uses_total(self) -> bool:
        """Whether the stairs are shares."""
        return isinstance(self.step_size, float)

    def __call__(self, step: int, total: int) -> float:
        """The factor of this stair."""
        return float(self.gamma ** (step // max(1, steps_of(self.step_size, total))))


@dataclass(frozen=True)
class MultiStep(Schedule):
    """Step decay at chosen milestones.

        factor = gamma^(number of milestones <= step)

    Args:
        milestones: the steps before which the rate falls: integers count steps (updates), floats are shares of all of
            them (default (0.5, 0.75)).
        gamma: the factor of each fall, above 0 (default 0.1).

    Raises:
        UsageError: a setting lies outside of its range.

    >>> [MultiStep((2, 5), gamma=0.5)(step, total=7) for step in range(7)]
    [1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25]
    """

    milestones: tuple[Count, ...] = (0.5, 0.75)
    gamma: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "milestones", tuple(self.milestones))
        for milestone in self.milestones:
            check_count(self, "a milestone", milestone)
        check_positive(self, "gamma", self.gamma)

    @property
    def step_counts(self) -> tuple[int, ...]:
        """The milestones."""
        return whole_steps(*self.milestones)

    @property
    def uses_total(self) -> bool:
        """Whether a milestone is a share."""
        return any(isinstance(milestone, float) for milestone in self.milestones)

    def __call__(self, step: int, total: int) -> float:
        """The factor after the milestones that are passed."""
        return float(self.gamma ** sum(step >= steps_of(milestone, total) for milestone in self.milestones))

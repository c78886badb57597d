"""Schedules that fall from the base learning rate along a curve."""

from __future__ import annotations

import math
from dataclasses import dataclass

from minigrad.errors import UsageError
from minigrad.optim.schedule.base import Count, Schedule, check_count, check_factor, check_positive, counted


@dataclass(frozen=True)
class Constant(Schedule):
    """Always the base learning rate; or a part of it for some steps.

        factor = factor for step < steps, then 1

    Args:
        factor: of the first steps, in [0, 1].
        steps: how many steps are the first ones; None: all of them.

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
        return self.factor if self.steps is None or step < counted(self.steps, total) else 1.0


@dataclass(frozen=True)
class Linear(Schedule):
    """A straight line from `start` to `final`, then `final`.

        factor = start + (final - start) * min(step, n) / n,  n = steps

    Args:
        final: the factor at the end of the line, in [0, 1].
        start: the factor at its beginning, in [0, 1].
        steps: how long it is.

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
    def uses_total(self) -> bool:
        """Whether the length is a share."""
        return isinstance(self.steps, float)

    def __call__(self, step: int, total: int) -> float:
        """The factor on the line."""
        n = max(1, counted(self.steps, total))
        return self.start + (self.final - self.start) * min(step, n) / n


@dataclass(frozen=True)
class Step(Schedule):
    """A stair: falls by the same factor after each `step_size` steps.

        factor = gamma^floor(step / step_size)

    Args:
        step_size: how long each stair is.
        gamma: the factor of each fall.

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
    def uses_total(self) -> bool:
        """Whether the stairs are shares."""
        return isinstance(self.step_size, float)

    def __call__(self, step: int, total: int) -> float:
        """The factor of this stair."""
        return float(self.gamma ** (step // max(1, counted(self.step_size, total))))


@dataclass(frozen=True)
class MultiStep(Schedule):
    """A stair with falls at chosen steps.

        factor = gamma^(number of milestones <= step)

    Args:
        milestones: the steps before which the rate falls.
        gamma: the factor of each fall.

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
    def uses_total(self) -> bool:
        """Whether a milestone is a share."""
        return any(isinstance(milestone, float) for milestone in self.milestones)

    def __call__(self, step: int, total: int) -> float:
        """The factor after the milestones that are passed."""
        return float(self.gamma ** sum(step >= counted(milestone, total) for milestone in self.milestones))


@dataclass(frozen=True)
class Exponential(Schedule):
    """The same factor at each step.

        factor = gamma^step

    Args:
        gamma: the factor of one step.

    Raises:
        UsageError: gamma is not above 0.

    >>> [Exponential(0.5)(step, total=4) for step in range(4)]
    [1.0, 0.5, 0.25, 0.125]
    """

    gamma: float = 0.999

    def __post_init__(self) -> None:
        check_positive(self, "gamma", self.gamma)

    def __call__(self, step: int, total: int) -> float:
        """The factor after as many steps."""
        return float(self.gamma**step)


@dataclass(frozen=True)
class InverseTime(Schedule):
    """Falls like 1/t, as the convergence of stochastic descent demands.

        factor = 1 / (1 + rate * step)

    Args:
        rate: after 1/rate steps, half is left.

    Raises:
        UsageError: the rate is not above 0.

    Source: Robbins and Monro 1951, "A stochastic approximation method".

    >>> [InverseTime(1.0)(step, total=4) for step in range(4)]
    [1.0, 0.5, 0.3333333333333333, 0.25]
    """

    rate: float = 1e-3

    def __post_init__(self) -> None:
        check_positive(self, "rate", self.rate)

    def __call__(self, step: int, total: int) -> float:
        """The factor after as many steps."""
        return 1 / (1 + self.rate * step)


@dataclass(frozen=True)
class Polynomial(Schedule):
    """A power of what is left, down to 0.

        factor = (1 - min(step, n) / n)^power,  n = steps

    Args:
        power: 1 falls along a line, more falls sooner.
        steps: how long the fall is.

    Raises:
        UsageError: a setting lies outside of its range.

    >>> [Polynomial(2.0)(step, total=4) for step in range(4)]
    [1.0, 0.5625, 0.25, 0.0625]
    """

    power: float = 1.0
    steps: Count = 1.0

    def __post_init__(self) -> None:
        check_positive(self, "power", self.power)
        check_count(self, "steps", self.steps)

    @property
    def uses_total(self) -> bool:
        """Whether the length is a share."""
        return isinstance(self.steps, float)

    def __call__(self, step: int, total: int) -> float:
        """The factor on the curve."""
        n = max(1, counted(self.steps, total))
        return float((1 - min(step, n) / n) ** self.power)


@dataclass(frozen=True)
class Cosine(Schedule):
    """A linear rise, then half a cosine down.

        factor = (step + 1) / w                                       for step < w = round(warmup * total)
        factor = final + (1 - final) * (1 + cos(pi * t)) / 2          after that, t = (step - w) / (total - w)

    Args:
        warmup: the share of all steps in which the factor rises, in [0, 1).
        final: the factor that the last steps approach, in [0, 1].

    Raises:
        UsageError: a setting lies outside of its range.

    Source: Loshchilov and Hutter 2017, "SGDR: stochastic gradient descent with warm restarts", without the restarts;
    the rise: Goyal et al. 2017, "Accurate, large minibatch SGD".

    >>> [round(Cosine()(step, total=4), 3) for step in range(4)]
    [1.0, 0.854, 0.5, 0.146]
    """

    warmup: float = 0.0
    final: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.warmup < 1:
            raise UsageError(f"Cosine: warmup is a share of the steps in [0, 1), got {self.warmup}")
        check_factor(self, "final", self.final)

    @property
    def uses_total(self) -> bool:
        """Always."""
        return True

    def __call__(self, step: int, total: int) -> float:
        """The factor on the curve."""
        rise = round(self.warmup * total)
        if step < rise:
            return (step + 1) / rise
        return half_cosine(1.0, self.final, (step - rise) / max(1, total - rise))


def half_cosine(start: float, end: float, t: float) -> float:
    """From `start` at t = 0 to `end` at t = 1."""
    return end + (start - end) * (1 + math.cos(math.pi * t)) / 2

"""Schedules that decay along a smooth curve: exponential, inverse time, polynomial, and cosine."""

from __future__ import annotations

import math
from dataclasses import dataclass

from minigrad.errors import UsageError
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
class Exponential(Schedule):
    """Exponential decay: the same factor at each step.

        factor = gamma^step

    Args:
        gamma: the factor of one step (update), above 0 (default 0.999).

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
    """Inverse time decay: the rate falls like 1/t, as proofs of convergence of stochastic descent demand.

        factor = 1 / (1 + rate * step)

    Args:
        rate: how fast: after 1/rate steps (updates), half is left; above 0 (default 1e-3).

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
    """Polynomial decay: a power of the share of steps that is left, down to 0.

        factor = (1 - min(step, n) / n)^power,  n = steps

    Args:
        power: 1 falls along a line, more falls sooner; above 0 (default 1.0).
        steps: how long the fall is: an integer counts steps (updates), a float is a share of all of them (default 1.0).

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
    def step_counts(self) -> tuple[int, ...]:
        """The length of the fall."""
        return whole_steps(self.steps)

    @property
    def uses_total(self) -> bool:
        """Whether the length is a share."""
        return isinstance(self.steps, float)

    def __call__(self, step: int, total: int) -> float:
        """The factor on the curve."""
        n = max(1, steps_of(self.steps, total))
        return float((1 - min(step, n) / n) ** self.power)


@dataclass(frozen=True)
class Cosine(Schedule):
    """Cosine annealing, after a linear warm-up: half a cosine from 1 down to `final`.

        factor = (step + 1) / w                                       for step < w = round(warmup * total)
        factor = final + (1 - final) * (1 + cos(pi * t)) / 2          after that, t = (step - w) / (total - w)

    Args:
        warmup: the share of all steps (updates) in which the factor rises, in [0, 1) (default 0.0).
        final: the factor that the last steps approach, in [0, 1] (default 0.0).

    Raises:
        UsageError: a setting lies outside of its range.

    Source: Loshchilov and Hutter 2017, "SGDR: stochastic gradient descent with warm restarts", arXiv:1608.03983, but
    without restarts; the warm-up: Goyal et al. 2017, "Accurate, large minibatch SGD", arXiv:1706.02677.

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

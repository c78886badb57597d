"""Learning-rate schedules: functions from the step's number to a factor of the base learning rate.

A schedule keeps no state, so a resumed training needs nothing but the number of its step. `fit` multiplies every
parameter group's own `lr` by the factor for the length of one update.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, Protocol

from minigrad.errors import StateError, UsageError


class Schedule(Protocol):
    """A function of the step's number; a frozen dataclass whose fields are its settings."""

    uses_total: ClassVar[bool]
    """Whether the factors depend on the total: if so, a training cannot be made longer once it has begun."""

    def __call__(self, step: int, total: int) -> float:
        """The factor of the base learning rate at `step` = 0 ... total - 1."""
        ...


@dataclass(frozen=True)
class Constant:
    """Always the base learning rate."""

    uses_total: ClassVar[bool] = False

    def __call__(self, step: int, total: int) -> float:
        """The factor 1."""
        return 1.0


@dataclass(frozen=True)
class Linear:
    """A straight line from 1 to `final`.

        factor = 1 - (1 - final) * step / total

    Args:
        final: the factor that the last steps approach, in [0, 1].

    Raises:
        UsageError: a setting lies outside of its range.

    >>> [Linear()(step, total=4) for step in range(4)]
    [1.0, 0.75, 0.5, 0.25]
    """

    final: float = 0.0
    uses_total: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 <= self.final <= 1:
            raise UsageError(f"Linear: final is a factor in [0, 1], got {self.final}")

    def __call__(self, step: int, total: int) -> float:
        """The factor at `step` = 0 ... total - 1."""
        return 1 - (1 - self.final) * step / max(1, total)


@dataclass(frozen=True)
class Cosine:
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
    uses_total: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 <= self.warmup < 1:
            raise UsageError(f"Cosine: warmup is a share of the steps in [0, 1), got {self.warmup}")
        if not 0 <= self.final <= 1:
            raise UsageError(f"Cosine: final is a factor in [0, 1], got {self.final}")

    def __call__(self, step: int, total: int) -> float:
        """The factor at `step` = 0 ... total - 1."""
        rise = round(self.warmup * total)
        if step < rise:
            return (step + 1) / rise
        t = (step - rise) / max(1, total - rise)
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * t)) / 2


SCHEDULES: Final[dict[str, type[Any]]] = {"constant": Constant, "linear": Linear, "cosine": Cosine}
"""The schedules by the names that files and the command line use."""


def schedule_settings(schedule: Schedule) -> dict[str, Any]:
    """A schedule as plain data: its name and its settings.

    >>> schedule_settings(Cosine(warmup=0.1))
    {'name': 'cosine', 'warmup': 0.1, 'final': 0.0}
    """
    (name,) = (name for name, kind in SCHEDULES.items() if type(schedule) is kind)
    return {"name": name, **asdict(schedule)}  # type: ignore[call-overload]


def schedule_of(settings: Mapping[str, Any]) -> Schedule:
    """The schedule that `schedule_settings` described.

    Raises:
        StateError: there is no such schedule, or it has no such setting.
    """
    others = {key: value for key, value in settings.items() if key != "name"}
    try:
        return SCHEDULES[settings["name"]](**others)  # type: ignore[no-any-return]
    except (KeyError, TypeError) as error:
        raise StateError(
            f"no schedule has these settings: {dict(settings)}; known are {', '.join(SCHEDULES)}"
        ) from error

"""Schedules as plain data, for checkpoints and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from minigrad.errors import StateError, UsageError
from minigrad.optim.schedule.base import Schedule
from minigrad.optim.schedule.compose import Chained, Sequential
from minigrad.optim.schedule.cycle import CosineRestarts, OneCycle
from minigrad.optim.schedule.decay import Cosine, Exponential, InverseTime, Polynomial
from minigrad.optim.schedule.piecewise import Constant, Linear, MultiStep, Step
from minigrad.optim.schedule.plateau import Plateau

SCHEDULES: Final[dict[str, type[Any]]] = {
    "constant": Constant,
    "linear": Linear,
    "cosine": Cosine,
    "step": Step,
    "multi-step": MultiStep,
    "exponential": Exponential,
    "inverse-time": InverseTime,
    "polynomial": Polynomial,
    "cosine-restarts": CosineRestarts,
    "one-cycle": OneCycle,
    "plateau": Plateau,
}
"""The schedules by the names that the command line uses: each can be made without settings."""

COMPOSED: Final[dict[str, type[Any]]] = {"sequential": Sequential, "chained": Chained}


def schedule_settings(schedule: Schedule) -> dict[str, Any]:
    """A schedule as plain data: its name and its settings.

    Args:
        schedule: one of this package, not of one's own.

    Raises:
        UsageError: it is a schedule of one's own, which no file can describe.

    >>> schedule_settings(Cosine(warmup=0.1))
    {'name': 'cosine', 'warmup': 0.1, 'final': 0.0}
    """
    names = [name for name, kind in (SCHEDULES | COMPOSED).items() if type(schedule) is kind]
    if not names:
        raise UsageError(f"{type(schedule).__name__} is no schedule that can be described by its settings")
    settings = {
        field.name: getattr(schedule, field.name)
        for field in fields(schedule)  # type: ignore[arg-type]
        if field.init
    }
    if "schedules" in settings:
        settings["schedules"] = [schedule_settings(inner) for inner in settings["schedules"]]
    return {"name": names[0], **settings}


def schedule_of(settings: Mapping[str, Any]) -> Schedule:
    """The schedule that `schedule_settings` described.

    Args:
        settings: "name", and the settings that differ from their defaults.

    Raises:
        StateError: there is no such schedule, or it has no such setting.
    """
    others = {key: value for key, value in settings.items() if key != "name"}
    if "schedules" in others:
        others["schedules"] = [schedule_of(inner) for inner in others["schedules"]]
    known = SCHEDULES | COMPOSED
    try:
        return known[settings["name"]](**others)  # type: ignore[no-any-return]
    except (KeyError, TypeError) as error:
        raise StateError(f"no schedule has these settings: {dict(settings)}; known are {', '.join(known)}") from error

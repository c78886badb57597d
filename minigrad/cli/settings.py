"""`Settings`: everything that determines a training, resolved from the model's recipe and the options given."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Self

from minigrad.config import available_threads
from minigrad.errors import StateError, UsageError
from minigrad.optim.schedule import SCHEDULES, Schedule, schedule_of, schedule_settings
from models import Recipe, entry

USUAL_LR: Final = {"sgd": 0.05, "adam": 0.001}
"""The learning rate of an optimizer that the recipe does not use."""

OPTIONS: Final = ("data", "epochs", "batch_size", "lr", "optimizer", "schedule", "seed", "threads")
"""The options that set something, by their names here: `--batch-size` is `batch_size`."""


@dataclass(frozen=True)
class Settings:
    """What determines a training: the same settings give the same weights, on one machine with the same versions.

    Attributes:
        model, data: what is trained, and on what.
        recipe: how; see `models.Recipe`.
        seed: of the weights, the order of the samples and their random motions.
        threads: of BLAS and of the kernels.
    """

    model: str
    data: str
    recipe: Recipe
    seed: int
    threads: int

    def to_json(self) -> dict[str, Any]:
        """All of them side by side, as they stand in settings.json."""
        recipe = {**asdict(self.recipe), "schedule": schedule_settings(self.recipe.schedule)}
        return {"model": self.model, "data": self.data, **recipe, "seed": self.seed, "threads": self.threads}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """What `to_json` gave.

        Raises:
            StateError: a setting is missing.
        """
        try:
            recipe = {field.name: values[field.name] for field in fields(Recipe)}
            recipe |= {"schedule": schedule_of(recipe["schedule"]), "scale": tuple(recipe["scale"])}
            own = {name: values[name] for name in ("model", "data", "seed", "threads")}
        except (KeyError, TypeError) as error:
            raise StateError(f"not a run of `minigrad train`: the setting {error} is missing") from error
        return cls(recipe=Recipe(**recipe), **own)


def resolve(arguments: argparse.Namespace) -> Settings:
    """The settings of a new run.

    Raises:
        UsageError: there is no such model.
    """
    recipe = entry(arguments.model).recipe
    given = {name: value for name in OPTIONS if (value := getattr(arguments, name)) is not None}
    if "optimizer" in given and given["optimizer"] != recipe.optimizer:
        given.setdefault("lr", USUAL_LR[given["optimizer"]])
    if "schedule" in given:
        given["schedule"] = _named_schedule(given["schedule"], recipe.schedule)
    own: dict[str, Any] = {"data": "digits", "seed": 0, "threads": available_threads()}
    own |= {name: given.pop(name) for name in own if name in given}
    return Settings(model=arguments.model, recipe=replace(recipe, **given), **own)


def resolve_resumed(arguments: argparse.Namespace, settings: Settings, folder: str) -> Settings:
    """The settings of a run that goes on: its own, perhaps with more epochs.

    Raises:
        UsageError: an option says otherwise.
    """
    saved = settings.to_json()
    saved["schedule"] = saved["schedule"]["name"]
    if arguments.model != settings.model:
        raise UsageError(f"{folder} is a run of {settings.model}, not of {arguments.model}")
    for name in OPTIONS:
        given = getattr(arguments, name)
        if given is None or given == saved[name] or (name == "epochs" and given > saved[name]):
            continue
        option = "--" + name.replace("_", "-")
        raise UsageError(
            f"{option} {given} contradicts {folder}, which was begun with {option} {saved[name]}: "
            "leave the option out, or begin a new run"
        )
    recipe = settings.recipe
    if arguments.epochs is None or arguments.epochs == recipe.epochs:
        return settings
    if recipe.schedule.uses_total:
        raise UsageError(
            f"--epochs {arguments.epochs} contradicts {folder}, which was begun with --epochs {recipe.epochs}: its "
            f"{saved['schedule']} schedule follows from that number, so the steps done so far would have been others; "
            "begin a new run (with --schedule constant it could be made longer later)"
        )
    return replace(settings, recipe=replace(recipe, epochs=arguments.epochs))


def _named_schedule(name: str, recipe: Schedule) -> Schedule:
    """The recipe's own schedule if it has this name, otherwise that one's defaults."""
    return recipe if type(recipe) is SCHEDULES[name] else SCHEDULES[name]()

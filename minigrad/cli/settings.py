"""`Settings`: everything that determines a training, resolved from the model's recipe and the wishes of the user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Self

from minigrad_models import Recipe

from minigrad.cli.catalog import merged_loss, merged_optimizer, merged_schedule, model_entry
from minigrad.cli.source import checked_data
from minigrad.cli.value import Spec, checked, spec_text
from minigrad.cli.wish import STILL, Wishes
from minigrad.config import available_threads
from minigrad.errors import StateError, UsageError
from minigrad.optim.schedule import schedule_of, schedule_settings

NUMBERS: Final = ("accumulate", "clip_norm", "seed", "threads")
OWN: Final = ("model", "data", "loss", *NUMBERS)
MOTION: Final = tuple(STILL)


@dataclass(frozen=True)
class Settings:
    """What determines a training: the same settings give the same weights, on one machine with the same versions.

    Attributes:
        model, data: what is trained, and on what.
        weights: the file that the weights are from at the beginning; None for fresh ones.
        loss: by what; None for the model's own one, or cross entropy.
        recipe: how; see `minigrad_models.Recipe`.
        accumulate: how many batches there are to a step of the optimizer.
        clip_norm: the largest norm of all gradients together; None for any.
        seed: of the weights, the order of the samples and their random motions.
        threads: of BLAS and of the kernels.
    """

    model: str
    data: Spec
    weights: str | None
    loss: Spec | None
    recipe: Recipe
    accumulate: int
    clip_norm: float | None
    seed: int
    threads: int

    def to_json(self) -> dict[str, Any]:
        """All of them side by side, as they stand in settings.json; a configuration file has the same keys."""
        r = self.recipe
        return {
            "model": self.model,
            "data": self.data,
            "weights": self.weights,
            "loss": self.loss,
            "epochs": r.epochs,
            "batch_size": r.batch_size,
            "optimizer": dict(r.optimizer),
            "schedule": schedule_settings(r.schedule),
            "augment": {name: getattr(r, name) for name in MOTION},
            **{name: getattr(self, name) for name in NUMBERS},
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """What `to_json` gave.

        Raises:
            StateError: a setting is missing.
        """
        try:
            recipe = {**values, **values["augment"]}
            recipe = {field.name: recipe[field.name] for field in fields(Recipe)}
            recipe |= {
                "schedule": schedule_of(recipe["schedule"]),
                "scale": tuple(recipe["scale"]),
                "optimizer": {k: tuple(v) if isinstance(v, list) else v for k, v in recipe["optimizer"].items()},
            }
            own = {name: values[name] for name in OWN} | {"weights": values.get("weights")}
        except (KeyError, TypeError, AttributeError) as error:
            raise StateError(f"not a run of `minigrad train`: the setting {error} is missing") from error
        if not isinstance(own["model"], str) or not isinstance(own["data"], dict) or "name" not in own["data"]:
            raise StateError("not a run of `minigrad train`: its model or data has no name")
        return cls(recipe=Recipe(**recipe), **own)


def resolve(wishes: Sequence[Wishes]) -> Settings:
    """The settings of a new run: those of the model's recipe, with the wishes over them, the stronger last.

    Raises:
        UsageError: something is not known, or has no such setting.
    """
    model = next((w["model"] for w in reversed(wishes) if "model" in w), None)
    if model is None:
        raise UsageError("no model is named: name one, or have the configuration file name it")
    entry = model_entry(model)
    recipe = entry.recipe
    recipe = replace(recipe, optimizer=merged_optimizer(dict(recipe.optimizer), {}))
    settings = Settings(model, {"name": entry.data}, None, None, recipe, 1, None, 0, available_threads())
    for wish in wishes:
        settings = _with(settings, wish)
    return replace(settings, data=checked_data(settings.data))


def _with(settings: Settings, wish: Wishes) -> Settings:
    recipe = settings.recipe
    changes: Wishes = {name: wish[name] for name in ("epochs", "batch_size") if name in wish}
    if "optimizer" in wish:
        changes["optimizer"] = merged_optimizer(dict(recipe.optimizer), wish["optimizer"])
    if "schedule" in wish:
        changes["schedule"] = merged_schedule(recipe.schedule, wish["schedule"])
    if "augment" in wish:
        changes |= checked("augment", wish["augment"], STILL)
    own: Wishes = {name: wish[name] for name in NUMBERS if name in wish}
    if "weights" in wish:
        own["weights"] = wish["weights"]
    if "data" in wish:
        same = wish["data"].get("name", settings.data["name"]) == settings.data["name"]
        own["data"] = {**settings.data, **wish["data"]} if same else wish["data"]
    if "loss" in wish:
        own["loss"] = merged_loss(settings.loss, wish["loss"])
    return replace(settings, recipe=replace(recipe, **changes), **own)


def resolve_resumed(wishes: Sequence[Wishes], settings: Settings, folder: str) -> Settings:
    """The settings of a run that goes on: its own, perhaps with more epochs.

    Raises:
        UsageError: a wish says otherwise.
    """
    epochs = settings.recipe.epochs
    for wish in wishes:
        if wish.get("model", settings.model) != settings.model:
            raise UsageError(f"{folder} is a run of {settings.model}, not of {wish['model']}")
        for option, given, saved in _contradictions(wish, settings):
            raise UsageError(
                f"{option} {given} contradicts {folder}, which was begun with {option} {saved}: "
                "leave the option out, or begin a new run"
            )
        epochs = wish.get("epochs", epochs)
    if epochs == settings.recipe.epochs:
        return settings
    if settings.recipe.schedule.uses_total:
        name = schedule_settings(settings.recipe.schedule)["name"]
        raise UsageError(
            f"--epochs {epochs} contradicts {folder}, which was begun with --epochs {settings.recipe.epochs}: its "
            f"{name} schedule follows from that number, so the steps done so far would have been others; "
            "begin a new run (with --schedule constant it could be made longer later)"
        )
    return replace(settings, recipe=replace(settings.recipe, epochs=epochs))


def _contradictions(wish: Wishes, settings: Settings) -> Iterator[tuple[str, Any, Any]]:
    """Options with what the wish and what the run has for them."""
    saved = settings.to_json()
    for key, given in wish.items():
        if key in ("model", "out"):
            continue
        has, option = saved[key], "--" + key.replace("_", "-")
        if not isinstance(given, dict):
            if given != has and not (key == "epochs" and given > has):
                yield option, given, "none" if has is None else has
            continue
        has = has or {"name": "the model's own"}
        differ = [name for name in given if name not in has or _plain(given[name]) != _plain(has[name])]
        if differ == ["lr"]:
            yield "--lr", given["lr"], has["lr"]
        elif differ:
            shown = [] if "name" in differ else differ
            yield option, spec_text(given, shown), spec_text(has, shown)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value

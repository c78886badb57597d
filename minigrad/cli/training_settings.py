"""`TrainingSettings`: everything that determines a training, from the model's recipe and what the user asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from minigrad_models import Entry

from minigrad.cli.overrides import Overrides, last
from minigrad.cli.registries import DEFAULT_LOSS, NO_AUGMENTATION, REGISTRIES, find_model, make_schedule
from minigrad.cli.spec import Spec
from minigrad.config import suitable_threads
from minigrad.errors import StateError, UsageError
from minigrad.optim.schedule import schedule_settings
from minigrad.typing import Settings

LATER = ("compile", "workers")
"""Settings that runs of earlier versions do not have: they take the default."""


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """What determines a training: the same settings give the same weights, on one machine with the same versions.

    A run folder keeps them in `settings.json`; options of the command, and a configuration file, have the same keys.

    Attributes:
        model: what is trained, by name.
        data: on what.
        weights: the file that the weights are from at the beginning; None (default) for fresh ones.
        loss: by what; None (default) for the model's own one, or cross entropy.
        epochs, batch_size: how often to go through the data, and how many samples a batch has.
        optimizer, schedule: with all their settings.
        augment: random motions of the training images.
        accumulate: how many batches there are to a step of the optimizer (default: 1).
        clip_norm: the largest norm of all gradients together; None (default) for any.
        compile: whether the passes of a batch are captured and replayed; the same within rounding, and so is a run that
            is resumed (default: no).
        workers: how many processes read the data, which changes nothing else (default: none, it is read meanwhile).
        seed: of the weights, the order of the samples and their random motions (default: 0).
        threads: of BLAS and of the kernels (default: one for each processor that is idle at the beginning).
    """

    model: str
    data: Spec
    weights: str | None = None
    loss: Spec | None = None
    epochs: int
    batch_size: int
    optimizer: Spec
    schedule: Spec
    augment: Spec
    accumulate: int = 1
    clip_norm: float | None = None
    compile: bool = False
    workers: int = 0
    seed: int = 0
    threads: int = field(default_factory=suitable_threads)

    @classmethod
    def of_recipe(cls, entry: Entry) -> Self:
        """The settings of a model's recipe."""
        recipe, optimizer = entry.recipe, Spec.from_table(entry.recipe.optimizer)
        return cls(
            model=entry.name,
            data=Spec(entry.data),
            epochs=recipe.epochs,
            batch_size=recipe.batch_size,
            optimizer=REGISTRIES["optimizer"].resolve(optimizer, optimizer),
            schedule=Spec.from_table(schedule_settings(recipe.schedule)),
            augment=Spec("", {name: getattr(recipe, name) for name in NO_AUGMENTATION}),
        )

    def to_json(self) -> Settings:
        """All of them as plain values, as `settings.json` has them."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {key: value.to_table() if isinstance(value, Spec) else value for key, value in values.items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave.

        Raises:
            StateError: a setting is missing, or has no name.
        """
        try:
            kept: Settings = {f.name: values[f.name] for f in fields(cls) if f.name in values or f.name not in LATER}
        except KeyError as error:
            raise StateError(f"not a run of `minigrad train`: the setting {error} is missing") from error
        kept |= {key: Spec.from_table(value) for key, value in kept.items() if isinstance(value, dict)}
        for key in ("model", "data", "optimizer", "schedule"):
            if not (isinstance(kept[key], str) if key == "model" else getattr(kept[key], "name", "")):
                raise StateError(f"not a run of `minigrad train`: its {key} has no name")
        return cls(**kept)

    def overridden(self, overrides: Sequence[Overrides]) -> Self:
        """These settings under what the user asks for.

        Args:
            overrides: from `read_overrides`, the stronger last.

        Raises:
            UsageError: something is not known, or has no such setting.
        """
        changes: Overrides = {}
        for key in (f.name for f in fields(self)):
            if given := [each[key] for each in overrides if key in each]:
                changes[key] = _resolve(key, getattr(self, key), given) if key in REGISTRIES else given[-1]
        return replace(self, **changes)


def _resolve(key: str, base: Spec | None, given: Sequence[Spec]) -> Spec:
    """What is chosen in the end: each Spec over the one before it, the first one over the base."""
    base = chosen = base or DEFAULT_LOSS
    for each in given:
        if each.name not in ("", chosen.name):
            base = Spec()  # another one forgets the settings of the base
        chosen = each.over(chosen)
    resolved: Spec = REGISTRIES[key].resolve(chosen, base)
    if key == "schedule":
        make_schedule(resolved)  # which checks its settings
    return resolved


def resolve(overrides: Sequence[Overrides]) -> TrainingSettings:
    """The settings of a new run: those of the model's recipe, under what the user asks for.

    Args:
        overrides: from `read_overrides`, the stronger last.

    Raises:
        UsageError: something is not known, or has no such setting.
    """
    model = last(overrides, "model")
    if model is None:
        raise UsageError("no model is named: name one, or have the configuration file name it")
    return TrainingSettings.of_recipe(find_model(model)).overridden(overrides)


def resolve_resumed(overrides: Sequence[Overrides], saved: TrainingSettings, folder: str) -> TrainingSettings:
    """The settings of a run that goes on: its own, perhaps with more epochs.

    Args:
        overrides: from `read_overrides`, the stronger last.
        saved: the settings of the run.
        folder: that of the run.

    Raises:
        UsageError: an override contradicts the run.
    """
    if (model := last(overrides, "model") or saved.model) != saved.model:
        raise UsageError(f"{folder} is a run of {saved.model}, not of {model}")
    wanted = saved.overridden(overrides)
    for key in (f.name for f in fields(saved)):
        now, before = getattr(wanted, key), getattr(saved, key)
        if now != before and key != "workers" and not (key == "epochs" and now > before):
            option, now, before = _contradiction("--" + key.replace("_", "-"), now, before)
            raise UsageError(
                f"{option} {now} contradicts {folder}, which was begun with {option} {before}: "
                "leave the option out, or begin a new run"
            )
    if wanted.epochs > saved.epochs and make_schedule(saved.schedule).uses_total:
        raise UsageError(
            f"--epochs {wanted.epochs} contradicts {folder}, which was begun with --epochs {saved.epochs}: its "
            f"{saved.schedule.name} schedule follows from that number, so the steps done so far would have been "
            "others; begin a new run (with --schedule constant it could be made longer later)"
        )
    return wanted


def _contradiction(option: str, now: object, before: object) -> tuple[str, object, object]:
    """The option with its two values; of two things of one name, only the settings that differ."""
    if not isinstance(now, Spec):
        return option, now, "none" if before is None else before
    if not isinstance(before, Spec):
        return option, now, "the model's own"
    if now.name != before.name:
        return option, now.name, before.name
    differ = [key for key, value in now.settings.items() if before.settings.get(key) != value]
    if differ == ["lr"]:
        return "--lr", now.settings["lr"], before.settings["lr"]
    now, before = (Spec(each.name, {key: each.settings.get(key) for key in differ}) for each in (now, before))
    return option, now, before

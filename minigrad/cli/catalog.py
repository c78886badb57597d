"""Models, optimizers, schedules and losses by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from minigrad_models import Entry, Recipe, entry

from minigrad import functional, optim
from minigrad.cli.own import call, import_callable, is_import_path
from minigrad.cli.value import Spec, checked, hint
from minigrad.errors import StateError, UsageError
from minigrad.functional import cross_entropy
from minigrad.nn import Module
from minigrad.optim import Optimizer
from minigrad.optim.schedule import SCHEDULES, Schedule, schedule_of, schedule_settings
from minigrad.training.training_state import Loss

OWN_RECIPE: Final = Recipe(epochs=10, batch_size=64, optimizer={"name": "adam"})
"""How a model of the user's is trained unless options say otherwise."""

OPTIMIZERS: Final[dict[str, type[Optimizer]]] = {
    name.lower(): kind
    for name, kind in sorted(vars(optim).items())
    if isinstance(kind, type) and issubclass(kind, Optimizer) and kind is not Optimizer
}
"""The optimizers by the names that the command line uses."""

USUAL_LR: Final = {"sgd": 0.05}
"""Learning rates that are more usual than an optimizer's default."""

NOT_BY_NAME: Final = ("weight", "pos_weight", "target", "x", "reduction")
"""The arguments of losses that are arrays, or that would not leave one number."""


def _takes_output_and_target(function: Callable[..., Any]) -> bool:
    required = [name for name, default in _defaults(function).items() if default is inspect.Parameter.empty]
    return len(required) == 2 and required[1] == "target"


def _defaults(function: Callable[..., Any]) -> dict[str, Any]:
    return {name: parameter.default for name, parameter in inspect.signature(function).parameters.items()}


LOSSES: Final[dict[str, Callable[..., Any]]] = {
    name: function
    for name, function in sorted(vars(functional).items())
    if (name.endswith(("_loss", "_div")) or "cross_entropy" in name) and _takes_output_and_target(function)
}
"""The losses of an output and a target, by name."""


def model_entry(name: str) -> Entry:
    """The model of a name from the table, or of `package.module:callable`.

    Raises:
        UsageError: there is none.
    """
    if not is_import_path(name):
        return entry(name)
    function = import_callable(name)

    def make() -> Module:
        model = call(name, function)
        if not isinstance(model, Module):
            raise UsageError(f"{name} gives a value of type {type(model).__name__}, and should give a nn.Module")
        return model

    return Entry(name, make, input_shape=(), classes=0, summary="", recipe=OWN_RECIPE)


def short_name(model: str) -> str:
    """What run folders of a model are called."""
    return model.partition(":")[2].replace(".", "-") if is_import_path(model) else model


def merged_optimizer(base: Spec, given: Spec) -> Spec:
    """All settings of an optimizer: those given over the base's, if that is the same one, over its defaults.

    Raises:
        UsageError: there is no such optimizer or setting.
    """
    name = str(given.get("name", base["name"]))
    if name not in OPTIMIZERS:
        raise UsageError(f"there is no optimizer {name!r}{hint(name, OPTIMIZERS, 'there are')}")
    defaults = {key: value for key, value in _defaults(OPTIMIZERS[name]).items() if key != "params"}
    own = {key: value for key, value in given.items() if key != "name"}
    if base["name"] == name:
        defaults |= {key: value for key, value in base.items() if key != "name"}
    elif name in USUAL_LR:
        defaults["lr"] = USUAL_LR[name]
    return {"name": name, **defaults, **checked(f"the optimizer {name}", own, defaults)}


def make_optimizer(chosen: Mapping[str, Any], model: Module) -> Optimizer:
    """The optimizer with these settings, for all of a model's parameters.

    Raises:
        UsageError: a setting is out of range, or the model has no parameters.
    """
    settings = {key: value for key, value in chosen.items() if key != "name"}
    if not any(True for _ in model.parameters()):
        raise UsageError(f"{type(model).__name__} has no parameters to train")
    return OPTIMIZERS[chosen["name"]](list(model.parameters()), **settings)


def merged_schedule(base: Schedule, given: Spec) -> Schedule:
    """A schedule with the settings given over the base's, if that is the same one, over its defaults.

    Raises:
        UsageError: there is no such schedule or setting.
    """
    current = schedule_settings(base)
    name = given.get("name", current["name"])
    if name not in SCHEDULES:
        raise UsageError(f"there is no schedule {name!r}{hint(name, SCHEDULES, 'there are')}")
    defaults = current if name == current["name"] else schedule_settings(SCHEDULES[name]())
    own = {key: value for key, value in given.items() if key != "name"}
    if unknown := own.keys() - defaults.keys():
        known = [key for key in defaults if key != "name"]
        raise UsageError(f"the schedule {name} has no setting {min(unknown)}{hint(min(unknown), known)}")
    try:
        return schedule_of({**defaults, **own})
    except (StateError, TypeError) as error:
        raise UsageError(f"the schedule {name} cannot have these settings: {own}") from error


def merged_loss(base: Spec | None, given: Spec) -> Spec:
    """A loss by name, with its settings.

    Raises:
        UsageError: there is no such loss or setting.
    """
    name = str(given.get("name", (base or {"name": "cross_entropy"})["name"]))
    own = {key: value for key, value in given.items() if key != "name"}
    if is_import_path(name):
        return {"name": name, **own}
    if name not in LOSSES:
        raise UsageError(f"there is no loss {name!r}{hint(name, LOSSES, 'there are')}")
    defaults = {key: value for key, value in _defaults(LOSSES[name]).items() if key not in NOT_BY_NAME}
    return {"name": name, **checked(f"the loss {name}", own, defaults)}


def make_loss(chosen: Spec | None, model: Module) -> Loss:
    """The loss with these settings; if none is chosen, the model's own one, or cross entropy."""
    if chosen is None:
        own: Loss = getattr(model, "loss", cross_entropy)
        return own
    settings = {key: value for key, value in chosen.items() if key != "name"}
    name = chosen["name"]
    function = import_callable(name, 2, settings) if is_import_path(name) else LOSSES[name]
    return partial(function, **settings) if settings else function

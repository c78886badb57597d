"""Models, optimizers, schedules, losses and augmentations by name; for data see `data_registry.py`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import minigrad_models
from minigrad_models import Entry, Recipe

from minigrad import functional, optim
from minigrad.cli.data_registry import DATA_REGISTRY
from minigrad.cli.onnx_files import ENDING, is_onnx_file, onnx_entry
from minigrad.cli.registry import Registry
from minigrad.cli.spec import Spec
from minigrad.cli.user_code import call, import_callable, is_import_path
from minigrad.data import RandomAffine
from minigrad.errors import StateError, UsageError
from minigrad.functional import cross_entropy
from minigrad.nn import Module
from minigrad.optim import Optimizer
from minigrad.optim.schedule import SCHEDULES, Schedule, schedule_of
from minigrad.typing import Function, Settings

if TYPE_CHECKING:
    from minigrad.training.training_state import Loss

USER_RECIPE: Final = Recipe(epochs=10, batch_size=64, optimizer={"name": "adam"})
"""How a model of the user's is trained unless options say otherwise."""

DEFAULT_LOSS: Final = Spec("cross_entropy")
"""The loss where neither the user nor the model has one."""

NO_AUGMENTATION: Final[Settings] = {"degrees": 0.0, "translate": 0.0, "scale": (1.0, 1.0)}
"""The motions that change nothing."""


def _user_model(chosen: Spec) -> Entry | None:
    """A model of `package.module:callable`, or of an ONNX file."""
    if is_onnx_file(chosen.name):
        return onnx_entry(chosen.name, USER_RECIPE)
    if not is_import_path(chosen.name):
        return None
    function = import_callable(chosen.name)

    def make() -> Module:
        model = call(chosen.name, function)
        if not isinstance(model, Module):
            raise UsageError(f"{chosen.name} gives a value of type {type(model).__name__}, and should give a nn.Module")
        return model

    return Entry(chosen.name, make, input_shape=(), classes=0, summary="", recipe=USER_RECIPE)


def _user_loss(chosen: Spec) -> Function | None:
    """A loss of `package.module:callable`, which takes an output and a target."""
    return import_callable(chosen.name, 2, chosen.settings) if is_import_path(chosen.name) else None


def _takes_output_and_target(function: Function) -> bool:
    parameters = inspect.signature(function).parameters.values()
    required = [parameter.name for parameter in parameters if parameter.default is parameter.empty]
    return len(required) == 2 and required[1] == "target"


MODEL_REGISTRY: Final = Registry(
    "model",
    minigrad_models.MODELS,
    function=lambda entry: entry.make,
    other=_user_model,
    otherwise="; `minigrad summary` lists all",
)

OPTIMIZER_REGISTRY: Final = Registry[Callable[..., Optimizer]](
    "optimizer",
    {
        name.lower(): kind
        for name, kind in sorted(vars(optim).items())
        if isinstance(kind, type)
        and issubclass(kind, Optimizer)
        and kind not in (Optimizer, optim.LBFGS)  # which evaluates the loss again and again
    },
    usual={"sgd": {"lr": 0.05}},
    complete=True,
)

SCHEDULE_REGISTRY: Final = Registry[Callable[..., Schedule]]("schedule", SCHEDULES, complete=True, typed=False)

LOSS_REGISTRY: Final = Registry[Function](
    "loss",
    {
        name: function
        for name, function in sorted(vars(functional).items())
        if (name.endswith(("_loss", "_div")) or "cross_entropy" in name) and _takes_output_and_target(function)
    },
    hidden=("weight", "pos_weight", "reduction"),  # arrays, and what would not leave one number
    other=_user_loss,
)

AUGMENTATION_REGISTRY: Final = Registry[Callable[..., RandomAffine]](
    "augment", {"": RandomAffine}, hidden=("shear", "fill"), usual={"": NO_AUGMENTATION}, complete=True
)

REGISTRIES: Final[dict[str, Registry[Any]]] = {  # each of other things
    "data": DATA_REGISTRY,
    "loss": LOSS_REGISTRY,
    "optimizer": OPTIMIZER_REGISTRY,
    "schedule": SCHEDULE_REGISTRY,
    "augment": AUGMENTATION_REGISTRY,
}
"""What is chosen by a Spec, by the key of a configuration file."""


def find_model(name: str) -> Entry:
    """The model of a name, of `package.module:callable`, or of an ONNX file.

    Raises:
        UsageError: there is none.
    """
    return MODEL_REGISTRY.find(Spec(name))


def run_name(model: str) -> str:
    """What the run folders of a model are called.

    >>> run_name("package.module:Net"), run_name("lenet5"), run_name("net.onnx")
    ('Net', 'lenet5', 'net')
    """
    if model.endswith(ENDING):
        return Path(model).stem
    return model.partition(":")[2].replace(".", "-") if is_import_path(model) else model


def make_optimizer(chosen: Spec, model: Module) -> Optimizer:
    """Make an optimizer of all parameters of a model.

    Args:
        chosen: from `OPTIMIZER_REGISTRY.resolve`.
        model: whose parameters are trained.

    Raises:
        UsageError: a setting is out of range, or the model has no parameters.
    """
    parameters = list(model.parameters())
    if not parameters:
        raise UsageError(f"{type(model).__name__} has no parameters to train")
    return OPTIMIZER_REGISTRY.find(chosen)(parameters, **chosen.settings)


def make_schedule(chosen: Spec) -> Schedule:
    """Make a schedule of the learning rate.

    Args:
        chosen: from `SCHEDULE_REGISTRY.resolve`, or a composed one of a recipe.

    Raises:
        UsageError: a setting is out of range.
    """
    try:
        return schedule_of(chosen.to_table())
    except (StateError, TypeError) as error:
        raise UsageError(f"the schedule {chosen.name} cannot have these settings: {chosen.settings}") from error


def make_loss(chosen: Spec | None, model: Module) -> Loss:
    """Make a loss, a function of a model's output and the target.

    Args:
        chosen: from `LOSS_REGISTRY.resolve`; None for the model's own one, or cross entropy.
        model: whose output it takes.

    Raises:
        UsageError: a loss of the user's cannot be imported, or takes other arguments.
    """
    if chosen is None:
        loss: Loss = getattr(model, "loss", cross_entropy)
        return loss
    function = LOSS_REGISTRY.find(chosen)
    return partial(function, **chosen.settings) if chosen.settings else function

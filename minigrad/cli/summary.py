"""`minigrad summary`."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Final

from minigrad_models import MODELS, Recipe

from minigrad import init
from minigrad.cli.answer import Answer
from minigrad.cli.catalog import model_entry
from minigrad.cli.own import told
from minigrad.cli.trained import open_trained
from minigrad.cost import summary
from minigrad.errors import UsageError
from minigrad.nn import Module
from minigrad.optim.schedule import schedule_settings

TOTALS: Final = ("parameters", "trainable", "mult_adds", "forward", "backward")


def run(arguments: argparse.Namespace) -> Answer:
    """Show what the layers of a model hold and cost; without a model, list those of the table.

    Raises:
        UsageError, StateError: what the user can put right.
    """
    if arguments.model is None:
        return _list(arguments)
    name, model, sample = _find(arguments.model)
    shape = arguments.input or ((1, *sample) if sample else None)
    if shape is None:
        raise UsageError(f"{name} does not tell what it takes: name the shape of a batch, as in --input 1x3x32x32")
    try:
        table = summary(model, shape)
    except Exception as error:  # whatever a user's own model may raise
        raise UsageError(f"{name} cannot take an input of shape {'x'.join(map(str, shape))}: {told(error)}") from error
    document = {
        "model": name,
        "input": shape,
        "layers": [asdict(row) for row in table.rows],
        "total": {column: table.total(column) for column in TOTALS},
    }
    return Answer(document, lambda: print(table))


def _list(arguments: argparse.Namespace) -> Answer:
    """The networks of the table, with their recipes."""
    if arguments.input:
        raise UsageError("--input needs a MODEL")
    rows = [
        {
            "model": entry.name,
            "summary": entry.summary,
            "source": entry.source,
            "parameters": entry.parameters,
            "input": entry.input_shape,
            "data": entry.data,
            "small": entry.small,
            "recipe": _recipe_text(entry.recipe),
        }
        for entry in MODELS.values()
    ]

    def show() -> None:
        for entry in MODELS.values():
            facts = (f"{entry.parameters:,} parameters", "x".join(map(str, entry.input_shape)), entry.source)
            print(f"{entry.name}: {entry.summary}\n    {'; '.join(facts)}\n    {_recipe_text(entry.recipe)}")

    return Answer({"models": rows}, show)


def _recipe_text(recipe: Recipe) -> str:
    schedule = schedule_settings(recipe.schedule)["name"]
    optimizer = recipe.optimizer
    return (
        f"{recipe.epochs} epochs, batches of {recipe.batch_size}, {optimizer['name']}, lr {optimizer['lr']:g}, "
        f"{schedule} schedule"
    )


def _find(name: str) -> tuple[str, Module, tuple[int, ...]]:
    """A model, or that of a run, and the shape of its samples where that is known."""
    if Path(name).is_dir():
        trained = open_trained(name)
        return trained.settings.model, trained.model, trained.form.shape
    entry = model_entry(name)
    with init.skip():
        return name, entry.make(), entry.input_shape

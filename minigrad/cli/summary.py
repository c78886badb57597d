"""`minigrad summary`: the layers of a model, or the list of all models."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Final

import numpy as np
from minigrad_models import MODELS, Recipe

from minigrad import init
from minigrad.cli.onnx_files import sample_inputs
from minigrad.cli.output import Output
from minigrad.cli.parsing import shape_text
from minigrad.cli.registries import find_model
from minigrad.cli.run_loading import load_model
from minigrad.cli.user_code import format_error
from minigrad.cost import summary
from minigrad.errors import UsageError
from minigrad.optim.schedule import schedule_settings

TOTALS: Final = ("parameters", "trainable", "mult_adds", "forward", "backward")


def run(arguments: argparse.Namespace) -> Output:
    """Show what the layers of a model hold and cost; without a model, list those of the table.

    Raises:
        UsageError, StateError: what the user can put right.
    """
    if arguments.model is None:
        return _list(arguments)
    with init.skip():
        name, model, sample = load_model(arguments.model)
    shape = arguments.input or ((1, *sample) if sample else None)
    if shape is None:
        raise UsageError(f"{name} does not tell what it takes: name the shape of a batch, as in --input 1x3x32x32")
    try:
        given = sample_inputs(name, model, [shape])
        drawn = find_model(name).draw(shape, np.random.default_rng(0))
        table = summary(model, inputs=drawn if given is None else given)
    except Exception as error:  # whatever a user's own model may raise
        raise UsageError(f"{name} cannot take an input of shape {shape_text(shape)}: {format_error(error)}") from error
    document = {
        "model": name,
        "input": shape,
        "layers": [asdict(row) for row in table.rows],
        "total": {column: table.total(column) for column in TOTALS},
    }
    return Output(document, lambda: print(table))


def _list(arguments: argparse.Namespace) -> Output:
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
            facts = (f"{entry.parameters:,} parameters", shape_text(entry.input_shape), entry.source)
            print(f"{entry.name}: {entry.summary}\n    {'; '.join(facts)}\n    {_recipe_text(entry.recipe)}")

    return Output({"models": rows}, show)


def _recipe_text(recipe: Recipe) -> str:
    schedule = schedule_settings(recipe.schedule)["name"]
    optimizer = recipe.optimizer
    return (
        f"{recipe.epochs} epochs, batches of {recipe.batch_size}, {optimizer['name']}, lr {optimizer['lr']:g}, "
        f"{schedule} schedule"
    )

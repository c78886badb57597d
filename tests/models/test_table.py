"""The table of networks: what it says of each is so, and the site shows it."""

from __future__ import annotations

import re
from pathlib import Path

import minigrad_models
import numpy as np
import pytest
from minigrad_models import MODELS

from minigrad import init
from minigrad.autograd.tensor import no_grad
from minigrad.cli.data_registry import DATA
from minigrad.training.training_state import first_output

PAGE = (Path(__file__).parents[2] / "tutorials" / "networks.md").read_text("utf-8")
SMALL = [name for name, entry in MODELS.items() if entry.small]


@pytest.mark.parametrize("name", MODELS)
def test_a_network_has_as_many_parameters_as_its_entry_says(name: str) -> None:
    entry = MODELS[name]
    with init.skip():
        model = entry.make()
    assert sum(parameter.size for parameter in model.parameters()) == entry.parameters
    assert entry.data in DATA


@pytest.mark.parametrize("name", SMALL)
def test_a_small_network_takes_its_input_and_answers(name: str) -> None:
    entry = MODELS[name]
    batch = entry.draw((2, *entry.input_shape), np.random.default_rng(0))
    with no_grad():
        output = first_output(minigrad_models.create(name).eval()(batch))
    assert np.isfinite(output.numpy()).all()
    if entry.classes:
        assert output.shape == (2, entry.classes)
    if entry.vocabulary:
        assert output.shape == (2, *entry.input_shape, entry.vocabulary)


def test_the_page_has_a_row_for_every_small_network_with_its_size_and_epochs() -> None:
    rows = dict(re.findall(r"^\| `([\w-]+)` \|(.*)$", PAGE, re.MULTILINE))
    assert set(rows) == set(SMALL)
    for name in SMALL:
        cells = [cell.strip() for cell in rows[name].split("|")]
        assert (cells[1], cells[5]) == (f"{MODELS[name].parameters:,}", str(MODELS[name].recipe.epochs)), name

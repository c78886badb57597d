"""The data of a picture holds everything."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.viz import Picture, graph


@pytest.fixture
def model() -> nn.Module:
    mg.seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2))


def images(n: int = 5) -> Any:
    return np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)


def names(picture: Picture) -> list[str]:
    return [node.name for node in picture.graph.nodes]


def test_the_data_holds_everything(model: nn.Module, tmp_path: Path) -> None:
    picture = graph(model, images(), title="<b>")
    data = json.loads(picture.save(tmp_path / "g.json").read_text())
    assert (data["format"], data["version"], data["title"]) == ("minigrad graph", 1, "<b>")
    assert [node["name"] for node in data["nodes"]] == names(picture)
    assert [tuple(edge) for edge in data["edges"]] == list(picture.graph.edges)
    linear = next(node for node in data["nodes"] if node["name"] == "linear")
    assert dict(linear["rules"]).keys() == {"x", "w", "b"}
    assert sum(linear["values"]["counts"]) == 20
    assert linear["site"]["file"].endswith("test_json_export.py")
    steps = [node["step"] for node in data["nodes"] if node["kind"] != "constant"]  # which get no gradient
    assert sorted(steps) == list(range(len(steps)))
    assert data["calls"][0]["amounts"]["flops"] == 5 * (3 * 4 + 4 * 2)


def test_numbers_that_are_not_finite_are_written_as_words(tmp_path: Path) -> None:
    picture = graph(lambda x: mg.log(x).sum(), np.array([0.0, 1.0]))
    data = json.loads(picture.save(tmp_path / "g.json").read_text())
    log = next(node for node in data["nodes"] if node["name"] == "log")
    assert log["amounts"]["activation_norm"] == "inf"
    assert log["values"]["nonfinite"] == 1

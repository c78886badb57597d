"""Pictures of results, models and functions: what is drawn and refused, and how it is saved."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.graph import Graph
from minigrad.viz import Picture, graph
from tests.helper import LONG

pytest.importorskip("graphviz")


@pytest.fixture
def model() -> nn.Module:
    mg.seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2))


def images(n: int = 5) -> Any:
    return np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)


def names(picture: Picture) -> list[str]:
    return [node.name for node in picture.graph.nodes]


def test_a_result_is_drawn_as_it_was_recorded() -> None:
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    picture = graph((x * x).sum(), names={"x": x})
    assert names(picture) == ["x", "multiply", "sum"]
    assert repr(picture) == "<Picture of 3 nodes: x, multiply, sum>"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: graph(mg.exp, 1.0, model=3), "model is the Module that names the parameters, not a int"),
        (lambda: graph(mg.exp, 1.0, names={"x": 1.0}), "names: 'x' stands for a float, and should stand for a Tensor"),
        (lambda: graph(mg.exp, 1.0, depth=-1), "depth is an integer from 0 on, or None to collapse nothing, not -1"),
        (lambda: graph(mg.exp, 1.0, depth="1"), "or None to collapse nothing, not '1'"),
        (lambda: graph(3), "takes a Tensor or several, a Module or a function, not a int"),
        (lambda: graph(mg.ones(2)), "there is no graph behind this Tensor"),
        (lambda: graph(lambda x: 3, np.ones(2)), "returned int"),
        (lambda: graph(nn.Linear(2, 2)), r"Linear takes \(x.*\).*, and 0 inputs .* as in graph\(model, x\)"),
        (lambda: graph(lambda x: x, 1.0, 2.0), r"<lambda> takes \(x\), and 2 inputs were given \(too many"),
        (lambda: graph(lambda x: x.detach(), np.ones(2)), "returned a constant"),
        (lambda: graph(mg.exp, np.ones(2), direction="up"), "forward, backward or both, not 'up'"),
        (
            lambda: graph(mg.exp, np.ones(2), color_by="size"),
            "there is no quantity 'size'; there are kind, gradient_norm",
        ),
        (lambda: graph(mg.exp(mg.ones(2, requires_grad=True)), np.ones(2)), "takes no inputs"),
        (lambda: Picture(Graph((), (), (), ()), color_by="flops"), "holds no values to color by flops"),
    ],
)
def test_what_cannot_be_drawn_is_told(call: Any, message: str) -> None:
    with pytest.raises(mg.MinigradError, match=message):
        call()


def test_a_chain_that_nobody_could_read_is_refused_with_advice(tmp_path: Path) -> None:
    x = y = mg.Tensor(1.0, requires_grad=True)
    for _ in range(LONG):
        y = y + x
    picture = graph(y)
    with pytest.raises(mg.UsageError, match=rf"{LONG + 1:,} boxes .* collapse module calls with depth=1"):
        picture.save(tmp_path / "g.svg")
    with pytest.raises(mg.UsageError, match=rf"{LONG + 1:,} boxes side by side"):
        picture.save(tmp_path / "g.html")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("suffix", "magic"),
    [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("dot", b"digraph"), ("json", b'{"fo')],
)
def test_suffix_decides_the_format(suffix: str, magic: bytes, tmp_path: Path) -> None:
    path = graph(mg.exp, np.ones(2)).save(tmp_path / f"g.{suffix}")
    assert path.read_bytes().startswith(magic)


def test_other_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(mg.UsageError, match=r"as svg, png, pdf, dot, html, json, not as 'g.bmp'"):
        graph(mg.exp, np.ones(2)).save(tmp_path / "g.bmp")


def test_notebooks_get_the_picture_or_the_reason_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = graph(mg.exp, np.ones(2))
    assert "</svg>" in picture._repr_mimebundle_()["image/svg+xml"]
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    bundle = picture._repr_mimebundle_()
    assert bundle.keys() == {"text/plain"}
    assert "minigrad[graph]" in bundle["text/plain"]
    y = mg.exp(mg.ones(2, requires_grad=True)).sum()
    colored = graph(y, color_by="gradient_norm")
    y.backward()
    assert "freed by a backward pass" in colored._repr_mimebundle_()["text/plain"]

"""`minigrad graph`."""

import json
import sys
from pathlib import Path

import pytest

from tests.cli.helper import answer, command

pytest.importorskip("graphviz")


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A module of the user's own: a model, a function, an op with a wrong rule."""
    (tmp_path / "own_graph.py").write_text(
        """
import numpy as np
from minigrad import nn, op, tanh


class Net(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(4, 2)

    def forward(self, x):
        return tanh(self.layer(x))


def product(x, y):
    return x * y


@op
def own_cube(x):
    return x * x * x


@own_cube.vjp("x")
def _(g, x):
    return 2 * g * x * x


def cubes(x):
    return own_cube(x) + x


def broken(x):
    return x.reshape(7)


def several():
    return 3


class Sized(nn.Module):
    def __init__(self, size):
        self.layer = nn.Linear(size, 2)


@op
def own_raising(x):
    return 2 * x


@own_raising.vjp("x")
def _(g):
    raise ValueError("not yet")
"""
    )
    monkeypatch.delitem(sys.modules, "own_graph", raising=False)
    yield
    from minigrad.autograd.registry import REGISTRY

    REGISTRY.pop("own_cube", None)
    REGISTRY.pop("own_raising", None)


def test_a_model_by_its_name(capsys):
    told = answer(capsys, "graph lenet5")
    assert told["file"] == "lenet5.svg"
    assert told["boxes"] == told["nodes"]
    assert "</svg>" in Path("lenet5.svg").read_text()


def test_the_loss_on_data_is_drawn_in_training_mode(capsys):
    answer(capsys, "graph lenet5 --data digits -o g.json --color-by gradient-norm")
    data = json.loads(Path("g.json").read_text())
    assert data["title"] == "lenet5"
    assert data["color_by"] == "gradient_norm"
    shapes = {node["name"]: node["shape"] for node in data["nodes"]}
    assert shapes["softmax_cross_entropy"] == [8]
    assert shapes["input"] == [8, 1, 32, 32]
    assert data["nodes"][data["outputs"][0]]["shape"] == []


def test_depth_and_repeats_fold(capsys):
    told = answer(capsys, "graph resnet20-small --depth 1 --repeats --out g.dot")
    assert told["boxes"] < 15 < told["modules"]
    assert "digraph" in Path("g.dot").read_text()


def test_it_can_be_drawn_from_left_to_right():
    assert command("graph lenet5 -o g.dot") == command("graph lenet5 --across -o h.dot") == 0
    down, across = Path("g.dot").read_text(), Path("h.dot").read_text()
    assert across == down.replace("rankdir=TB", "rankdir=LR") != down


@pytest.mark.parametrize("option", ["--backward", "--both"])
def test_the_backward_pass_is_drawn(capsys, option):
    answer(capsys, f"graph lenet5 {option} --depth 1 -o g.dot")
    text = Path("g.dot").read_text()
    assert "rule of conv (features.0)" in text
    assert ("features Sequential" in text) == (option == "--both")


@pytest.mark.usefixtures("own")
def test_a_model_and_a_function_of_ones_own(capsys):
    assert answer(capsys, "graph own_graph:Net --input 3x4")["file"] == "Net.svg"
    assert answer(capsys, "graph own_graph:product --input 2x3 --input 3 -o p.json")["nodes"] == 3
    data = json.loads(Path("p.json").read_text())
    assert [node["name"] for node in data["nodes"]] == ["input 0", "input 1", "multiply"]
    assert data["nodes"][2]["site"]["text"] == "return x * y"
    assert data["nodes"][2]["site"]["file"] == "own_graph.py"


@pytest.mark.usefixtures("own")
def test_an_op_of_ones_own(capsys):
    told = answer(capsys, "graph own_graph:own_cube --input 3 --color-by verdict")
    assert told["verdicts"] == {"wrong": 1}


@pytest.mark.usefixtures("own")
def test_a_wrong_rule_is_named(capsys):
    told = answer(capsys, "graph own_graph:cubes --input 3 --color-by verdict")
    assert told["verdicts"] == {"wrong": 1, "correct": 1}
    ((op, found),) = [tuple(entry.values()) for entry in told["wrong"]]
    assert op == "own_cube (own_graph.py, line 29)"
    assert found.startswith("wrong (first order)")
    command("graph own_graph:cubes --input 3 --color-by verdict")
    out = capsys.readouterr().out
    assert "derivatives: 1 wrong, 1 correct" in out
    assert "own_cube (own_graph.py, line 29) is wrong (first order)" in out
    assert "✗ wrong" in Path("cubes.svg").read_text()


def test_the_model_of_a_run(capsys):
    assert command("train lenet5 --epochs 1 --out run") == 0
    assert answer(capsys, "graph run -o g.svg")["nodes"] == answer(capsys, "graph lenet5 -o h.svg")["nodes"]


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("graph lenet5 -o g.bmp", "written as svg, png, pdf, dot, html, json, not as 'g.bmp'"),
        ("graph lenet5 --data digits --input 1x1x32x32", "leave out --input"),
        ("graph lenet5 --input 1x3x9x9", "cannot be drawn with inputs of shape 1x3x9x9: "),
        ("graph own_graph:Net", "name the shape of a batch"),
        ("graph own_graph:product", "name the shape of each with --input"),
        ("graph own_graph:product --data digits", "name their shapes with --input, not --data"),
        ("graph own_graph:broken --input 3", "(own_graph.py, line "),
        ("graph own_graph:several --input 3", "gives a value of type int"),
        ("graph own_graph:Sized --input 3", "takes (size): missing a required argument"),
        (
            "graph own_graph:own_raising --input 3 --color-by gradient-norm",
            "cannot be drawn: ValueError: not yet (own_",
        ),
        ("graph lenet6", "there is no model 'lenet6'"),
        ("graph lenet5 --color-by size", "size"),
        ("graph lenet5 --backward --both", "not allowed with"),
    ],
)
def test_what_cannot_be_drawn_is_told_in_a_line(capsys, line, message):
    assert command(line) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_open_shows_the_file(capsys, monkeypatch):
    shown = []
    monkeypatch.setattr("webbrowser.open", shown.append)
    answer(capsys, "graph lenet5 --open -o g.svg")
    assert shown == [Path("g.svg").resolve().as_uri()]

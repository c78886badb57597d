"""Graphviz text and pictures of a graph."""

import re
import sys
from pathlib import Path

import pytest

import minigrad as mg
from minigrad import nn
from minigrad.graph import Graph
from minigrad.viz import draw, render, to_dot

pytest.importorskip("graphviz")

GOLDEN = """\
	0 [label="x\\nscalar" color="#009e73" fillcolor="#d8f0e6" shape=ellipse style=filled tooltip="x () float32"]
	1 [label="y\\nscalar" color="#009e73" fillcolor="#d8f0e6" shape=ellipse style=filled tooltip="y () float32"]
	2 [label=add color="#0072b2" fillcolor="#ffffff" shape=box style="rounded,filled" tooltip="add () float32"]
	3 [label="pow\\nscalar" color="#0072b2" fillcolor="#ffffff" penwidth=2.5 shape=box style="rounded,filled" \
tooltip="pow () float32"]
	0 -> 2 [label=""]
	1 -> 2 [label=""]
	2 -> 3 [label=" scalar"]
}
"""


def expression() -> Graph:
    x, y = mg.Tensor(3.0, requires_grad=True), mg.Tensor(4.0, requires_grad=True)
    return Graph.of((x + y) ** 2, names={"x": x, "y": y})


def test_dot_text_of_an_expression() -> None:
    assert to_dot(expression()).endswith(GOLDEN)


def test_each_node_and_edge_is_drawn_once_inside_of_its_frames() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Tanh(), nn.Linear(3, 1)))
    graph = Graph.of(model(mg.ones((4, 2))).sum(), model=model)
    text = to_dot(graph)
    drawn = re.findall(r"^\s*(\d+) \[", text, re.MULTILINE)
    assert sorted(map(int, drawn)) == list(range(len(graph)))
    assert len(re.findall(r"\d+ -> \d+", text)) == len(graph.edges)
    assert text.count("subgraph cluster_") == len(graph.calls)
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize(
    "name",
    ["<b>bold</b>", "<lambda>", 'a"]; evil [label="', "back\\slash\\n", "<script>x</script>"],
)
def test_users_text_is_shown_as_it_is(name: str, tmp_path: Path) -> None:
    x = mg.Tensor(1.0, requires_grad=True)
    path = draw(x * 2, tmp_path / "g.svg", names={name: x})
    svg = path.read_text(encoding="utf-8")
    assert "<script" not in svg
    assert "<b>" not in svg
    assert "evil</text>" not in svg
    from html import unescape

    assert name in unescape(svg).replace("\xa0", " ")


@pytest.mark.parametrize(
    ("suffix", "magic"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("dot", b"digraph")]
)
def test_suffix_decides_the_format(suffix: str, magic: bytes, tmp_path: Path) -> None:
    assert render(to_dot(expression()), tmp_path / f"g.{suffix}").read_bytes().startswith(magic)


def test_other_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(mg.UsageError, match=r"as svg, png, pdf, dot, not as 'g.bmp'"):
        render(to_dot(expression()), tmp_path / "g.bmp")


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dot = to_dot(expression())
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(mg.MissingExtraError, match=r"the program dot.*minigrad\[graph\]"):
        render(dot, tmp_path / "g.svg")
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(mg.MissingExtraError, match=r"drawing a graph needs graphviz"):
        to_dot(expression())

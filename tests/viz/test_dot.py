"""The DOT text of a graph."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.graph import Graph
from minigrad.viz import graph, to_dot
from minigrad.viz.dot import DotStyle, item_lines, shown_settings
from minigrad.viz.graph_view import graph_view
from minigrad.viz.rendering import run_graphviz

pytest.importorskip("graphviz")
GOLDEN = """\
	n0 [label="x\\nscalar" color="#009e73" fillcolor="#d8f0e6" shape=ellipse tooltip="x () float32"]
	n1 [label="y\\nscalar" color="#009e73" fillcolor="#d8f0e6" shape=ellipse tooltip="y () float32"]
	n2 [label=add color="#0072b2" fillcolor="#ffffff" shape=box style="rounded,filled" tooltip="add () float32"]
	n3 [label="pow\\nscalar" color="#0072b2" fillcolor="#d9edf9" peripheries=2 shape=box style="rounded,filled" \
tooltip="pow () float32"]
	n0 -> n2 [label=""]
	n1 -> n2 [label=""]
	n2 -> n3 [label=" scalar"]
}
"""
GOLDEN_MODEL = """\
	subgraph cluster_0 {
		color="#b0b0b0" fontcolor="#808080" label=Sequential labeljust=l labelloc=t style=rounded
		subgraph cluster_1 {
			color="#b0b0b0" fontcolor="#808080" label="0 Linear" labeljust=l labelloc=t style=rounded
			n0 [label="weight\\n2×2" color="#e69f00" fillcolor="#fdf0d0" shape=note tooltip="0.weight (2, 2) float32"]
			n1 [label="bias\\n2" color="#e69f00" fillcolor="#fdf0d0" shape=note tooltip="0.bias (2,) float32"]
			n2 [label=linear color="#0072b2" fillcolor="#ffffff" shape=box style="rounded,filled" \
tooltip="linear (1, 2) float32"]
		}
		subgraph cluster_2 {
			color="#b0b0b0" fontcolor="#808080" label="1 ReLU" labeljust=l labelloc=t style=rounded
			n3 [label="relu\\n1×2" color="#0072b2" fillcolor="#d9edf9" peripheries=2 shape=box style="rounded,filled" \
tooltip="relu (1, 2) float32"]
		}
	}
	n0 -> n2 [label=""]
	n1 -> n2 [label=""]
	n2 -> n3 [label=" 1×2"]
}
"""
GOLDEN_FOLDED = """\
	subgraph cluster_0 {
		color="#b0b0b0" fontcolor="#808080" label=Sequential labeljust=l labelloc=t style=rounded
		c1 [label="0 Linear\\n1 op, 6 parameters" color="#44546a" fillcolor="#e8edf3" shape=tab tooltip=0]
		c2 [label="1 Linear × 2\\n2 ops, 12 parameters" color="#44546a" fillcolor="#e8edf3" shape=tab tooltip=1]
		c4 [label="3 ReLU\\n1 op" color="#44546a" fillcolor="#d9edf9" peripheries=2 shape=tab tooltip=3]
	}
	c1 -> c2 [label=" 1×2"]
	c2 -> c2 [label=" 1×2" constraint=false style=dashed]
	c2 -> c4 [label=" 1×2"]
}
"""


def expression() -> Graph:
    x, y = mg.Tensor(3.0, requires_grad=True), mg.Tensor(4.0, requires_grad=True)
    return Graph.of((x + y) ** 2, names={"x": x, "y": y})


def test_dot_text_of_an_expression() -> None:
    assert to_dot(expression()).endswith(GOLDEN)


def graph_of(*layers: nn.Module) -> Graph:
    model = nn.Sequential(*layers)
    return Graph.of(model(mg.ones((1, 2))), model=model)


def test_dot_text_of_a_model() -> None:
    assert to_dot(graph_of(nn.Linear(2, 2), nn.ReLU())).endswith(GOLDEN_MODEL)


def test_dot_text_of_a_folded_model() -> None:
    graph = graph_of(*[nn.Linear(2, 2) for _ in range(3)], nn.ReLU())
    assert to_dot(graph_view(graph, depth=1, repeats=True)).endswith(GOLDEN_FOLDED)


def test_each_node_and_edge_is_drawn_once_inside_of_its_frames() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Tanh(), nn.Linear(3, 1)))
    graph = Graph.of(model(mg.ones((4, 2))).sum(), model=model)
    text = to_dot(graph)
    drawn = re.findall(r"^\s*n(\d+) \[", text, re.MULTILINE)
    assert sorted(map(int, drawn)) == list(range(len(graph)))
    assert len(re.findall(r"n\d+ -> n\d+", text)) == len(graph.edges)
    assert text.count("subgraph cluster_") == len(graph.calls)
    assert text.count("{") == text.count("}")


def test_a_marked_path_stands_out() -> None:
    text = to_dot(expression(), DotStyle(mark={0, 2}))
    marked = [line for line in text.splitlines() if "#d55e00" in line]
    assert [line.split(" [")[0].strip() for line in marked] == ["n0", "n2", "n0 -> n2"]


def test_what_is_not_recorded_is_dashed() -> None:
    known = expression()
    nodes = (*known.nodes[:2], replace(known.nodes[2], recorded=False), known.nodes[3])
    dashed = [
        line.split(" [")[0].strip() for line in to_dot(replace(known, nodes=nodes)).splitlines() if "dashed" in line
    ]
    assert dashed == ["n2", "n0 -> n2", "n1 -> n2", "n2 -> n3"]


def test_what_all_do_is_not_told_and_long_settings_are_cut() -> None:
    x = mg.ones((1, 1, 4, 4), requires_grad=True)
    text = to_dot(Graph.of(mg.functional.conv2d(x, mg.ones((1, 1, 2, 2)), stride=2, padding=0)))
    assert "stride=2×2" in text
    assert "padding" not in text


def test_axes_are_no_sizes() -> None:
    x = mg.ones((2, 3, 4), requires_grad=True)
    text = to_dot(Graph.of(mg.permute_dims(x, axes=(2, 0, 1)).sum(axis=(0, 1))))
    assert "axes=2,0,1" in text
    assert "axis=0,1" in text


def test_long_names_are_cut_in_boxes_and_whole_in_tooltips() -> None:
    x = mg.Tensor(1.0, requires_grad=True)
    text = to_dot(Graph.of(x * 2, names={"x" * 400: x}))
    assert f'label="{"x" * 59}…\\nscalar"' in text
    assert f'tooltip="{"x" * 400} () float32"' in text


@pytest.mark.parametrize(
    "name",
    [
        "<b>bold</b>",
        "<lambda>",
        'a"]; evil [label="',
        "back\\slash\\n",
        "<script>x</script>",
        "&lt;b&gt;",
        "&amp; & &#60;b>",
    ],
)
def test_users_text_is_shown_as_it_is(name: str, tmp_path: Path) -> None:
    x = mg.Tensor(1.0, requires_grad=True)
    path = graph(x * 2, names={name: x}).save(tmp_path / "g.svg")
    svg = path.read_text(encoding="utf-8")
    assert "<script" not in svg
    assert "<b>" not in svg
    assert "evil</text>" not in svg
    texts = [element.text for element in ElementTree.fromstring(svg.encode()).iter("{http://www.w3.org/2000/svg}text")]
    assert name in [text.replace("\xa0", " ") for text in texts if text]


@pytest.mark.parametrize("text", ["<b>x</b>", "<<i>>", "</script>", "<a\nb>"])
def test_text_in_angle_brackets_is_a_string_and_no_markup(text: str) -> None:
    model = nn.Sequential()
    setattr(model, text, nn.Tanh())
    x = mg.ones((1, 2), requires_grad=True)
    folded = to_dot(graph_view(Graph.of(model(x)), depth=1))
    assert re.findall(r"[ \[](?:label|tooltip)=<", folded) == []
    assert run_graphviz(folded, "svg").startswith(b"<?xml")


def test_characters_that_no_svg_may_hold_are_replaced() -> None:
    x = mg.Tensor(1.0, requires_grad=True)
    svg = run_graphviz(to_dot(Graph.of(x * 2, names={"a\x07\x1b\ud800b": x})), "svg")
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert "a\N{REPLACEMENT CHARACTER}" in svg.decode()


@pytest.mark.parametrize(
    ("take", "text"),
    [
        (lambda x: x[0], "[0]"),
        (lambda x: x[:, 1:], "[:, 1:]"),
        (lambda x: x[..., ::-1], "[..., ::-1]"),
        (lambda x: x[None, 1:2], "[None, 1:2]"),
        (lambda x: x[np.array([0, 1]), 2], "[int64 2, 2]"),
        (lambda x: x[np.ones((2, 3), bool)], "[bool 2×3]"),
    ],
)
def test_index_is_shown_as_it_was_written(take: Any, text: str) -> None:
    x = mg.Tensor(np.ones((2, 3)), requires_grad=True)
    node = mg.Graph.of(take(x)).nodes[-1]
    assert shown_settings(node) == {"index": text}


def test_folded_boxes_show_counts_and_settings() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))
    picture = mg.viz.graph(model, np.ones((1, 1, 4, 4), np.float32), depth=1)
    lines = {item.call: item_lines(picture.view, item) for item in picture.view.items if item.call is not None}
    assert ["0 Conv2d", "1 op, 20 parameters", "stride=2×2", "padding=1×1"] in lines.values()
    assert ["1 ReLU", "1 op"] in lines.values()
    (whole,) = [
        item_lines(p.view, item) for p in [picture.collapse(0)] for item in p.view.items if item.call is not None
    ]
    assert whole[1] == "4 ops, 47 parameters"

"""Where the items and edges of a level are placed."""

import math
import sys
from itertools import combinations
from typing import Any

import pytest

import minigrad as mg
from minigrad.viz.page import layout
from minigrad.viz.page.layout import layout_level, level_dot
from tests.viz.page.sample import EVIL, level, sample_graph, sample_levels

pytest.importorskip("pygraphviz")
KINDS = {node["id"]: node["kind"] for node in sample_graph()["nodes"]}


@pytest.mark.parametrize("shown", sample_levels(), ids=["outside", "body", "linear"])
def test_items_lie_apart_inside_of_the_whole(shown: dict[str, Any]) -> None:
    placed = layout_level(shown, KINDS)
    assert len(placed.boxes) == len(shown["items"])
    for x, y, w, h in placed.boxes:
        assert w / 2 <= x <= placed.size[0] - w / 2
        assert h / 2 <= y <= placed.size[1] - h / 2
    for (x, y, w, h), (x2, y2, w2, h2) in combinations(placed.boxes, 2):
        assert abs(x - x2) >= (w + w2) / 2 or abs(y - y2) >= (h + h2) / 2


@pytest.mark.parametrize("shown", sample_levels(), ids=["outside", "body", "linear"])
def test_edges_lead_down_from_their_start_to_their_end(shown: dict[str, Any]) -> None:
    placed = layout_level(shown, KINDS)
    boxes = {item["key"]: box for item, box in zip(shown["items"], placed.boxes, strict=True)}
    assert len(placed.edges) == len(placed.labels) == len(shown["edges"])
    for edge, points, label in zip(shown["edges"], placed.edges, placed.labels, strict=True):
        assert len(points) % 6 == 2  # one point, and three for each further curve
        start, end = boxes[edge["from"]], boxes[edge["to"]]
        assert math.isclose(points[1], start[1] + start[3] / 2, abs_tol=1 + start[3] / 2)
        assert abs(points[0] - start[0]) <= start[2] / 2 + 1
        arrow = end[1] - end[3] / 2 - points[-1]  # between the curve and the box is room for the head
        assert 3 <= arrow <= 9
        assert (label is not None) == bool(edge["label"])


def test_parallel_edges_keep_their_labels() -> None:
    shown = level(None, {"n2": ["a"], "n3": ["b"]}, [("n2", "n3", "1×2×3×4×5"), ("n2", "n3", ""), ("n2", "n3", "7")])
    placed = layout_level(shown, KINDS)
    assert [label is None for label in placed.labels] == [False, True, False]
    assert len({tuple(points) for points in placed.edges}) == 3


def test_the_dot_text_holds_no_word_of_a_user() -> None:
    shown = sample_levels()[0]
    shown["texts"] = {key: [EVIL] for key in shown["texts"]}
    shown["edges"][0]["label"] = EVIL
    text = level_dot(shown, KINDS)
    assert "script" not in text
    assert "<" not in text
    layout_level(shown, KINDS)


def test_long_names_do_not_make_endless_boxes() -> None:
    placed = layout_level(level(None, {"n2": ["w" * 5000]}, []), KINDS)
    assert placed.boxes[0][2] < 300


def test_one_form_is_laid_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    whole = layout.run_graphviz
    monkeypatch.setattr(layout, "run_graphviz", lambda dot, kind: calls.append(dot) or whole(dot, kind))
    for k in range(50):
        layout_level(level(k, {"n2": ["once"], "n3": [f"{k % 2}only"]}, [("n2", "n3", "")]), KINDS)
    assert len(calls) == 1


def test_both_ways_to_get_graphviz_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(mg.MissingExtraError, match=r"program dot.*wheel pygraphviz.*minigrad\[graph\]"):
        layout_level(level(None, {"n2": ["never seen before"]}, []), KINDS)

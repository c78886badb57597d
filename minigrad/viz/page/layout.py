"""The layout of one level of the page, computed by Graphviz: where its boxes and edges are. The browser draws them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from minigrad.viz.page.levels import Level
from minigrad.viz.rendering import run_graphviz

# Sizes in points, of which Graphviz takes 72 to the inch; the page draws one as one CSS pixel at zoom 1.
NAME_SIZE, TEXT_SIZE, LINE_HEIGHT, MARGIN, MAX_WIDTH = 13.0, 11.0, 15, 9, 250
EXTRA_WIDTH: Final = {"call": 30, "port": 16, "op": 0, "parameter": 10, "variable": 26, "constant": 18}
POINTS: Final = 72.0
DIGIT_WIDTH: Final = 4.8  # of the edges' labels, for Graphviz


@dataclass(frozen=True)
class Layout:
    """Where the things of one level are, in points from the upper left corner.

    Attributes:
        size: width and height of the level.
        boxes: for each item the x and y of its middle, its width and its height.
        edges: for each edge the control points of its Bézier curves, x and y in turn, without the arrowhead at its end.
        labels: for each edge where its label begins, half way up; None if it has none.
    """

    size: tuple[float, float]
    boxes: list[tuple[float, ...]]
    edges: list[list[float]]
    labels: list[tuple[float, float] | None]


def layout_level(level: Level, kinds: Mapping[int, str]) -> Layout:
    """Place the items and edges of one level. Levels of the same structure share one layout.

    Args:
        level: the level.
        kinds: the kinds of the graph's nodes by number: "op", "parameter", "variable" or "constant".

    Raises:
        MissingExtraError: Graphviz is not installed.
    """
    return _layout(level_dot(level, kinds))


def level_dot(level: Level, kinds: Mapping[int, str]) -> str:
    """The structure of a level as DOT text, with sizes in place of names, so that nothing in it is a user's text."""
    place = {item["key"]: k for k, item in enumerate(level["items"])}
    lines = [
        "digraph{graph[rankdir=TB,ranksep=0.42,nodesep=0.3]",
        'node[shape=box,fixedsize=true,label=""]',
        'edge[arrowsize=0.7,fontname="Courier",fontsize=8]',
    ]
    for k, item in enumerate(level["items"]):
        kind = "call" if "call" in item else "port" if "port" in item else kinds[item["node"]]
        width, height = _size(kind, level["texts"].get(item["key"], ()))
        shape = ",shape=ellipse" if kind in ("variable", "port") else ""  # where edges end
        lines.append(f"{k}[width={width / POINTS:.4f},height={height / POINTS:.4f}{shape}]")
    for edge in level["edges"]:
        label = "0" * math.ceil(text_width(edge.get("label") or "", TEXT_SIZE - 1) / DIGIT_WIDTH)
        lines.append(f"{place[edge['from']]}->{place[edge['to']]}" + (f'[label="{label}"]' if label else ""))
    return "\n".join([*lines, "}"])


def text_width(text: str, size: float) -> float:
    """The approximate width of a line in a sans-serif font; the page measures, and shortens what does not fit."""
    width = sum(0.32 if c in " .,:;'|!()[]iljtfI-" else 0.88 if c in "mwMW%@" or ord(c) > 0x2FF else 0.6 for c in text)
    return size * width


def _size(kind: str, texts: Sequence[str]) -> tuple[float, float]:
    widths = [text_width(text, TEXT_SIZE if k else NAME_SIZE) for k, text in enumerate(texts)]
    width = min(MAX_WIDTH, max([118.0 if kind == "call" else 48.0, *widths])) + 2 * MARGIN + EXTRA_WIDTH[kind]
    height = max(42 if kind == "call" else 34, LINE_HEIGHT * len(texts) + 2 * MARGIN - 2)
    return 8 * math.ceil(width / 8), height + (10 if kind == "variable" else 0)  # in steps: more levels are alike


@lru_cache(maxsize=1024)
def _layout(dot: str) -> Layout:
    """Read Graphviz's format `plain`: inches, y from the bottom; edges in no particular order."""
    boxes: list[tuple[float, ...]] = [()] * dot.count("[width=")
    found: dict[tuple[int, int], list[tuple[list[float], tuple[float, float] | None]]] = {}
    width = height = 0.0
    for words in map(str.split, run_graphviz(dot, "plain").decode().replace("\\\n", "").splitlines()):
        if words[0] == "graph":
            width, height = (POINTS * float(word) for word in words[2:4])
        elif words[0] == "node":
            x, y, *size = (POINTS * float(word) for word in words[2:6])
            boxes[int(words[1])] = tuple(round(v, 1) for v in (x, height - y, *size))
        elif words[0] == "edge":
            found.setdefault((int(words[1]), int(words[2])), []).append(_edge(words[3:], height))
    ends = [_ends(line) for line in dot.splitlines() if "->" in line]
    edges = [found[pair].pop(0) for pair in ends]  # parallel edges keep the order in which they were written
    return Layout((round(width, 1), round(height, 1)), boxes, [e[0] for e in edges], [e[1] for e in edges])


def _ends(line: str) -> tuple[int, int]:
    start, end = line.partition("[")[0].split("->")
    return int(start), int(end)


def _edge(words: Sequence[str], height: float) -> tuple[list[float], tuple[float, float] | None]:
    """The control points of an edge, and where its label begins."""
    count = 2 * int(words[0])
    points = [POINTS * float(word) for word in words[1 : 1 + count]]
    flipped = [round(height - v if k % 2 else v, 1) for k, v in enumerate(points)]
    if len(words) == count + 3:  # style and color alone follow
        return flipped, None
    x, y = (POINTS * float(word) for word in words[count + 2 : count + 4])
    return flipped, (round(x - len(words[count + 1]) * DIGIT_WIDTH / 2, 1), round(height - y, 1))

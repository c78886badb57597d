"""DOT text laid out by Graphviz: the program `dot`, or else the wheel of `pygraphviz`, which brings it along.

`render` makes a picture. `lay_out` only places the items of one level of a page, which the browser then draws.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from minigrad.errors import MissingExtraError, UsageError

FORMATS = ("svg", "png", "pdf", "dot")


def graphviz() -> Any:
    """The small package that writes DOT text.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import graphviz
    except ImportError as error:
        raise MissingExtraError("graphviz", extra="graph", purpose="drawing a graph") from error
    return graphviz


def render(dot: str, path: str | Path) -> Path:
    """Lay out DOT text and write it as the file's suffix says: .svg, .png, .pdf or .dot.

    Raises:
        UsageError: another suffix.
        MissingExtraError: no Graphviz was found.
    """
    path = Path(path)
    kind = path.suffix.removeprefix(".")
    if kind not in FORMATS:
        raise UsageError(f"a graph can be written as {', '.join(FORMATS)}, not as {path.name!r}")
    path.write_bytes(dot.encode() if kind == "dot" else laid_out(dot, kind))
    return path


def laid_out(dot: str, kind: str) -> bytes:
    """The picture in a format of Graphviz.

    Raises:
        MissingExtraError: no Graphviz was found.
    """
    if shutil.which("dot"):
        return bytes(graphviz().Source(dot).pipe(format=kind))
    try:
        import pygraphviz
    except ImportError as error:
        raise MissingExtraError(
            "Graphviz (the program dot, from your system's packages, or the wheel pygraphviz)",
            extra="graph",
            purpose="laying out a graph",
        ) from error
    return bytes(pygraphviz.AGraph(dot).draw(prog="dot", format=kind))


# ---- levels of the page --------------------------------------------------------------------------------------

# Sizes in points, of which Graphviz takes 72 to the inch; the page draws one as one CSS pixel at zoom 1.
NAME_SIZE, TEXT_SIZE, LINE, MARGIN, WIDEST = 13.0, 11.0, 15, 9, 250
EXTRA: Final = {"call": 30, "port": 16, "op": 0, "parameter": 10, "variable": 26, "constant": 18}
POINTS: Final = 72.0
LABEL: Final = 4.8  # how wide a figure of the labels is for Graphviz


@dataclass(frozen=True)
class Layout:
    """Where things of one level are, in points from the upper left corner.

    Attributes:
        size: width and height of the whole.
        boxes: middle x, middle y, width, height of each item.
        edges: for each edge the control points of its Bézier curves, x and y in turn, without the arrowhead at its end.
        labels: for each edge where its label begins, half way up, or None.
    """

    size: tuple[float, float]
    boxes: list[tuple[float, ...]]
    edges: list[list[float]]
    labels: list[tuple[float, float] | None]


def lay_out(level: Mapping[str, Any], kinds: Mapping[int, str]) -> Layout:
    """Place the items and edges of one level of a page. Levels of the same form are laid out once.

    Args:
        level: items, edges between their keys, and the lines of text that each item shows.
        kinds: of the nodes of the graph, by number: op, parameter, variable or constant.

    Raises:
        MissingExtraError: no Graphviz was found.
    """
    return _placed(level_dot(level, kinds))


def level_dot(level: Mapping[str, Any], kinds: Mapping[int, str]) -> str:
    """The form of a level as DOT text: sizes instead of words, so that nothing in it was written by a user."""
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
        label = "0" * math.ceil(text_width(edge.get("label") or "", TEXT_SIZE - 1) / LABEL)
        lines.append(f"{place[edge['from']]}->{place[edge['to']]}" + (f'[label="{label}"]' if label else ""))
    return "\n".join([*lines, "}"])


def text_width(text: str, size: float) -> float:
    """About how wide a line is in a sans-serif font: the page itself measures, and shortens what does not fit."""
    wide = sum(0.32 if c in " .,:;'|!()[]iljtfI-" else 0.88 if c in "mwMW%@" or ord(c) > 0x2FF else 0.6 for c in text)
    return size * wide


def _size(kind: str, texts: Sequence[str]) -> tuple[float, float]:
    widths = [text_width(text, TEXT_SIZE if k else NAME_SIZE) for k, text in enumerate(texts)]
    width = min(WIDEST, max([118.0 if kind == "call" else 48.0, *widths])) + 2 * MARGIN + EXTRA[kind]
    height = max(42 if kind == "call" else 34, LINE * len(texts) + 2 * MARGIN - 2) + (10 if kind == "variable" else 0)
    return 8 * math.ceil(width / 8), height  # in steps, so that more levels have the same form


@lru_cache(maxsize=1024)
def _placed(dot: str) -> Layout:
    """Read Graphviz's format `plain`: inches, y from the bottom; edges in no particular order."""
    boxes: list[tuple[float, ...]] = [()] * dot.count("[width=")
    found: dict[tuple[int, int], list[tuple[list[float], tuple[float, float] | None]]] = {}
    width = height = 0.0
    for words in map(str.split, laid_out(dot, "plain").decode().replace("\\\n", "").splitlines()):
        if words[0] == "graph":
            width, height = (POINTS * float(word) for word in words[2:4])
        elif words[0] == "node":
            x, y, *size = (POINTS * float(word) for word in words[2:6])
            boxes[int(words[1])] = tuple(round(v, 1) for v in (x, height - y, *size))
        elif words[0] == "edge":
            found.setdefault((int(words[1]), int(words[2])), []).append(_edge(words[3:], height))
    ends = [_ends(line) for line in dot.splitlines() if "->" in line]
    edges = [found[pair].pop(0) for pair in ends]  # of parallel ones, each lies where it was written
    return Layout((round(width, 1), round(height, 1)), boxes, [e[0] for e in edges], [e[1] for e in edges])


def _ends(line: str) -> tuple[int, int]:
    start, end = line.partition("[")[0].split("->")
    return int(start), int(end)


def _edge(words: Sequence[str], height: float) -> tuple[list[float], tuple[float, float] | None]:
    count = 2 * int(words[0])
    points = [POINTS * float(word) for word in words[1 : 1 + count]]
    flipped = [round(height - v if k % 2 else v, 1) for k, v in enumerate(points)]
    if len(words) == count + 3:  # style and color alone follow
        return flipped, None
    x, y = (POINTS * float(word) for word in words[count + 2 : count + 4])
    return flipped, (round(x - len(words[count + 1]) * LABEL / 2, 1), round(height - y, 1))

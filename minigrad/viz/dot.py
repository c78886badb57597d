"""A Graph as Graphviz DOT text, and as a picture.

Rounded boxes are ops, ellipses variables, folded boxes parameters; frames are module calls. The text needs nothing but
the small package `graphviz`. A picture is laid out by the program `dot` where there is one, else by the wheel of
`pygraphviz`, which brings Graphviz along.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from minigrad.errors import MissingExtraError, UsageError
from minigrad.graph import Call, Graph, GraphNode

FORMATS = ("svg", "png", "pdf", "dot")

# Okabe and Ito's colors, which most color-blind people can tell apart; the shapes say the same once more.
STYLE = {
    "op": {"shape": "box", "style": "rounded,filled", "fillcolor": "#ffffff", "color": "#0072b2"},
    "parameter": {"shape": "note", "style": "filled", "fillcolor": "#fdf0d0", "color": "#e69f00"},
    "variable": {"shape": "ellipse", "style": "filled", "fillcolor": "#d8f0e6", "color": "#009e73"},
}


def to_dot(graph: Graph) -> str:
    """The graph in the DOT language.

    Raises:
        MissingExtraError: the package graphviz is not installed.
    """
    picture = _graphviz().Digraph("minigrad")
    picture.attr(rankdir="TB", fontname="Helvetica", fontsize="11", ranksep="0.3", nodesep="0.25", bgcolor="white")
    picture.attr("node", fontname="Helvetica", fontsize="11", margin="0.12,0.05", height="0.3", penwidth="1.3")
    picture.attr("edge", fontname="Helvetica", fontsize="9", color="#666666", fontcolor="#666666", arrowsize="0.6")
    _draw_calls(picture, graph, None)
    for start, end, _ in graph.edges:
        node = graph.nodes[start]  # a variable shows its shape itself
        picture.edge(str(start), str(end), label=" " + _shape_text(node) if node.kind == "op" else "")
    return str(picture.source)


def _draw_calls(picture: Any, graph: Graph, outer: int | None) -> None:
    """Draw what was made directly in one module call, and the calls inside of it as frames."""
    for node in graph.nodes:
        if node.call == outer:
            _draw_node(picture, node, is_output=node.id in graph.outputs)
    for call in graph.calls:
        if call.outer == outer:
            with picture.subgraph(name=f"cluster_{call.id}") as frame:
                label = _escape(_title(call))
                frame.attr(label=label, labeljust="l", color="#bbbbbb", fontcolor="#555555", style="rounded")
                _draw_calls(frame, graph, call.id)


def _draw_node(picture: Any, node: GraphNode, *, is_output: bool) -> None:
    lines = [node.name] if node.kind == "op" and not is_output else [node.name, _shape_text(node)]
    shown = [f"{name}={_short(value)}" for name, value in node.settings.items() if _worth_showing(name, value)]
    text = "\n".join(lines + shown)
    style = STYLE[node.kind] | ({"penwidth": "2.5"} if is_output else {})
    picture.node(str(node.id), label=_escape(text), tooltip=_escape(f"{node.name} {node.shape} {node.dtype}"), **style)


def _shape_text(node: GraphNode) -> str:
    sizes: tuple[Any, ...] = node.shape
    shapes = sizes if sizes and isinstance(sizes[0], tuple) else (sizes,)  # one a result
    return ", ".join("×".join(map(str, shape)) or "scalar" for shape in shapes)


def _title(call: Call) -> str:
    return f"{call.name} {call.kind}".strip()


def _worth_showing(name: str, value: Any) -> bool:
    """Whether a setting says something: those at their plain values do not."""
    plain = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1, "keepdims": False}
    return name not in ("shape", "size", "index", "count_include_pad") and plain.get(name) != value


def _short(value: Any) -> str:
    return "×".join(map(str, value)) if isinstance(value, tuple) else f"{value!r:.30}"


def _escape(text: str) -> str:
    """Text that Graphviz shows as it is: `graphviz.escape` keeps it from reading backslashes or `<...>` as markup."""
    return str(_graphviz().escape(text)).replace("\n", "\\n")


def _graphviz() -> Any:
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
    path.write_bytes(dot.encode() if kind == "dot" else _laid_out(dot, kind))
    return path


def _laid_out(dot: str, kind: str) -> bytes:
    if shutil.which("dot"):
        return bytes(_graphviz().Source(dot).pipe(format=kind))
    try:
        import pygraphviz
    except ImportError as error:
        raise MissingExtraError(
            "Graphviz (the program dot, from your system's packages, or the wheel pygraphviz)",
            extra="graph",
            purpose="laying out a graph",
        ) from error
    return bytes(pygraphviz.AGraph(dot).draw(prog="dot", format=kind))

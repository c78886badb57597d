"""`to_dot`: a GraphView as text in the DOT language.

Rounded boxes are ops, notes with a dog-ear parameters, ellipses variables, and tabs collapsed modules. An output has a
double border, what is not recorded a dashed one, and frames are open module calls. Boxes have their own background, and
lines a middle gray, so that the picture suits a light and a dark page.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from minigrad.graph import Graph, GraphNode, ModuleCall
from minigrad.viz.graph_view import Arrow, GraphView, Item, graph_view
from minigrad.viz.palette import BLUE, GRAY, GREEN, ORANGE, VERMILION, text_color_on
from minigrad.viz.quantities import NodeAmounts
from minigrad.viz.rendering import graphviz_package

MAX_LINE: Final = 60
"""The number of characters of a line in a box; the tooltip has all of them."""
MAX_SETTINGS: Final = 4
"""The number of settings up to which a collapsed call shows those of its ops."""
MAX_SETTING: Final = 30
"""The number of characters of a setting."""
SHAPES: Final = {"op": "box", "module": "tab", "parameter": "note", "variable": "ellipse", "constant": "ellipse"}
BORDERS: Final = {"op": BLUE, "module": "#44546a", "parameter": ORANGE, "variable": GREEN, "constant": GRAY}
FILLS: Final = {
    "op": "#ffffff", "module": "#e8edf3", "parameter": "#fdf0d0", "variable": "#d8f0e6", "constant": "#eeeeee",
    "output": "#d9edf9",
}  # fmt: skip
INVALID: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
"""Characters that may occur neither in SVG nor in UTF-8."""


@dataclass(frozen=True)
class DotStyle:
    """The style of a picture.

    Attributes:
        amounts: the quantity that colors and labels the boxes; None (default) colors them by their kinds.
        mark: the numbers of nodes on a path that is highlighted.
        across: whether to draw from left to right, not downward.
    """

    amounts: NodeAmounts | None = None
    mark: Collection[int] = frozenset()
    across: bool = False


def to_dot(shown: Graph | GraphView, style: DotStyle | None = None) -> str:
    """Write a graph in the DOT language.

    Args:
        shown: the graph, or a view of it.
        style: colors and direction (default: colored by kind, downward, nothing highlighted).

    Raises:
        MissingExtraError: the package graphviz, of the extra `graph`, is not installed.
    """
    shown = graph_view(shown) if isinstance(shown, Graph) else shown
    return _Drawing(shown, style or DotStyle()).text()


class _Drawing:
    """The DOT text of one view."""

    def __init__(self, shown: GraphView, style: DotStyle) -> None:
        self.view, self.style, self.graph = shown, style, shown.graph
        self.mark = frozenset(style.mark)
        self.color = style.amounts.coloring() if style.amounts is not None else None
        self.items: dict[int | None, list[Item]] = {}
        for item in shown.items:
            self.items.setdefault(item.frame, []).append(item)
        self.frames: dict[int | None, list[int]] = {}
        for frame in shown.frames:
            self.frames.setdefault(self.graph.calls[frame].outer, []).append(frame)

    def text(self) -> str:
        """The whole text."""
        picture = graphviz_package().Digraph("minigrad")
        font = {"fontname": "Helvetica,Arial,sans-serif"}
        legend = self._legend()
        rankdir = "LR" if self.style.across else "TB"
        picture.attr(
            rankdir=rankdir, fontsize="11", fontcolor=GRAY, ranksep="0.3", nodesep="0.25", bgcolor="transparent"
        )
        picture.attr(**font, **({"label": escape(legend), "labelloc": "b"} if legend else {}))
        picture.attr("node", fontsize="11", margin="0.12,0.05", height="0.3", penwidth="1.3", style="filled", **font)
        picture.attr("edge", fontsize="9", color=GRAY, fontcolor=GRAY, arrowsize="0.6", **font)
        self._fill(picture, None)
        for arrow in self.view.arrows:
            picture.edge(arrow.start, arrow.end, **self._arrow(arrow))
        return str(picture.source)

    def _legend(self) -> str:
        amounts = self.style.amounts
        if amounts is None:
            return ""
        if amounts.quantity.scale == "class":
            return amounts.quantity.label
        low, high = amounts.text(amounts.scale.low), amounts.text(amounts.scale.high)
        return f"{amounts.quantity.label}: dark blue {low} … yellow {high}"

    def _fill(self, picture: Any, frame: int | None) -> None:  # `graphviz` has no types
        """Draw the items directly in a frame, and the frames inside of it."""
        for item in self.items.get(frame, ()):
            picture.node(item.key, **self._item(item))
        for inner in self.frames.get(frame, ()):
            with picture.subgraph(name=f"cluster_{inner}") as cluster:
                title = call_title(self.graph.calls[inner], self.view.times.get(inner, 1))
                cluster.attr(
                    label=escape(title), labeljust="l", labelloc="t", color="#b0b0b0", fontcolor=GRAY, style="rounded"
                )
                self._fill(cluster, inner)

    def _item(self, item: Item) -> dict[str, str]:
        node = self.graph.nodes[item.nodes[0]]
        kind = "module" if item.call is not None else node.kind
        is_output = any(i in self.graph.outputs for i in item.nodes)
        lines = [line if len(line) <= MAX_LINE else line[: MAX_LINE - 1] + "…" for line in item_lines(self.view, item)]
        attributes = {
            "shape": SHAPES[kind],
            "color": BORDERS[kind],
            "fillcolor": FILLS["output" if is_output else kind],
        }
        if kind == "op":
            attributes["style"] = "rounded,filled"
        if is_output:
            attributes["peripheries"] = "2"
        if item.call is None and not node.recorded:
            attributes |= {"style": attributes.get("style", "filled") + ",dashed", "color": GRAY}
        if self.style.amounts is not None and self.color is not None:
            fill = self.color(self.style.amounts.joined(item.nodes))
            lines += filter(None, [self.style.amounts.label(item.nodes)])
            attributes |= {"fillcolor": fill, "fontcolor": text_color_on(fill)}
        if self.mark.intersection(item.nodes):
            attributes |= {"color": VERMILION, "penwidth": "3"}
        tip = f"{node.name} {node.shape} {node.dtype}" if item.call is None else self.graph.calls[item.call].path
        return {"label": escape("\n".join(lines)), "tooltip": escape(tip), **attributes}

    def _arrow(self, arrow: Arrow) -> dict[str, str]:
        source = self.graph.nodes[arrow.source]
        attributes = {"label": ""}
        if source.kind == "op" or arrow.start.startswith("c"):  # a variable shows its shape itself
            attributes["label"] = " " + shape_label(source)
        if arrow.back:
            attributes |= {"style": "dashed", "constraint": "false"}
        ends = [(self.graph.edges[k][0], self.graph.edges[k][1]) for k in arrow.edges]
        if any(a in self.mark and b in self.mark for a, b in ends):
            attributes |= {"color": VERMILION, "penwidth": "2.5"}
        if any(not self.graph.nodes[i].recorded for end in ends for i in end):
            attributes["style"] = "dashed"
        return attributes


def item_lines(shown: GraphView, item: Item) -> list[str]:
    """The lines in a box: the title of a collapsed call, or those of a node."""
    graph = shown.graph
    if item.call is not None:
        return [call_title(graph.calls[item.call], shown.times.get(item.call, 1)), *_contents(graph, item.nodes)]
    return node_lines(graph, graph.nodes[item.nodes[0]], is_output=any(i in graph.outputs for i in item.nodes))


def _contents(graph: Graph, nodes: Collection[int]) -> list[str]:
    """What a collapsed call contains: the numbers of its ops and parameters, and the settings of its ops."""
    inside = [graph.nodes[i] for i in nodes]
    ops = [node for node in inside if node.kind == "op"]
    numbers = sum(math.prod(node.shape) for node in inside if node.kind == "parameter")
    counts = f"{len(ops):,} op{'s' * (len(ops) != 1)}" + (f", {numbers:,} parameters" if numbers else "")
    settings = dict.fromkeys(f"{key}={value}" for node in ops for key, value in shown_settings(node).items())
    return [counts, *(settings if len(settings) <= MAX_SETTINGS else ())]


def node_lines(graph: Graph, node: GraphNode, *, is_output: bool) -> list[str]:
    """The name of a node, its shape where no arrow shows it, and its settings without those that are usual."""
    name = node.name
    if node.kind == "parameter" and node.call is not None:
        name = name.removeprefix(f"{graph.calls[node.call].path}.")
    no_shape = (node.kind == "op" and not is_output) or not node.dtype  # or it is not known
    settings = [f"{key}={value}" for key, value in shown_settings(node).items()]
    return [name, *([node.label] if node.label else []), *([] if no_shape else [shape_label(node)]), *settings]


def shown_settings(node: GraphNode) -> Mapping[str, str]:
    """The settings of an op as text, without those at their usual values."""
    usual = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1, "keepdims": False}
    hidden = ("shape", "size", "count_include_pad")
    return {
        name: index_text(value) if name == "index" else _setting_text(value, "," if name.startswith("ax") else "×")
        for name, value in node.settings.items()
        if name not in hidden and not (name in usual and usual[name] == value)
    }


def shape_label(node: GraphNode) -> str:
    """The shape of a value as 6×28×28; of an op with several results, all of them."""
    return ", ".join("×".join(map(str, shape)) or "scalar" for shape in node.shapes)


def call_title(call: ModuleCall, times: int = 1) -> str:
    """The name and class of a module call, and the number of equal ones in a row."""
    return f"{call.name} {call.kind}".strip() + (f" × {times}" if times > 1 else "")


def index_text(index: object) -> str:
    """What stood in the brackets.

    >>> index_text((slice(None), slice(1, None, 2), 0, Ellipsis))
    '[:, 1::2, 0, ...]'
    """
    return "[" + ", ".join(_index_part(part) for part in (index if isinstance(index, tuple) else (index,))) + "]"


def _index_part(part: object) -> str:
    if isinstance(part, slice):
        ends = ["" if end is None else str(end) for end in (part.start, part.stop)]
        return ":".join(ends) + ("" if part.step is None else f":{part.step}")
    if part is Ellipsis or part is None:
        return "..." if part is Ellipsis else "None"
    shape = getattr(part, "shape", ())
    return f"{getattr(part, 'dtype', 'array')} {'×'.join(map(str, shape))}" if shape else str(part)


def _setting_text(value: object, between: str) -> str:
    """A setting in few characters: sizes as 3×3, axes as 0,1."""
    if isinstance(value, tuple) and all(isinstance(x, int) for x in value):
        return between.join(map(str, value))
    text = repr(value)
    return text if len(text) <= MAX_SETTING else text[: MAX_SETTING - 1] + "…"


def escape(text: str) -> str:
    """Text that Graphviz shows as it is: neither backslashes nor `<...>` nor `&lt;` are read as markup.

    The result must stay of the type that `graphviz.nohtml` gives, or `<b>` alone would be taken for HTML.
    """
    valid = INVALID.sub("\N{REPLACEMENT CHARACTER}", text).replace("&", "&amp;")
    graphviz = graphviz_package()
    return graphviz.nohtml(str(graphviz.escape(valid)).replace("\n", "\\n"))  # type: ignore[no-any-return]

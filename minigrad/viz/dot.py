"""A View of a Graph as DOT text.

Rounded boxes are ops, folded notes parameters, ellipses variables, tabs folded modules; an output has a double border,
and what is not recorded a dashed one; frames are open module calls. Boxes bring their own background, and lines are of
a middle gray, so that the picture can lie on light and on dark.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from minigrad.graph import Graph, GraphNode, ModuleCall
from minigrad.viz.color import BLUE, GREEN, ORANGE, QUIET, VERMILION, ink
from minigrad.viz.fold import Arrow, Item, View, view
from minigrad.viz.layout import graphviz
from minigrad.viz.measure import Column

LONGEST: Final = 60
"""Characters of a line in a box; the tooltip has all of them."""
SHAPES: Final = {"op": "box", "module": "tab", "parameter": "note", "variable": "ellipse", "constant": "ellipse"}
BORDERS: Final = {"op": BLUE, "module": "#44546a", "parameter": ORANGE, "variable": GREEN, "constant": QUIET}
FILLS: Final = {
    "op": "#ffffff", "module": "#e8edf3", "parameter": "#fdf0d0", "variable": "#d8f0e6", "constant": "#eeeeee",
    "output": "#d9edf9",
}  # fmt: skip
UNSEEN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")  # what may stand neither in SVG nor in UTF-8


@dataclass(frozen=True)
class Look:
    """How a View is to look.

    Attributes:
        column: the measure whose amounts color and label the boxes; their kinds do unless given.
        mark: the numbers of nodes on a path that is to stand out.
        across: draw from left to right, not downward.
    """

    column: Column | None = None
    mark: Collection[int] = frozenset()
    across: bool = False


def to_dot(shown: Graph | View, look: Look | None = None) -> str:
    """The picture in the DOT language.

    Raises:
        MissingExtraError: the package graphviz is not installed.
    """
    shown = view(shown) if isinstance(shown, Graph) else shown
    return _Drawing(shown, look or Look()).text()


class _Drawing:
    """One picture in the making."""

    def __init__(self, shown: View, look: Look) -> None:
        self.view, self.look, self.graph = shown, look, shown.graph
        self.mark = frozenset(look.mark)
        self.color = look.column.coloring() if look.column is not None else None
        self.items: dict[int | None, list[Item]] = {}
        for item in shown.items:
            self.items.setdefault(item.frame, []).append(item)
        self.frames: dict[int | None, list[int]] = {}
        for frame in shown.frames:
            self.frames.setdefault(self.graph.calls[frame].outer, []).append(frame)

    def text(self) -> str:
        """The whole of it."""
        picture = graphviz().Digraph("minigrad")
        font = {"fontname": "Helvetica,Arial,sans-serif"}
        legend = self._legend()
        rankdir = "LR" if self.look.across else "TB"
        picture.attr(
            rankdir=rankdir, fontsize="11", fontcolor=QUIET, ranksep="0.3", nodesep="0.25", bgcolor="transparent"
        )
        picture.attr(**font, **({"label": escape(legend), "labelloc": "b"} if legend else {}))
        picture.attr("node", fontsize="11", margin="0.12,0.05", height="0.3", penwidth="1.3", style="filled", **font)
        picture.attr("edge", fontsize="9", color=QUIET, fontcolor=QUIET, arrowsize="0.6", **font)
        self._fill(picture, None)
        for arrow in self.view.arrows:
            picture.edge(arrow.start, arrow.end, **self._arrow(arrow))
        return str(picture.source)

    def _legend(self) -> str:
        column = self.look.column
        if column is None or column.measure.scale == "class":
            return column.measure.label if column is not None else ""
        low, high = column.text(column.scale.low), column.text(column.scale.high)
        return f"{column.measure.label}: dark blue {low} … yellow {high}"

    def _fill(self, picture: Any, frame: int | None) -> None:
        """Draw what stands directly in a frame, and the frames inside of it."""
        for item in self.items.get(frame, ()):
            picture.node(item.key, **self._item(item))
        for inner in self.frames.get(frame, ()):
            with picture.subgraph(name=f"cluster_{inner}") as cluster:
                title = call_title(self.graph.calls[inner], self.view.times.get(inner, 1))
                cluster.attr(
                    label=escape(title), labeljust="l", labelloc="t", color="#b0b0b0", fontcolor=QUIET, style="rounded"
                )
                self._fill(cluster, inner)

    def _item(self, item: Item) -> dict[str, str]:
        node = self.graph.nodes[item.nodes[0]]
        kind = "module" if item.call is not None else node.kind
        is_output = any(i in self.graph.outputs for i in item.nodes)
        lines = [line if len(line) <= LONGEST else line[: LONGEST - 1] + "…" for line in item_lines(self.view, item)]
        look = {"shape": SHAPES[kind], "color": BORDERS[kind], "fillcolor": FILLS["output" if is_output else kind]}
        if kind == "op":
            look["style"] = "rounded,filled"
        if is_output:
            look["peripheries"] = "2"
        if item.call is None and not node.recorded:
            look |= {"style": look.get("style", "filled") + ",dashed", "color": QUIET}
        if self.look.column is not None and self.color is not None:
            fill = self.color(self.look.column.joined(item.nodes))
            lines += filter(None, [self.look.column.label(item.nodes)])
            look |= {"fillcolor": fill, "fontcolor": ink(fill)}
        if self.mark.intersection(item.nodes):
            look |= {"color": VERMILION, "penwidth": "3"}
        tip = f"{node.name} {node.shape} {node.dtype}" if item.call is None else self.graph.calls[item.call].path
        return {"label": escape("\n".join(lines)), "tooltip": escape(tip), **look}

    def _arrow(self, arrow: Arrow) -> dict[str, str]:
        source = self.graph.nodes[arrow.source]
        look = {"label": ""}
        if source.kind == "op" or arrow.start.startswith("c"):  # a variable shows its shape itself
            look["label"] = " " + shape_text(source)
        if arrow.again:
            look |= {"style": "dashed", "constraint": "false"}
        ends = [(self.graph.edges[k][0], self.graph.edges[k][1]) for k in arrow.edges]
        if any(a in self.mark and b in self.mark for a, b in ends):
            look |= {"color": VERMILION, "penwidth": "2.5"}
        if any(not self.graph.nodes[i].recorded for end in ends for i in end):
            look["style"] = "dashed"
        return look


def item_lines(shown: View, item: Item) -> list[str]:
    """What stands in a box: of a folded call its title, of a node what is to be said of it."""
    graph = shown.graph
    if item.call is not None:
        return [call_title(graph.calls[item.call], shown.times.get(item.call, 1))]
    return node_lines(graph, graph.nodes[item.nodes[0]], is_output=any(i in graph.outputs for i in item.nodes))


def node_lines(graph: Graph, node: GraphNode, *, is_output: bool) -> list[str]:
    """A name, a shape where no arrow tells it, and the settings that say something."""
    name = node.name
    if node.kind == "parameter" and node.call is not None:
        name = name.removeprefix(f"{graph.calls[node.call].path}.")
    told = node.kind == "op" and not is_output
    shown_settings = [f"{key}={value}" for key, value in settings_of(node).items()]
    return [name, *([node.label] if node.label else []), *([] if told else [shape_text(node)]), *shown_settings]


def settings_of(node: GraphNode) -> Mapping[str, str]:
    """The settings of an op as text, without those at their plain values."""
    plain = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1, "keepdims": False}
    hidden = ("shape", "size", "index", "count_include_pad")
    return {
        name: _short(value, "," if name.startswith("ax") else "×")
        for name, value in node.settings.items()
        if name not in hidden and plain.get(name) != value
    }


def shape_text(node: GraphNode) -> str:
    """The shape of a value, or of the several results of an op, as 6×28×28."""
    sizes: tuple[Any, ...] = node.shape
    shapes = sizes if sizes and isinstance(sizes[0], tuple) else (sizes,)  # one a result
    return ", ".join("×".join(map(str, shape)) or "scalar" for shape in shapes)


def call_title(call: ModuleCall, times: int = 1) -> str:
    """The name and class of a module call, and how often it stands in a row."""
    return f"{call.name} {call.kind}".strip() + (f" × {times}" if times > 1 else "")


def _short(value: Any, between: str) -> str:
    """A setting in few characters: sizes as 3×3, axes as 0,1."""
    if isinstance(value, tuple) and all(isinstance(x, int) for x in value):
        return between.join(map(str, value))
    text = repr(value)
    return text if len(text) <= 30 else text[:29] + "…"


def escape(text: str) -> str:
    """Text that Graphviz shows as it is: it reads neither backslashes nor `<...>` nor `&lt;` as markup.

    What is a string of its own for `graphviz` (`nohtml`) has to remain one, or `<b>` alone would be taken for HTML.
    """
    seen = UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text).replace("&", "&amp;")
    return graphviz().nohtml(str(graphviz().escape(seen)).replace("\n", "\\n"))  # type: ignore[no-any-return]

"""The levels of the page: for each module call its own ops and variables, inner calls as boxes, and the values that
cross its border."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Required, TypedDict

from minigrad.errors import UsageError
from minigrad.graph import Graph, GraphNode
from minigrad.viz.dot import call_title, node_lines, shape_label
from minigrad.viz.graph_view import MAX_BOXES


class LevelItem(TypedDict, total=False):
    """A box of a level, for one of three things.

    Attributes:
        key: its name in the level.
        node: the number of a node in the level.
        call: the number of a call inside of the level.
        port: the number of a node whose value enters or leaves the level.
        direction: of a port, "in" or "out".
    """

    key: Required[str]
    node: int
    call: int
    port: int
    direction: str


LevelEdge = TypedDict("LevelEdge", {"from": str, "to": str, "label": str})
"""An edge between the keys of two items, with the shape of the value as its label."""


class Level(TypedDict):
    """One level as plain data.

    Attributes:
        call: the number of its module call; None for the outermost level.
        items: its boxes.
        edges: the edges between these.
        texts: the lines of text in each box, by its key.
    """

    call: int | None
    items: list[LevelItem]
    edges: list[LevelEdge]
    texts: dict[str, list[str]]


def page_levels(graph: Graph) -> list[Level]:
    """The levels of a graph, the outermost first.

    Raises:
        UsageError: a level has more than 3,000 boxes.
    """
    chains: list[list[int | None]] = [[None, *reversed(graph.enclosing(node.call))] for node in graph.nodes]
    found = {call: _LevelBuilder(graph, call) for call in (None, *(call.id for call in graph.calls))}
    for node, chain in zip(graph.nodes, chains, strict=True):
        for call, inner in zip(chain, [*chain[1:], None], strict=True):
            found[call].add(node, inner)
    for start, end, _ in graph.edges:
        for call in dict.fromkeys([*chains[start], *chains[end]]):
            found[call].connect(graph.nodes[start], graph.nodes[end])
    return [level.data() for level in found.values()]


class _LevelBuilder:
    """Collects the items and edges of one level."""

    def __init__(self, graph: Graph, call: int | None) -> None:
        self.graph, self.call = graph, call
        self.items: dict[str, LevelItem] = {}
        self.keys: dict[int, str] = {}  # by the number of a node, the item that shows it
        self.edges: dict[tuple[str, str, int], None] = {}
        self.readers: dict[int, GraphNode] = {}  # by the number of a node whose value leaves, the first node outside

    def add(self, node: GraphNode, inner: int | None) -> None:
        """Show a node, itself or as part of an inner call."""
        key = f"n{node.id}" if inner is None else f"c{inner}"
        self.keys[node.id] = key
        self.items.setdefault(key, {"key": key, "node": node.id} if inner is None else {"key": key, "call": inner})

    def connect(self, start: GraphNode, end: GraphNode) -> None:
        """Show an edge, from or to a port where one of its ends is outside."""
        a, b = self.keys.get(start.id), self.keys.get(end.id)
        if a is None:
            a = self._port(start, "in")
        if b is None:
            b = self._port(start, "out")
            self.readers.setdefault(start.id, end)
        if a != b:
            self.edges[a, b, start.id] = None

    def _port(self, node: GraphNode, direction: str) -> str:
        key = f"{direction[0]}{node.id}"
        self.items.setdefault(key, {"key": key, "port": node.id, "direction": direction})
        return key

    def data(self) -> Level:
        """The level as plain data."""
        if len(self.items) > MAX_BOXES:
            raise UsageError(
                f"graph: a page with {len(self.items):,} boxes side by side cannot be read, nor laid out in a minute "
                f"({MAX_BOXES:,} can): put parts of the computation into modules, or draw a part of it"
            )
        edges: list[LevelEdge] = [
            {"from": a, "to": b, "label": "" if self._shows_shape(a) else shape_label(self.graph.nodes[source])}
            for a, b, source in self.edges
        ]
        texts = {key: list(self._lines(item)) for key, item in self.items.items()}
        return {"call": self.call, "items": list(self.items.values()), "edges": edges, "texts": texts}

    def _shows_shape(self, key: str) -> bool:
        """Whether the text in a box shows the shape, so that its arrows need not."""
        item = self.items[key]
        return "node" in item and self.graph.nodes[item["node"]].kind != "op"

    def _lines(self, item: LevelItem) -> Iterator[str]:
        graph = self.graph
        if "call" in item:
            yield call_title(graph.calls[item["call"]])
        elif "port" in item:
            node = graph.nodes[item["port"]]
            out = item["direction"] == "out"
            yield f"to {_place(graph, self.readers[node.id])}" if out else f"from {_place(graph, node)}"
        else:
            yield from node_lines(graph, graph.nodes[item["node"]], is_output=item["node"] in graph.outputs)


def _place(graph: Graph, node: GraphNode) -> str:
    path = graph.calls[node.call].path if node.call is not None else ""
    return path if path and node.kind == "op" else node.name

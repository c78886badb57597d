"""What is seen inside of each module call: its own ops and variables, its inner calls as boxes, and where values cross
its border. These are the levels of the page, which one enters and leaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minigrad.errors import UsageError
from minigrad.graph import Graph, GraphNode
from minigrad.viz.dot import call_title, node_lines, shape_text
from minigrad.viz.fold import MOST

Level = dict[str, Any]


def levels(graph: Graph) -> list[Level]:
    """The levels, the outermost first, each as plain data: "call", "items", "edges" and "texts".

    An item has a "key" and is a "node", a "call" inside, or a "port": the node outside whose value comes "in", or the
    node inside whose value goes "out".

    Raises:
        UsageError: a level has more than 3,000 boxes.
    """
    chains: list[list[int | None]] = [[None, *reversed(graph.enclosing(node.call))] for node in graph.nodes]
    found = {call: _Level(graph, call) for call in (None, *(call.id for call in graph.calls))}
    for node, chain in zip(graph.nodes, chains, strict=True):
        for call, inner in zip(chain, [*chain[1:], None], strict=True):
            found[call].add(node, inner)
    for start, end, _ in graph.edges:
        for call in dict.fromkeys([*chains[start], *chains[end]]):
            found[call].connect(graph.nodes[start], graph.nodes[end])
    return [level.data() for level in found.values()]


class _Level:
    """One level in the making."""

    def __init__(self, graph: Graph, call: int | None) -> None:
        self.graph, self.call = graph, call
        self.items: dict[str, dict[str, Any]] = {}
        self.homes: dict[int, str] = {}
        self.edges: dict[tuple[str, str, int], None] = {}
        self.readers: dict[int, GraphNode] = {}  # of each value that leaves the level, the first outside

    def add(self, node: GraphNode, inner: int | None) -> None:
        """Let a node be seen here, itself or in a box."""
        key = f"n{node.id}" if inner is None else f"c{inner}"
        self.homes[node.id] = key
        self.items.setdefault(key, {"key": key, "node": node.id} if inner is None else {"key": key, "call": inner})

    def connect(self, start: GraphNode, end: GraphNode) -> None:
        """Let an edge be seen, from or to a port where one of its ends is outside."""
        a, b = self.homes.get(start.id), self.homes.get(end.id)
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
        if len(self.items) > MOST:
            raise UsageError(
                f"graph: a page with {len(self.items):,} boxes side by side cannot be read, nor laid out in a minute "
                f"({MOST:,}): put parts of the computation into modules, or draw a part of it"
            )
        edges = [
            {"from": a, "to": b, "label": "" if self._tells_itself(a) else shape_text(self.graph.nodes[source])}
            for a, b, source in self.edges
        ]
        texts = {key: list(self._lines(item)) for key, item in self.items.items()}
        return {"call": self.call, "items": list(self.items.values()), "edges": edges, "texts": texts}

    def _tells_itself(self, key: str) -> bool:
        item = self.items[key]
        return "node" in item and self.graph.nodes[item["node"]].kind != "op"

    def _lines(self, item: dict[str, Any]) -> Iterator[str]:
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

"""`GraphView`: what of a Graph is drawn, with module calls below some depth as one box, and equal neighbors as "× 3".

Nothing is lost: each node of the graph belongs to exactly one item, and each edge either to exactly one arrow or to the
inside of one item.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from minigrad.graph import Graph, GraphNode

MAX_BOXES: Final = 3000
"""A picture with more boxes cannot be read, and would take Graphviz minutes."""


@dataclass(frozen=True)
class Item:
    """A box: one node, or a collapsed module call.

    Attributes:
        key: its name in the picture: "n" and the number of its node, or "c" and that of its call.
        nodes: the numbers of the nodes that it contains, oldest first.
        frame: the number of the open call in which it is drawn, or None.
        call: the number of the collapsed call, or None.
    """

    key: str
    nodes: tuple[int, ...]
    frame: int | None
    call: int | None = None


@dataclass(frozen=True)
class Arrow:
    """A drawn edge.

    Attributes:
        start, end: the keys of two items.
        source: the number of the node whose value the edge carries.
        edges: the positions in `graph.edges` of the edges that it stands for.
        back: whether it leads back, from one of several equal blocks to the next.
    """

    start: str
    end: str
    source: int
    edges: tuple[int, ...]
    back: bool = False


@dataclass(frozen=True)
class GraphView:
    """What is drawn of a graph.

    Attributes:
        graph: the graph.
        items: the boxes, in the order of their first nodes.
        arrows: the edges between different items.
        hidden: the positions in `graph.edges` of the edges inside of collapsed items.
        frames: the numbers of the open calls, outer ones first.
        times: by call, the number of equal calls in a row that it stands for, where that is more than one.
    """

    graph: Graph
    items: tuple[Item, ...]
    arrows: tuple[Arrow, ...]
    hidden: tuple[int, ...]
    frames: tuple[int, ...]
    times: dict[int, int] = field(default_factory=dict)


def graph_view(graph: Graph, *, depth: int | None = None, repeats: bool = False) -> GraphView:
    """Choose what is drawn of a graph.

    Args:
        graph: the graph.
        depth: collapse module calls that lie in so many others: 0 collapses the model itself, 1 its children; None
            (default) none.
        repeats: draw equal module calls that follow each other once, with their number.
    """
    drawn_as, times = _repeats(graph) if repeats else (list(range(len(graph))), {})
    items_of = _ItemFinder(graph, depth)
    keys = [items_of.key(graph.nodes[i]) for i in drawn_as]
    contents: dict[str, list[int]] = {}
    for i, key in enumerate(keys):
        contents.setdefault(key, []).append(i)
    items = [items_of.item(key, nodes) for key, nodes in contents.items()]
    arrows, hidden = _arrows(graph, keys, drawn_as)
    frames = sorted({frame for item in items for frame in graph.enclosing(item.frame)})
    drawn = {*frames, *[item.call for item in items]}
    return GraphView(
        graph, tuple(items), arrows, hidden, tuple(frames), {call: n for call, n in times.items() if call in drawn}
    )


class _ItemFinder:
    """Finds the item that a node belongs to: itself, or the outermost collapsed call around it."""

    def __init__(self, graph: Graph, depth: int | None) -> None:
        self.nodes, self.calls = graph.nodes, graph.calls
        self.collapsed: dict[int, int] = {}
        depths: dict[int | None, int] = {None: -1}
        for call in graph.calls:
            depths[call.id] = depths[call.outer] + 1
            if call.outer in self.collapsed:
                self.collapsed[call.id] = self.collapsed[call.outer]
            elif depth is not None and depths[call.id] >= depth:
                self.collapsed[call.id] = call.id

    def key(self, node: GraphNode) -> str:
        """The key of the item that a node belongs to."""
        collapsed = None if node.call is None else self.collapsed.get(node.call)
        return f"n{node.id}" if collapsed is None else f"c{collapsed}"

    def item(self, key: str, nodes: list[int]) -> Item:
        """The item with this key, for these nodes."""
        if key.startswith("c"):
            call = int(key[1:])
            return Item(key, tuple(nodes), self.calls[call].outer, call)
        return Item(key, tuple(nodes), self.nodes[int(key[1:])].call)


def _arrows(graph: Graph, keys: Sequence[str], drawn_as: Sequence[int]) -> tuple[tuple[Arrow, ...], tuple[int, ...]]:
    """The drawn edges, and those inside of items. Between single nodes, each input has an arrow of its own."""
    groups: dict[tuple[str, str, int, bool, int | None], list[int]] = {}
    hidden = []
    for k, (start, end, position) in enumerate(graph.edges):
        a, b = keys[start], keys[end]
        back = drawn_as[start] >= drawn_as[end]
        if a == b and a.startswith("c") and not back:
            hidden.append(k)
            continue
        single = a.startswith("n") and b.startswith("n")
        groups.setdefault((a, b, drawn_as[start], back, position if single else None), []).append(k)
    arrows = [Arrow(a, b, source, tuple(ks), back) for (a, b, source, back, _), ks in groups.items()]
    return tuple(arrows), tuple(hidden)


# ---- equal blocks in a row -----------------------------------------------------------------------------------


def _repeats(graph: Graph) -> tuple[list[int], dict[int, int]]:
    """For each node the one that is drawn for it, and the lengths of rows of equal calls by their first call."""
    members = graph.members()
    structures = _structures(graph, members)
    drawn_as = list(range(len(graph)))
    times: dict[int, int] = {}
    for row in _rows(graph, members, structures):
        first = members[row[0]]
        times[row[0]] = len(row)
        for call in row[1:]:
            for i, node in zip(first, members[call], strict=True):
                drawn_as[node] = i
    for i, other in enumerate(drawn_as):  # which may be inside of a block that is not drawn itself; it is older
        drawn_as[i] = drawn_as[other]
    return drawn_as, times


def _structures(graph: Graph, members: list[list[int]]) -> list[int]:
    """For each call a hash of its class, its nodes and the edges between these, which equal calls have in common."""
    inputs: dict[int, list[tuple[int, int]]] = {}
    for start, end, position in graph.edges:
        inputs.setdefault(end, []).append((position, start))
    structures = []
    for call in graph.calls:
        place = {node: k for k, node in enumerate(members[call.id])}
        nodes = tuple(
            (
                node.kind,
                node.name if node.kind in ("op", "constant") else "",
                node.shape,
                str(node.settings),
                _inner_path(graph, node.call, call.id),
                tuple(sorted((position, place.get(start, -1)) for position, start in inputs.get(node.id, ()))),
            )
            for node in (graph.nodes[i] for i in members[call.id])
        )
        structures.append(hash((call.kind, nodes)))
    return structures


def _inner_path(graph: Graph, call: int | None, outer: int) -> tuple[str, ...]:
    names: tuple[str, ...] = ()
    while call is not None and call != outer:
        names = (graph.calls[call].name, *names)
        call = graph.calls[call].outer
    return names


def _rows(graph: Graph, members: list[list[int]], structures: list[int]) -> list[list[int]]:
    """Equal calls in the same call, each of which feeds the next one and nothing else; outer rows first."""
    readers: dict[int, set[int]] = {}
    for start, end, _ in graph.edges:
        readers.setdefault(start, set()).add(end)
    last: dict[int | None, list[int]] = {}
    rows = []
    for call in graph.calls:
        row = last.get(call.outer)
        same = row and structures[row[-1]] == structures[call.id]
        if row and same and _feeds_only(members[row[-1]], members[call.id], readers):
            row.append(call.id)
            continue
        last[call.outer] = row = [call.id]
        rows.append(row)
    return [row for row in rows if len(row) > 1]


def _feeds_only(nodes: list[int], following: list[int], readers: dict[int, set[int]]) -> bool:
    """Whether the values that leave these nodes go to the following ones, and to no others."""
    inside, allowed = set(nodes), set(following)
    outside = set().union(*[readers.get(node, set()) for node in nodes]) - inside if nodes else set()
    return bool(outside) and outside <= allowed

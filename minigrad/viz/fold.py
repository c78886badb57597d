"""What of a Graph is drawn: module calls below some depth become one box each, equal neighbors one with "x 3".

Nothing is lost on the way: each node of the graph stands behind exactly one item, and each edge either behind exactly
one drawn edge or inside of one item.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from minigrad.graph import Graph, GraphNode

MOST: Final = 3000
"""More boxes than this are no picture any more, and would keep Graphviz busy for minutes."""


@dataclass(frozen=True)
class Item:
    """Something drawn as one.

    Attributes:
        key: its name in the picture: n and the number of its (first) node, or c and that of its call.
        nodes: the nodes of the graph that it stands for, oldest first.
        frame: the open call in which it is drawn, or None.
        call: the folded call that it stands for, or None.
    """

    key: str
    nodes: tuple[int, ...]
    frame: int | None
    call: int | None = None


@dataclass(frozen=True)
class Arrow:
    """A drawn edge.

    Attributes:
        start, end: keys of items.
        source: the node whose value travels.
        edges: the positions, in `graph.edges`, of those that it stands for.
        again: whether it leads back, from one of several equal blocks to the next.
    """

    start: str
    end: str
    source: int
    edges: tuple[int, ...]
    again: bool = False


@dataclass(frozen=True)
class View:
    """What is drawn of a graph.

    Attributes:
        graph: what it was made of.
        items: in the order of their first nodes.
        arrows: between different items.
        hidden: the edges (as positions in `graph.edges`) inside of folded items.
        frames: the open calls, outer ones first.
        times: how often a drawn call stands in a row, where that is more than once.
    """

    graph: Graph
    items: tuple[Item, ...]
    arrows: tuple[Arrow, ...]
    hidden: tuple[int, ...]
    frames: tuple[int, ...]
    times: dict[int, int] = field(default_factory=dict)


def view(graph: Graph, *, depth: int | None = None, repeats: bool = False) -> View:
    """Choose what is drawn.

    Args:
        graph: what was recorded.
        depth: module calls inside of so many others are folded: 0 folds the model itself, 1 its parts; None folds none.
        repeats: draw equal module calls that follow each other once, with their number.
    """
    stands_for, times = _repeats(graph) if repeats else (list(range(len(graph))), {})
    homes = _Homes(graph, depth)
    keys = [homes.key(graph.nodes[i]) for i in stands_for]
    behind: dict[str, list[int]] = {}
    for i, key in enumerate(keys):
        behind.setdefault(key, []).append(i)
    items = [homes.item(key, nodes) for key, nodes in behind.items()]
    arrows, hidden = _arrows(graph, keys, stands_for)
    frames = sorted({frame for item in items for frame in graph.enclosing(item.frame)})
    drawn = {*frames, *[item.call for item in items]}
    return View(
        graph, tuple(items), arrows, hidden, tuple(frames), {call: n for call, n in times.items() if call in drawn}
    )


class _Homes:
    """Where each node is drawn: in which open call, or as part of which folded one."""

    def __init__(self, graph: Graph, depth: int | None) -> None:
        self.nodes, self.calls = graph.nodes, graph.calls
        self.folded: dict[int, int] = {}
        depths: dict[int | None, int] = {None: -1}
        for call in graph.calls:
            depths[call.id] = depths[call.outer] + 1
            if call.outer in self.folded:
                self.folded[call.id] = self.folded[call.outer]
            elif depth is not None and depths[call.id] >= depth:
                self.folded[call.id] = call.id

    def key(self, node: GraphNode) -> str:
        """The item that a node belongs to."""
        folded = None if node.call is None else self.folded.get(node.call)
        return f"n{node.id}" if folded is None else f"c{folded}"

    def item(self, key: str, nodes: list[int]) -> Item:
        """The item with this key, for these nodes."""
        if key.startswith("c"):
            call = int(key[1:])
            return Item(key, tuple(nodes), self.calls[call].outer, call)
        return Item(key, tuple(nodes), self.nodes[int(key[1:])].call)


def _arrows(graph: Graph, keys: Sequence[str], stands_for: Sequence[int]) -> tuple[tuple[Arrow, ...], tuple[int, ...]]:
    """The drawn edges, and those that are inside of items. Between single nodes, each input has an arrow of its own."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    hidden = []
    for k, (start, end, position) in enumerate(graph.edges):
        a, b = keys[start], keys[end]
        again = stands_for[start] >= stands_for[end]
        if a == b and a.startswith("c") and not again:
            hidden.append(k)
            continue
        single = a.startswith("n") and b.startswith("n")
        groups.setdefault((a, b, stands_for[start], again, position if single else None), []).append(k)
    arrows = [Arrow(a, b, source, tuple(ks), again) for (a, b, source, again, _), ks in groups.items()]
    return tuple(arrows), tuple(hidden)


# ---- equal blocks in a row -----------------------------------------------------------------------------------


def _repeats(graph: Graph) -> tuple[list[int], dict[int, int]]:
    """For each node the one that is drawn for it, and the lengths of the rows by their first calls."""
    members = graph.members()
    forms = _forms(graph, members)
    stands_for = list(range(len(graph)))
    times: dict[int, int] = {}
    for row in _rows(graph, members, forms):
        first = members[row[0]]
        times[row[0]] = len(row)
        for call in row[1:]:
            for i, node in zip(first, members[call], strict=True):
                stands_for[node] = i
    for i, other in enumerate(stands_for):  # which may be inside of a block that is not drawn itself; it is older
        stands_for[i] = stands_for[other]
    return stands_for, times


def _forms(graph: Graph, members: list[list[int]]) -> list[Any]:
    """What two calls must have in common to be drawn as one: their nodes, and the edges between these."""
    inputs: dict[int, list[tuple[int, int]]] = {}
    for start, end, position in graph.edges:
        inputs.setdefault(end, []).append((position, start))
    forms = []
    for call in graph.calls:
        place = {node: k for k, node in enumerate(members[call.id])}
        nodes = tuple(
            (
                node.kind,
                node.name if node.kind == "op" else "",
                node.shape,
                str(node.settings),
                _inner_path(graph, node.call, call.id),
                tuple(sorted((position, place.get(start, -1)) for position, start in inputs.get(node.id, ()))),
            )
            for node in (graph.nodes[i] for i in members[call.id])
        )
        forms.append(hash((call.kind, nodes)))
    return forms


def _inner_path(graph: Graph, call: int | None, outer: int) -> tuple[str, ...]:
    names: tuple[str, ...] = ()
    while call is not None and call != outer:
        names = (graph.calls[call].name, *names)
        call = graph.calls[call].outer
    return names


def _rows(graph: Graph, members: list[list[int]], forms: list[Any]) -> list[list[int]]:
    """Equal calls in the same call, each of which feeds the next one and nothing else; outer rows first."""
    readers: dict[int, set[int]] = {}
    for start, end, _ in graph.edges:
        readers.setdefault(start, set()).add(end)
    last: dict[int | None, list[int]] = {}
    rows = []
    for call in graph.calls:
        row = last.get(call.outer)
        if row and forms[row[-1]] == forms[call.id] and _feeds_only(members[row[-1]], members[call.id], readers):
            row.append(call.id)
            continue
        last[call.outer] = row = [call.id]
        rows.append(row)
    return [row for row in rows if len(row) > 1]


def _feeds_only(nodes: list[int], following: list[int], readers: dict[int, set[int]]) -> bool:
    """Whether what leaves these nodes goes to the following ones."""
    inside, allowed = set(nodes), set(following)
    outside = set().union(*[readers.get(node, set()) for node in nodes]) - inside if nodes else set()
    return bool(outside) and outside <= allowed

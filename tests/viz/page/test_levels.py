"""Levels of the page show every node, and every edge wherever one of its ends is."""

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.graph import Graph
from minigrad.viz.page.levels import page_levels


class Block(nn.Module):
    """A layer with a way around it."""

    def __init__(self, width: int) -> None:
        self.layer = nn.Linear(width, width)

    def forward(self, x: Any) -> mg.Tensor:
        return mg.tanh(self.layer(x)) + x


def graph_of(model: nn.Module, width: int = 3) -> Graph:
    x = mg.ones((2, width), requires_grad=True)
    return Graph.of(model(x).sum(), model=model, names={"x": x})


MODELS = st.recursive(
    st.sampled_from(["linear", "tanh", "block"]), lambda parts: st.lists(parts, min_size=1, max_size=4), max_leaves=8
)


def made(plan: Any) -> nn.Module:
    if isinstance(plan, list):
        return nn.Sequential(*[made(part) for part in plan])
    return {"linear": lambda: nn.Linear(3, 3), "tanh": nn.Tanh, "block": lambda: Block(3)}[plan]()


def once(things: Any) -> Counter[int]:
    return Counter(range(len(things)))


@given(MODELS)
def test_entering_loses_nothing(plan: Any) -> None:
    graph = graph_of(made(plan))
    found = page_levels(graph)
    assert [level["call"] for level in found] == [None, *(call.id for call in graph.calls)]
    nodes = Counter(item["node"] for level in found for item in level["items"] if "node" in item)
    calls = Counter(item["call"] for level in found for item in level["items"] if "call" in item)
    assert nodes == once(graph.nodes)
    assert calls == once(graph.calls)
    for level in found:
        seen = {(edge["from"], edge["to"]) for edge in level["edges"]}
        assert seen == edges_seen(graph, level)


def edges_seen(graph: Graph, level: dict[str, Any]) -> set[tuple[str, str]]:
    """The edges that a level has to show: those with an end in it, but for those inside of one box."""
    members = graph.members()
    keys = {item["node"]: item["key"] for item in level["items"] if "node" in item}
    keys |= {i: item["key"] for item in level["items"] if "call" in item for i in members[item["call"]]}
    ends = [
        (keys.get(start, f"i{start}"), keys.get(end, f"o{start}"))
        for start, end, _ in graph.edges
        if start in keys or end in keys
    ]
    return {(a, b) for a, b in ends if a != b}

"""Collapsing hides and joins, and loses nothing."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.graph import Graph
from minigrad.viz.graph_view import GraphView, graph_view
from tests.helper import LONG


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


def behind(shown: GraphView) -> tuple[Counter[int], Counter[int]]:
    """How often each node stands behind an item, and each edge behind an arrow or inside of an item."""
    nodes = Counter(i for item in shown.items for i in item.nodes)
    return nodes, Counter([*shown.hidden, *(k for arrow in shown.arrows for k in arrow.edges)])


def once(things: Any) -> Counter[int]:
    return Counter(range(len(things)))


@given(MODELS, st.none() | st.integers(0, 4), st.booleans())
def test_every_node_and_edge_is_behind_exactly_one_thing(plan: Any, depth: int | None, repeats: bool) -> None:
    graph = graph_of(made(plan))
    shown = graph_view(graph, depth=depth, repeats=repeats)
    nodes, edges = behind(shown)
    assert nodes == once(graph.nodes)
    assert edges == once(graph.edges)
    keys = {item.key for item in shown.items}
    assert len(keys) == len(shown.items)
    assert {key for arrow in shown.arrows for key in (arrow.start, arrow.end)} <= keys


@given(MODELS)
def test_with_nothing_collapsed_every_node_is_an_item_and_every_edge_an_arrow(plan: Any) -> None:
    graph = graph_of(made(plan))
    shown = graph_view(graph)
    assert [item.nodes for item in shown.items] == [(i,) for i in range(len(graph))]
    assert [arrow.edges for arrow in shown.arrows] == [(k,) for k in range(len(graph.edges))]
    assert shown.hidden == ()


def test_an_input_used_twice_has_two_arrows() -> None:
    x = mg.Tensor(2.0, requires_grad=True)
    assert len(graph_view(Graph.of(x * x)).arrows) == 2


def test_depth_collapses_what_is_inside_of_so_many_calls() -> None:
    graph = graph_of(nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.Tanh(), nn.Linear(3, 3))))
    views = [graph_view(graph, depth=depth) for depth in range(4)]
    calls = [{item.call for item in view.items if item.call is not None} for view in views]
    assert calls == [{0}, {1, 2}, {3, 4}, set()]
    assert [len(view.frames) for view in views] == [0, 1, 3, 5]


def test_parameters_are_drawn_in_the_call_that_uses_them() -> None:
    graph = graph_of(nn.Sequential(nn.Linear(3, 3)))
    weight = next(node for node in graph if node.name == "0.weight")
    assert weight.call is not None
    assert graph.calls[weight.call].path == "0"


class Tied(nn.Module):
    """Two layers share their weight."""

    def __init__(self) -> None:
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3)
        self.second.weight = self.first.weight

    def forward(self, x: Any) -> mg.Tensor:
        return self.second(self.first(x))  # type: ignore[no-any-return]


def test_a_shared_parameter_is_drawn_around_all_of_its_uses() -> None:
    graph = graph_of(Tied())
    (weight,) = [node for node in graph if node.name == "first.weight"]
    assert weight.call is not None
    assert graph.calls[weight.call].kind == "Tied"


def test_equal_blocks_in_a_row_are_drawn_once() -> None:
    graph = graph_of(nn.Sequential(nn.Linear(3, 3), *[Block(3) for _ in range(4)], nn.Tanh()))
    shown = graph_view(graph, depth=1, repeats=True)
    assert [graph.calls[item.call].path for item in shown.items if item.call is not None] == ["0", "1", "5"]
    assert shown.times == {2: 4}
    (back,) = [arrow for arrow in shown.arrows if arrow.back]
    assert (back.start, back.end) == ("c2", "c2")
    assert len(back.edges) == 6  # from each block to both uses in the next one


def test_equal_blocks_can_be_drawn_open() -> None:
    graph = graph_of(nn.Sequential(*[Block(3) for _ in range(3)]))
    shown = graph_view(graph, repeats=True)
    one = graph_view(graph_of(nn.Sequential(Block(3))))
    assert len(shown.items) == len(one.items)
    assert max(len(item.nodes) for item in shown.items) == 3


def test_rows_inside_of_rows_are_joined_too() -> None:
    inner = lambda: nn.Sequential(*[Block(3) for _ in range(2)])  # noqa: E731
    graph = graph_of(nn.Sequential(*[inner() for _ in range(3)]))
    shown = graph_view(graph, repeats=True)
    assert sorted(shown.times.values()) == [2, 3]
    assert max(len(item.nodes) for item in shown.items) == 6


@pytest.mark.parametrize(
    "parts",
    [
        lambda: [nn.Linear(3, 4), nn.Linear(4, 3)],  # other shapes
        lambda: [nn.Linear(3, 3), nn.Linear(3, 3, bias=False)],  # other parameters
        lambda: [nn.Tanh(), nn.ReLU()],  # other ops
        lambda: [nn.LeakyReLU(0.1), nn.LeakyReLU(0.2)],  # other settings
    ],
)
def test_what_differs_is_not_joined(parts: Any) -> None:
    assert graph_view(graph_of(nn.Sequential(*parts())), repeats=True).times == {}


class Beside(nn.Module):
    """Two equal layers side by side."""

    def __init__(self) -> None:
        self.left, self.right = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x: Any) -> mg.Tensor:
        return self.left(x) * self.right(x)  # type: ignore[no-any-return]


class Dense(nn.Module):
    """What the first layer gives is used by the second, and after it."""

    def __init__(self) -> None:
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x: Any) -> mg.Tensor:
        y = self.first(x)
        return self.second(y) + y  # type: ignore[no-any-return]


@pytest.mark.parametrize("model", [Beside, Dense])
def test_blocks_that_are_no_row_are_not_joined(model: type[nn.Module]) -> None:
    assert graph_view(graph_of(model()), repeats=True).times == {}


def test_a_long_chain_is_no_problem() -> None:
    x = y = mg.Tensor(1.0, requires_grad=True)
    for _ in range(LONG):
        y = y + x
    graph = Graph.of(y)
    assert len(graph_view(graph, repeats=True).items) == LONG + 1

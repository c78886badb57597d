"""What needs no gradient is drawn as well: data, labels, masks, numbers, buffers and frozen parameters."""

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.viz import Picture, graph
from minigrad.viz.dot import node_lines

X = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


def constants(picture: Picture) -> list[tuple[str, tuple[int, ...], str]]:
    """The name, shape and user of each constant."""
    nodes, edges = picture.graph.nodes, picture.graph.edges
    found = [(nodes[a], nodes[b].name) for a, b, _ in edges if nodes[a].kind == "constant"]
    return [(node.name, node.shape, user) for node, user in found]


@pytest.mark.parametrize(
    ("f", "wanted"),
    [
        (lambda x: mg.where(X > 0, x, 0.5), [("constant", (5, 3), "where"), ("0.5", (), "where")]),
        (lambda x: x / 3.0, [("3", (), "divide")]),
        (lambda x: x * X + X, [("constant", (5, 3), "multiply"), ("constant", (5, 3), "add")]),
        (lambda x: mg.concat([x, X], axis=0), [("constant", (5, 3), "concat")]),
        (lambda x: mg.tanh(x), []),
    ],
    ids=["where", "divide", "arrays", "concat", "none"],
)
@pytest.mark.parametrize("recorded", [False, True])
def test_constants_are_drawn_with_their_positions(f: Any, wanted: Any, recorded: bool) -> None:
    if recorded:  # then those are known that a rule has kept, and of the others that they were there
        found = constants(graph(f(mg.Tensor(X, requires_grad=True))))
        assert [user for _, _, user in found] == [user for _, _, user in wanted]
        assert set(found) - {("constant", (), user) for _, _, user in wanted} <= set(wanted)
        assert ("3", (), "divide") in found or ("3", (), "divide") not in wanted
    else:
        assert constants(graph(f, X)) == wanted


def test_a_constant_that_nothing_has_kept_says_so_and_shows_no_shape() -> None:
    x = mg.Tensor(X, requires_grad=True)
    picture = graph(x + 3)
    (node,) = [node for node in picture.graph if node.kind == "constant"]
    assert node_lines(picture.graph, node, is_output=False) == ["constant", "not kept"]
    assert "not kept" in picture.dot
    assert "not kept" not in graph(lambda x: x + 3, X).dot


@pytest.mark.parametrize("direction", ["forward", "backward", "both"])
@pytest.mark.parametrize("traced", [False, True])
def test_every_elementwise_op_has_an_arrow_an_input_in_every_direction(direction: Any, traced: bool) -> None:
    def f(x: mg.Tensor) -> mg.Tensor:
        return (mg.where(X > 0, mg.exp(x) * 2, 0.5) / 5 + mg.maximum(x, X) - x**3).sum()

    picture = (
        graph(f, X, direction=direction) if traced else graph(f(mg.Tensor(X, requires_grad=True)), direction=direction)
    )
    arrows = {node.id: 0 for node in picture.graph}
    for _, end, _ in picture.graph.edges:
        arrows[end] += 1
    ops = {op.name: len(op.inputs) for op in mg.REGISTRY.values() if op.elementwise}
    assert picture.computation is not None
    seen = [
        (node.name, arrows[node.id], ops[node.name]) for node in picture.graph if node.name in ops and node.kind == "op"
    ]
    assert len(seen) > 5
    assert [drawn for drawn in seen if drawn[1] != drawn[2]] == []


def test_constants_of_a_backward_picture_lie_in_the_frame_of_their_rule() -> None:
    picture = graph(nn.Sequential(nn.Linear(3, 4), nn.ReLU()), X, direction="backward")
    found = [
        (n.name, picture.graph.calls[n.call].name) for n in picture.graph if n.kind == "constant" and n.call is not None
    ]
    assert ("0", "rule of relu (1)") in found


def test_data_and_labels_of_a_loss_are_drawn_outside_of_the_model() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2))
    loss = mg.functional.cross_entropy(model(X), np.array([0, 1, 0, 1, 1]))
    for picture in (graph(loss, model=model), graph(loss, model=model, depth=0)):
        outside = [n.shape for n in picture.graph if n.kind == "constant" and n.call is None]
        assert outside == [(5, 3), (5,)]
        shown = [picture.graph.nodes[item.nodes[0]].kind for item in picture.view.items]
        assert shown.count("constant") == (2 if picture.depth == 0 else 3)  # a mask of Dropout lies inside of it


def test_frozen_parameters_and_buffers_have_their_names() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    model[0].weight.requires_grad = False
    found = {node.name: (node.kind, node.call) for node in graph(model, X).graph}
    assert found["0.weight"][0] == "parameter"
    assert found["0.weight"][1] is not None


def test_inputs_come_before_what_takes_them_and_nodes_keep_their_numbers() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
    picture = graph(lambda x: (model(x) * 2.0 - 1.0).sum(), X)
    assert [node.id for node in picture.graph] == list(range(len(picture.graph)))
    assert all(a < b for a, b, _ in picture.graph.edges)
    assert picture.computation is not None
    for node, drawn in zip(picture.computation.nodes, picture.graph.nodes, strict=True):
        assert (node.shape, str(node.dtype)) == (drawn.shape, drawn.dtype)
        assert (node.op is None) == (drawn.kind != "op")


def test_equal_blocks_with_other_numbers_are_not_drawn_as_one() -> None:
    class Times(nn.Module):
        def __init__(self, factor: float) -> None:
            super().__init__()
            self.factor = factor

        def forward(self, x: mg.Tensor) -> mg.Tensor:
            return x * self.factor

    same = graph(nn.Sequential(Times(2.0), Times(2.0)), X, depth=1, repeats=True)
    other = graph(nn.Sequential(Times(2.0), Times(3.0)), X, depth=1, repeats=True)
    assert (len(same.view.times), len(other.view.times)) == (1, 0)

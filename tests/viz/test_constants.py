"""What needs no gradient is drawn as well: data, labels, masks, numbers, buffers and frozen parameters."""

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.viz import Picture, graph

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
    if recorded:  # then those are known that a rule has kept
        found = constants(graph(f(mg.Tensor(X, requires_grad=True))))
        assert set(found) <= set(wanted)
        assert ("3", (), "divide") in found or ("3", (), "divide") not in wanted
    else:
        assert constants(graph(f, X)) == wanted


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

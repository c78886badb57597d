"""The constants that ops took, as nodes: data, labels, masks, buffers, frozen parameters and numbers.

What needs no gradient is not in the recorded graph. Its values are known from a trace; without one, only those that a
derivative rule has asked for are. That there was another is known of ops whose inputs cannot be left out: it is drawn
without its shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from minigrad.autograd.node import Leaf, Node
from minigrad.graph import Graph, GraphNode, Kind
from minigrad.nn import Module
from minigrad.typing import Array, Value


class NotKept:
    """Stands for the value of an input that there was, and that nothing has kept."""


def with_constants(
    graph: Graph,
    nodes: Sequence[Node],
    inputs_of: Callable[[Node], Sequence[Value | NotKept | None]],
    names: Mapping[int, tuple[Kind, str]],
) -> tuple[Graph, list[Node]]:
    """The graph with each known constant in front of the first op that takes it, and the nodes in the same order.

    An array that is the first input of an op, and meets variables and parameters only, is the data that enters: it lies
    outside of all module calls, so that a picture of a collapsed model shows it. Others lie in the call that uses them.

    Args:
        graph: the recorded graph.
        nodes: its nodes.
        inputs_of: the inputs of a node's op; None where one is not known.
        names: kinds and names by the id of the array.
    """
    found: list[GraphNode] = []
    all_nodes: list[Node] = []
    edges: list[tuple[int, int, int]] = []
    new: dict[int, int] = {}
    arrays: dict[int, int] = {}
    parents: dict[int, list[tuple[int, int]]] = {}
    for start, end, position in graph.edges:
        parents.setdefault(end, []).append((start, position))
    for drawn, node in zip(graph.nodes, nodes, strict=True):
        taken = [(new[start], position) for start, position in parents.get(drawn.id, ())]
        for position, value in _constants(node, inputs_of(node)):
            number = arrays.get(id(value)) if isinstance(value, np.ndarray) and value.ndim else None
            if number is None:
                number = len(found)
                found.append(_drawn(number, position, value, drawn, node, names))
                like = node if isinstance(value, NotKept) else value
                all_nodes.append(Leaf(like.shape, like.dtype))
                arrays[id(value)] = number
            taken.append((number, position))
        new[drawn.id] = len(found)
        found.append(replace(drawn, id=len(found)))
        all_nodes.append(node)
        edges += [(start, new[drawn.id], position) for start, position in sorted(taken, key=lambda pair: pair[1])]
    outputs = tuple([new[i] for i in graph.outputs])
    return Graph(tuple(found), tuple(edges), graph.calls, outputs), all_nodes


def names_of_constants(model: Module | None) -> dict[int, tuple[Kind, str]]:
    """Kinds and names of a model's buffers and frozen parameters, by the id of the array."""
    if model is None:
        return {}
    frozen = {id(p._data): ("parameter", path) for path, p in model.named_parameters() if p.node is None}
    buffers = {id(buffer._data): ("constant", path) for path, buffer in model.named_buffers()}
    return {**buffers, **frozen}  # type: ignore[dict-item]  # the kinds are of the literal type


def _constants(node: Node, inputs: Sequence[Value | NotKept | None]) -> list[tuple[int, Array | NotKept]]:
    """The positions and values of the inputs that were not recorded, as far as they are known."""
    found: list[tuple[int, Array | NotKept]] = []
    for position, (parent, value) in enumerate(zip(node.parents, inputs, strict=False)):
        if parent is None and isinstance(value, NotKept):
            found.append((position, value))
        elif parent is None and isinstance(value, (np.ndarray, np.generic, int, float)):
            found.append((position, value if isinstance(value, np.ndarray) else np.asarray(value)))
    return found


def _drawn(
    number: int,
    position: int,
    value: Array | NotKept,
    user: GraphNode,
    node: Node,
    names: Mapping[int, tuple[Kind, str]],
) -> GraphNode:
    if isinstance(value, NotKept):
        return GraphNode(number, "constant", "constant", (), "", call=user.call, label="not kept")
    kind, name = names.get(id(value), ("constant", "constant" if value.ndim else f"{value.item():.4g}"))
    first = position == 0 and all(p is None or isinstance(p, Leaf) for p in node.parents)
    enters = value.ndim > 0 and first and id(value) not in names
    return GraphNode(number, kind, name, value.shape, str(value.dtype), call=None if enters else user.call)

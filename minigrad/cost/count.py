"""What each op of a recorded Graph costs, read off the `flops` facts of the ops."""

from __future__ import annotations

import inspect
import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.autograd.op import Op
from minigrad.autograd.registry import REGISTRY
from minigrad.graph import Graph, GraphNode

VIEWS = frozenset({"reshape", "permute_dims", "expand_dims", "squeeze", "broadcast_to", "diagonal", "hook", "result"})
"""Ops whose results share the memory of their inputs."""


@dataclass(frozen=True)
class Cost:
    """What one op costs.

    Attributes:
        mult_adds: multiplications that are each followed by an addition; None if a size they depend on is not known.
        forward: the bytes of its result.
        backward: the bytes of the result's gradient; 0 where nothing behind it is trained.
    """

    mult_adds: int | None
    forward: int
    backward: int


def costs(graph: Graph, trained: Collection[str] | None = None) -> dict[int, Cost]:
    """The cost of each op of a graph, by the number of its node.

    Multiply-adds are those of products: of ops with a `flops` fact. Views take no memory.

    Args:
        graph: taken with `model=`, so that its parameters are known.
        trained: the paths of the parameters that are trained; all of them unless given.
    """
    inputs: dict[int, dict[int, GraphNode]] = {}
    moving = {node.id for node in graph if node.kind == "parameter" and (trained is None or node.name in trained)}
    for start, end, position in sorted(graph.edges, key=lambda edge: edge[1]):
        inputs.setdefault(end, {})[position] = graph.nodes[start]
        if start in moving:
            moving.add(end)
    found = {}
    for node in graph:
        if node.kind == "op":
            size = 0 if node.name in VIEWS else _elements(node.shape) * np.dtype(node.dtype).itemsize
            count = _mult_adds(node, inputs.get(node.id, {}))
            found[node.id] = Cost(count, size, size if node.id in moving else 0)
    return found


def _mult_adds(node: GraphNode, inputs: dict[int, GraphNode]) -> int | None:
    """What the op's `flops` fact says for these sizes, which it asks for as `<input>_shape` and `out_shape`."""
    op = REGISTRY.get(node.name)
    if op is None or op.flops is None:
        return 0
    known = {"out_shape": node.shape, **_input_shapes(op, inputs), **node.settings}
    asked = list(inspect.signature(op.flops).parameters)
    if not all(name in known for name in asked):
        return None
    return int(op.flops(**{name: known[name] for name in asked}))


def _input_shapes(op: Op, inputs: dict[int, GraphNode]) -> dict[str, Any]:
    if op.variadic:
        complete = sorted(inputs) == list(range(len(inputs)))
        return {f"{op.inputs[0]}_shape": [inputs[k].shape for k in sorted(inputs)]} if complete else {}
    return {f"{op.inputs[k]}_shape": node.shape for k, node in inputs.items()}


def _elements(shape: Any) -> int:
    """The number of elements of a value, or of the several results of one op."""
    if shape and isinstance(shape[0], tuple):
        return sum(math.prod(one) for one in shape)
    return math.prod(shape)

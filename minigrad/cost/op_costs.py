"""The cost of each op of a recorded Graph, computed by the `flops` functions of the ops."""

from __future__ import annotations

import inspect
import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from minigrad.autograd.op import Op
from minigrad.autograd.registry import REGISTRY
from minigrad.graph import Graph, GraphNode
from minigrad.typing import Shape

VIEWS = frozenset({"reshape", "permute_dims", "expand_dims", "squeeze", "broadcast_to", "diagonal", "hook"})
"""Ops whose results share the memory of their inputs."""


@dataclass(frozen=True)
class Cost:
    """The cost of one op.

    Attributes:
        mult_adds: the number of multiplications that are each followed by an addition; None if it depends on a size
            that is not known.
        forward: the size of its result in bytes.
        backward: the size of the result's gradient in bytes; 0 where it depends on no parameter that is trained.
    """

    mult_adds: int | None
    forward: int
    backward: int


def _is_view(node: GraphNode) -> bool:
    """Whether an op only shows what others hold: a view, or one of several results, such as `svd.s`."""
    whole, _, result = node.name.rpartition(".")
    return bool({node.name, whole} & VIEWS) or (whole in REGISTRY and result in REGISTRY[whole].results)


def costs(graph: Graph, trained: Collection[str] | None = None) -> dict[int, Cost]:
    """Compute the cost of each op of a graph.

    Multiply-adds are those of products, that is of ops with a `flops` function. Views take no memory.

    Args:
        graph: a graph that was made with `Graph.of(..., model=model)`, so that its parameters are known. The inputs
            must be variables, or their sizes are not known.
        trained: the paths of the parameters that are trained; None (default) for all of them.

    Returns:
        The costs by the number of the node.

    >>> from minigrad import nn, ones
    >>> model = nn.Linear(4, 3)
    >>> graph = Graph.of(model(ones((2, 4), requires_grad=True)), model=model)
    >>> costs(graph)
    {3: Cost(mult_adds=24, forward=24, backward=24)}
    """
    inputs: dict[int, dict[int, GraphNode]] = {}
    trainable = {node.id for node in graph if node.kind == "parameter" and (trained is None or node.name in trained)}
    for start, end, position in sorted(graph.edges, key=lambda edge: edge[1]):
        inputs.setdefault(end, {})[position] = graph.nodes[start]
        if start in trainable:
            trainable.add(end)
    found = {}
    for node in graph:
        if node.kind == "op":
            elements = 0 if _is_view(node) else sum(map(math.prod, node.shapes))
            size = elements * np.dtype(node.dtype).itemsize
            count = _mult_adds(node, inputs.get(node.id, {}))
            found[node.id] = Cost(count, size, size if node.id in trainable else 0)
    return found


def _mult_adds(node: GraphNode, inputs: dict[int, GraphNode]) -> int | None:
    """The op's `flops` function at these sizes, which it takes as `<input>_shape` and `out_shape`."""
    op = REGISTRY.get(node.name)
    if op is None or op.flops is None:
        return 0
    known = {"out_shape": node.shape, **_input_shapes(op, inputs), **node.settings}
    names = list(inspect.signature(op.flops).parameters)
    if not all(name in known for name in names):
        return None
    return int(op.flops(**{name: known[name] for name in names}))


def _input_shapes(op: Op, inputs: dict[int, GraphNode]) -> dict[str, Shape | list[Shape]]:
    if op.variadic:
        complete = sorted(inputs) == list(range(len(inputs)))
        return {f"{op.inputs[0]}_shape": [inputs[k].shape for k in sorted(inputs)]} if complete else {}
    return {f"{op.inputs[k]}_shape": node.shape for k, node in inputs.items()}

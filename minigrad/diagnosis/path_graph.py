"""The calls between a tensor and a loss as a `Graph`, including those that no recorded graph contains."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from itertools import pairwise

import numpy as np

from minigrad.autograd.multiple_results import Results
from minigrad.autograd.node import Node
from minigrad.diagnosis.context import Context, NumberedSteps
from minigrad.diagnosis.dataflow import SOURCE
from minigrad.diagnosis.reason import PathStep
from minigrad.graph import Graph, GraphNode, Kind, ModuleCalls
from minigrad.typing import Value

TENSOR = 0
"""The number of the tensor in question in every such graph."""


def path_graph(context: Context, path: NumberedSteps) -> tuple[Graph, frozenset[int]]:
    """The graph of what the loss depends on and, where the tensor is not part of it, of what depends on the tensor.

    A step of the path that is no call of an op, such as `detach()`, is a node of its own, in front of what follows it.

    Returns:
        The graph, and the numbers of the path's nodes in it.
    """
    flow = context.flow
    chosen = flow.ancestors([flow.end]) if flow.end is not None and flow.end != SOURCE else set()
    if not any(link.consumer in chosen for link in flow.outgoing.get(SOURCE, ())):
        chosen |= flow.descendants(SOURCE)
    detached = _steps_between(path, chosen)
    order = sorted([*chosen, *(consumer - 0.5 for consumer in detached)])
    ids: dict[float, int] = {SOURCE: TENSOR} | {i: k + 1 for k, i in enumerate(order)}
    calls = ModuleCalls()
    ops = [
        _op_node(context, ids[i], int(i), calls)
        if i in chosen
        else _detach_node(context, ids[i], round(i + 0.5), detached[round(i + 0.5)][1], calls)
        for i in order
    ]
    users = {ops[ids[link.consumer] - 1].call for link in flow.outgoing.get(SOURCE, ()) if link.consumer in ids}
    nodes = [_tensor_node(context, users.pop() if len(users) == 1 else None), *ops]
    edges: dict[tuple[int, int, int], None] = {}
    for link in (link for i in sorted(chosen) for link in flow.incoming[i] if link.producer in ids):
        if link.consumer in detached and detached[link.consumer][0] == link.producer:
            edges[ids[link.producer], ids[link.consumer - 0.5], 0] = None
            edges[ids[link.consumer - 0.5], ids[link.consumer], link.position] = None
        else:
            edges[ids[link.producer], ids[link.consumer], link.position] = None
    outputs = (ids[flow.end],) if flow.end is not None and flow.end in ids else ()
    on_path = [ids[i] for i, _ in path if i is not None and i in ids]
    between = [ids[consumer - 0.5] for consumer in detached]
    for at in [*(ids[i] for i, step in path if step.blocked and i in ids), *between]:
        nodes[at] = replace(nodes[at], label="◄ here")
    graph = Graph(tuple(nodes), tuple(edges), tuple(calls.list), outputs)
    return graph, frozenset([TENSOR, *on_path, *between])


def _steps_between(path: NumberedSteps, chosen: Collection[int]) -> dict[int, tuple[int, PathStep]]:
    """The steps of a path that are no calls, by the call that follows, each with the number of the call before it."""
    found, before = {}, SOURCE
    for (number, step), (following, _) in pairwise(path):
        if number is None and following is not None and following in chosen:
            found[following] = (before, step)
        before = number if number is not None else before
    return found


def _detach_node(context: Context, number: int, following: int, step: PathStep, calls: ModuleCalls) -> GraphNode:
    """The node of a step that detaches a value, in the module call around the call that follows."""
    scope = context.flow.events[following].scope
    site = (step.file, step.line) if step.line else None
    call = calls.number(scope.outer if scope is not None else None)
    return GraphNode(number, "op", step.op, step.shape, "", {}, call, site, False)


def _tensor_node(context: Context, call: int | None) -> GraphNode:
    """The node of the tensor in question, in the module call that uses it."""
    tensor = context.tensor
    kind: Kind = "parameter" if id(tensor) in context.names else "variable" if tensor.node is not None else "constant"
    inside = call if kind == "parameter" else None
    recorded = tensor.node is not None
    return GraphNode(TENSOR, kind, context.name, tensor.shape, str(tensor.dtype), call=inside, recorded=recorded)


def _op_node(context: Context, number: int, i: int, calls: ModuleCalls) -> GraphNode:
    event = context.flow.events[i]
    shape, dtype = _shape_and_dtype(event.node if event.node is not None else event.out)
    site = event.site if event.site[1] else None
    call = calls.number(event.scope)
    settings = dict(event.settings)
    return GraphNode(number, "op", event.op.name, shape, dtype, settings, call, site, event.node is not None)


def _shape_and_dtype(value: Node | Results | Value) -> tuple[tuple[int, ...], str]:
    if isinstance(value, (np.ndarray, np.generic, Results, Node)):
        return value.shape, str(value.dtype)  # type: ignore[return-value]  # of several results, a tuple of shapes
    return np.shape(value), str(np.asarray(value).dtype)

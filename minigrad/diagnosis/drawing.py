"""The calls around a question as a `Graph`, also those that were not recorded and so are in no other graph."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from minigrad.autograd.multiple_results import Results
from minigrad.diagnosis.case import Case
from minigrad.diagnosis.flow import SOURCE
from minigrad.diagnosis.reason import Step
from minigrad.graph import Calls, Graph, GraphNode, Kind

TENSOR = 0
"""The number of the tensor in question in every such graph."""


def drawn(case: Case, path: Sequence[tuple[int | None, Step]]) -> tuple[Graph, frozenset[int]]:
    """What the loss depends on and, where the tensor is not among it, what the tensor leads to; the path's numbers.

    A step of the path that is no call of an op, such as `detach()`, is a node of its own, in front of what follows it.
    """
    flow = case.flow
    chosen = flow.before([flow.end]) if flow.end is not None and flow.end != SOURCE else set()
    if not any(link.user in chosen for link in flow.users.get(SOURCE, ())):
        chosen |= flow.after(SOURCE)
    lost = _between(path, chosen)
    order = sorted([*chosen, *(user - 0.5 for user in lost)])
    ids: dict[float, int] = {SOURCE: TENSOR} | {i: k + 1 for k, i in enumerate(order)}
    calls = Calls()
    ops = [
        _node(case, ids[i], int(i), calls) if i in chosen else _loss(lost[round(i + 0.5)][1], ids[i], calls, case, i)
        for i in order
    ]
    homes = {ops[ids[link.user] - 1].call for link in flow.users.get(SOURCE, ()) if link.user in ids}
    nodes = [_source(case, homes.pop() if len(homes) == 1 else None), *ops]
    edges: dict[tuple[int, int, int], None] = {}
    for link in (link for i in sorted(chosen) for link in flow.makers[i] if link.maker in ids):
        if link.user in lost and lost[link.user][0] == link.maker:
            edges[ids[link.maker], ids[link.user - 0.5], 0] = None
            edges[ids[link.user - 0.5], ids[link.user], link.position] = None
        else:
            edges[ids[link.maker], ids[link.user], link.position] = None
    outputs = (ids[flow.end],) if flow.end is not None and flow.end in ids else ()
    passed = [i for i, _ in path if i is not None and i in ids]
    mark = frozenset([TENSOR, *(ids[i] for i in passed), *(ids[user - 0.5] for user in lost)])
    for at in [*(ids[i] for i, step in path if step.blocked and i in ids), *(ids[user - 0.5] for user in lost)]:
        nodes[at] = replace(nodes[at], label="◄ here")
    return Graph(tuple(nodes), tuple(edges), tuple(calls.list), outputs), mark


def _between(path: Sequence[tuple[int | None, Step]], chosen: Collection[int]) -> dict[int, tuple[int, Step]]:
    """By the call that follows it, each step of a path that is no call itself, with the call before it."""
    found, before = {}, SOURCE
    for (number, step), (following, _) in pairwise(path):
        if number is None and following is not None and following in chosen:
            found[following] = (before, step)
        before = number if number is not None else before
    return found


def _loss(step: Step, number: int, calls: Calls, case: Case, place: float) -> GraphNode:
    """A step that takes a value off the record, in the module call of what follows it."""
    following = case.flow.events[round(place + 0.5)]
    site = (step.file, step.line) if step.line else None
    call = calls.number(following.scope.outer if following.scope is not None else None)
    return GraphNode(number, "op", step.op, step.shape, "", {}, call, site, False)


def _source(case: Case, call: int | None) -> GraphNode:
    """The tensor in question, in the module call that uses it."""
    tensor = case.tensor
    kind: Kind = "parameter" if id(tensor) in case.names else "variable" if tensor.node is not None else "constant"
    home = call if kind == "parameter" else None
    recorded = tensor.node is not None
    return GraphNode(TENSOR, kind, case.name, tensor.shape, str(tensor.dtype), call=home, recorded=recorded)


def _node(case: Case, number: int, i: int, calls: Calls) -> GraphNode:
    event = case.flow.events[i]
    shape, dtype = _form(event.node if event.node is not None else event.out)
    site = event.site if event.site[1] else None
    call = calls.number(event.scope)
    settings = dict(event.settings)
    return GraphNode(number, "op", event.op.name, shape, dtype, settings, call, site, event.node is not None)


def _form(value: Any) -> tuple[Any, str]:
    """Shape and dtype of what came out of a call."""
    if isinstance(value, (np.ndarray, np.generic, Results)) or hasattr(value, "order"):
        return value.shape, str(value.dtype)
    return np.shape(value), str(np.asarray(value).dtype)

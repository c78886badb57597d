"""The calls around a question as a `Graph`, also those that were not recorded and so are in no other graph."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.graph import Calls, Graph, GraphNode, Kind
from minigrad.result import Results
from minigrad.why.case import Case
from minigrad.why.flow import SOURCE

TENSOR = 0
"""The number of the tensor in question in every such graph."""


def drawn(case: Case, path: Iterable[int | None]) -> tuple[Graph, frozenset[int]]:
    """What the loss depends on and, where the tensor is not among it, what the tensor leads to; the path's numbers."""
    flow = case.flow
    chosen = flow.before([flow.end]) if flow.end is not None and flow.end != SOURCE else set()
    if not any(link.user in chosen for link in flow.users.get(SOURCE, ())):
        chosen |= flow.after(SOURCE)
    ids = {SOURCE: TENSOR} | {i: k + 1 for k, i in enumerate(sorted(chosen))}
    calls = Calls()
    ops = [_node(case, ids[i], i, calls) for i in sorted(chosen)]
    homes = {ops[ids[link.user] - 1].call for link in flow.users.get(SOURCE, ()) if link.user in ids}
    nodes = [_source(case, homes.pop() if len(homes) == 1 else None), *ops]
    links = [link for i in sorted(chosen) for link in flow.makers[i] if link.maker in ids]
    edges = dict.fromkeys([(ids[link.maker], ids[link.user], link.position) for link in links])
    outputs = (ids[flow.end],) if flow.end is not None and flow.end in ids else ()
    mark = frozenset([TENSOR, *(ids[i] for i in path if i is not None and i in ids)])
    return Graph(tuple(nodes), tuple(edges), tuple(calls.list), outputs), mark


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

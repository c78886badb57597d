"""The backward pass as a graph: what `create_graph=True` records, told by the rule that each op of it belongs to."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from minigrad.autograd.backward import pull_back
from minigrad.autograd.node import Leaf, Node, next_id, override_state
from minigrad.autograd.tensor import Tensor, record, wrap
from minigrad.autograd.trace import trace
from minigrad.graph import Graph, GraphNode, ModuleCall, nodes_behind
from minigrad.viz.record import Record


def backward_of(forward: Record, *, both: bool) -> Record:
    """The record of a backward pass from cotangents g of all outputs.

    Each op of it stands in the frame of the rule that called it, and all rules stand in one frame.

    Args:
        forward: the pass that is pulled back.
        both: keep the forward pass in the picture; else only those of its values that rules use, as variables.
    """
    start, owners = next_id(), _Owners()
    seeds = {output.node: _variable(output) for output in forward.outputs if output.node is not None}
    newest = sorted(forward.nodes, key=lambda node: node.order, reverse=True)
    with override_state(recorder=record), trace() as seen, override_state(gradient_watcher=owners.watch):
        reached = pull_back(seeds, newest, record=True, keep=True)
    gradients = {i: reached[node] for i, node in enumerate(forward.nodes) if isinstance(node, Leaf) and node in reached}
    outputs = [*gradients.values(), *(forward.outputs if both else ())]
    whole = nodes_behind(*outputs)
    used = {parent for node in whole if node.order > start for parent in node.parents}
    kept = [node for node in whole if both or node.order > start or node in used]
    telling = _Telling(forward, start, owners, both)
    graph = telling.graph(kept, [x.node for x in outputs], gradients, list(seeds.values()))
    for event in forward.trace.events if forward.trace is not None else ():
        seen.add(event)
    return Record(outputs, kept, graph, known=[*forward.known, *seeds.values()], trace=seen)


def _variable(output: Tensor) -> Tensor:
    """A cotangent of ones that is itself a variable, so that all that is made of it is recorded."""
    return wrap(np.ones(output.shape, output.dtype), Leaf(output.shape, output.dtype))


class _Owners:
    """Whose rule made a node: rules run one after the other, so the clock tells."""

    def __init__(self) -> None:
        self.ends: list[int] = []
        self.nodes: list[Node] = []

    def watch(self, node: Node, position: int, cotangent: Any) -> None:
        """The rule of a node for one of its inputs has run."""
        self.ends.append(next_id())
        self.nodes.append(node)

    def of(self, order: int) -> Node | None:
        """Whose rule ran at a time; None after the last one: there, cotangents are added up."""
        k = bisect_left(self.ends, order)
        return self.nodes[k] if k < len(self.ends) else None


class _Telling:
    """Tells nodes of both passes as plain data."""

    def __init__(self, forward: Record, start: int, owners: _Owners, both: bool) -> None:
        self.forward, self.start, self.owners, self.both = forward, start, owners, both
        self.numbers = {node: i for i, node in enumerate(forward.nodes)}
        self.calls: list[ModuleCall] = []
        self.rules: dict[Node, int] = {}

    def graph(
        self, kept: Sequence[Node], roots: Sequence[Node | None], gradients: dict[int, Tensor], seeds: list[Tensor]
    ) -> Graph:
        """The Graph of the nodes that are kept."""
        ids = {node: i for i, node in enumerate(kept)}
        self.calls = list(self.forward.graph.calls) if self.both else []
        self.around = len(self.calls)
        self.calls.append(ModuleCall(self.around, "backward", "", "backward", None))
        named = {x.node: "g" if len(seeds) == 1 else f"g of output {k}" for k, x in enumerate(seeds)}
        for i, gradient in gradients.items():
            wanted = f"gradient of {self.forward.graph.nodes[i].name}"
            named[gradient.node] = wanted if gradient.node not in named else f"{named[gradient.node]}, {wanted}"
        nodes = tuple(self._node(i, node, named.get(node, "")) for node, i in ids.items())
        edges = tuple(
            (ids[parent], i, position)
            for node, i in ids.items()
            for position, parent in enumerate(node.parents)
            if parent in ids and (self.both or node.order > self.start)
        )
        return Graph(nodes, edges, tuple(self.calls), tuple(ids[root] for root in roots if root is not None))

    def _node(self, i: int, node: Node, name: str) -> GraphNode:
        if node.order <= self.start:
            told = self.forward.graph.nodes[self.numbers[node]]
            if self.both or told.kind != "op":
                return replace(told, id=i, call=told.call if self.both else None)
            path = "" if told.call is None else self.forward.graph.calls[told.call].path
            return GraphNode(i, "variable", f"{told.name} of {path}" if path else told.name, told.shape, told.dtype)
        if node.op is None:
            return GraphNode(i, "variable", name, node.shape, str(node.dtype))
        call = self._rule(self.owners.of(node.order))
        return GraphNode(i, "op", node.op.name, node.shape, str(node.dtype), dict(node.settings), call, label=name)

    def _rule(self, owner: Node | None) -> int:
        """The number of the frame for the rules of a forward op."""
        if owner is None:
            return self.around
        if owner not in self.rules:
            told = self.forward.graph.nodes[self.numbers[owner]] if owner in self.numbers else None
            path = "" if told is None or told.call is None else self.forward.graph.calls[told.call].path
            self.rules[owner] = len(self.calls)
            name = f"rule of {owner.op}" + (f" ({path})" if path else "")
            self.calls.append(ModuleCall(len(self.calls), name, "", f"backward.{name}", self.around))
        return self.rules[owner]

"""The backward pass as a graph: the ops that `create_graph=True` records, grouped by the rule that called them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from minigrad.autograd.backward import pull_back
from minigrad.autograd.node import Leaf, Node, next_id, override_state
from minigrad.autograd.tensor import Tensor, record, wrap
from minigrad.autograd.trace import trace
from minigrad.graph import Graph, GraphNode, ModuleCall, nodes_behind
from minigrad.typing import Value
from minigrad.viz.computation import Computation, known_inputs
from minigrad.viz.constants import NotKept, with_constants


def backward_graph(forward: Computation, *, both: bool) -> Computation:
    """The computation of a backward pass from a cotangent g of each output.

    The ops of one rule lie in a frame of their own, as those of a module call do, and all rules in one frame around.

    Args:
        forward: the forward pass.
        both: keep the forward pass in the graph; else only those of its values that rules use, as variables.

    Returns:
        The computation, whose outputs are the gradients of the variables.
    """
    start, callers = next_id(), _RuleCallers()
    seeds = {output.node: _cotangent(output) for output in forward.outputs if output.node is not None}
    newest = sorted(forward.nodes, key=lambda node: node.order, reverse=True)
    with override_state(recorder=record), trace() as seen, override_state(gradient_watcher=callers.watch):
        reached = pull_back(seeds, newest, record=True, keep=True)
    gradients = {i: reached[node] for i, node in enumerate(forward.nodes) if isinstance(node, Leaf) and node in reached}
    outputs = [*gradients.values(), *(forward.outputs if both else ())]
    nodes = nodes_behind(*outputs)
    used = {parent for node in nodes if node.order > start for parent in node.parents}
    kept = [node for node in nodes if both or node.order > start or node in used]
    names = _names(forward, list(seeds.values()), gradients)
    graph = _GraphBuilder(forward, start, callers, names, both).graph(kept, [x.node for x in outputs])
    for event in forward.trace.events if forward.trace is not None else ():
        seen.add(event)

    def inputs_of(node: Node) -> Sequence[Value | NotKept | None]:
        return known_inputs(seen, node) if both or node.order > start else ()

    graph, kept = with_constants(graph, kept, inputs_of, forward.constants)
    return Computation(outputs, kept, graph, known=[*forward.known, *seeds.values()], trace=seen)


def _cotangent(output: Tensor) -> Tensor:
    """A cotangent of ones that is a variable, so that everything computed from it is recorded."""
    return wrap(np.ones(output.shape, output.dtype), Leaf(output.shape, output.dtype))


def _names(forward: Computation, seeds: list[Tensor], gradients: Mapping[int, Tensor]) -> dict[Node | None, str]:
    """The names of the cotangents of the outputs, and of the gradients by the number of their variable."""
    names = {x.node: "g" if len(seeds) == 1 else f"g of output {k}" for k, x in enumerate(seeds)}
    for i, gradient in gradients.items():
        name = f"gradient of {forward.graph.nodes[i].name}"
        names[gradient.node] = name if gradient.node not in names else f"{names[gradient.node]}, {name}"
    return names


class _RuleCallers:
    """Finds the op whose rule made a node: rules run one after the other, so the node's order tells."""

    def __init__(self) -> None:
        self.ends: list[int] = []
        self.nodes: list[Node] = []

    def watch(self, node: Node, position: int, cotangent: Value) -> None:
        """Note that the rule of a node for one of its inputs has ended."""
        self.ends.append(next_id())
        self.nodes.append(node)

    def of(self, order: int) -> Node | None:
        """The node whose rule ran at a time; None after the last one, where cotangents are added up."""
        k = bisect_left(self.ends, order)
        return self.nodes[k] if k < len(self.ends) else None


class _GraphBuilder:
    """Makes the Graph of both passes.

    Attributes:
        forward: the forward pass.
        start: the order after which the nodes of the backward pass begin.
        callers: which rule made which node.
        names: the names of cotangents and gradients.
        both: whether the forward pass is kept.
    """

    def __init__(
        self, forward: Computation, start: int, callers: _RuleCallers, names: Mapping[Node | None, str], both: bool
    ) -> None:
        self.forward, self.start, self.callers, self.names, self.both = forward, start, callers, names, both
        self.numbers = {node: i for i, node in enumerate(forward.nodes)}
        self.calls = list(forward.graph.calls) if both else []
        self.frame = len(self.calls)
        self.calls.append(ModuleCall(self.frame, "backward", "", "backward", None))
        self.rule_frames: dict[Node, int] = {}

    def graph(self, kept: Sequence[Node], outputs: Sequence[Node | None]) -> Graph:
        """The Graph of the nodes that are kept."""
        ids = {node: i for i, node in enumerate(kept)}
        nodes = tuple(self._node(i, node) for node, i in ids.items())
        edges = tuple(
            (ids[parent], i, position)
            for node, i in ids.items()
            for position, parent in enumerate(node.parents)
            if parent in ids and (self.both or node.order > self.start)
        )
        return Graph(nodes, edges, tuple(self.calls), tuple(ids[output] for output in outputs if output is not None))

    def _node(self, i: int, node: Node) -> GraphNode:
        if node.order <= self.start:
            return self._forward_node(i, self.forward.graph.nodes[self.numbers[node]])
        name = self.names.get(node, "")
        if node.op is None:
            return GraphNode(i, "variable", name, node.shape, str(node.dtype))
        call = self._rule_frame(self.callers.of(node.order))
        return GraphNode(i, "op", node.op.name, node.shape, str(node.dtype), dict(node.settings), call, label=name)

    def _forward_node(self, i: int, node: GraphNode) -> GraphNode:
        if self.both or node.kind != "op":
            return replace(node, id=i, call=node.call if self.both else None)
        path = self._path(node)
        return GraphNode(i, "variable", f"{node.name} of {path}" if path else node.name, node.shape, node.dtype)

    def _path(self, node: GraphNode) -> str:
        return "" if node.call is None else self.forward.graph.calls[node.call].path

    def _rule_frame(self, caller: Node | None) -> int:
        """The number of the frame for the rules of a forward op."""
        if caller is None:
            return self.frame
        if caller not in self.rule_frames:
            path = self._path(self.forward.graph.nodes[self.numbers[caller]]) if caller in self.numbers else ""
            self.rule_frames[caller] = len(self.calls)
            name = f"rule of {caller.op}" + (f" ({path})" if path else "")
            self.calls.append(ModuleCall(len(self.calls), name, "", f"backward.{name}", self.frame))
        return self.rule_frames[caller]

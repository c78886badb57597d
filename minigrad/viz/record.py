"""A recorded computation with what can be measured of it: values, cotangents, times, memory.

It holds the recorded Tensors, so all can still be asked for; a `Graph` holds none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from time import perf_counter
from typing import Any

import numpy as np

from minigrad.autograd.backward import pull_back
from minigrad.autograd.node import Leaf, Node, override_state
from minigrad.autograd.tensor import Tensor
from minigrad.autograd.trace import Event, Trace
from minigrad.errors import GraphError
from minigrad.graph import Graph, nodes_behind
from minigrad.nn import Module
from minigrad.typing import Array
from minigrad.viz.statistics import Statistics, statistics


class Record:
    """What was recorded behind some outputs.

    Args:
        outputs: the recorded Tensors.
        nodes: the nodes of the graph, by their numbers.
        graph: what is told of them.
        known: Tensors whose values are at hand.
        trace: what was seen while they were recorded, if anybody looked.
        again: runs the same once more, and gives the trace of that.
    """

    def __init__(
        self,
        outputs: Sequence[Tensor],
        nodes: Sequence[Node],
        graph: Graph,
        *,
        known: Iterable[Tensor] = (),
        trace: Trace | None = None,
        again: Callable[[], Trace] | None = None,
    ) -> None:
        self.outputs, self.nodes, self.graph, self.trace, self.again = tuple(outputs), nodes, graph, trace, again
        self.known = (*self.outputs, *known)

    @classmethod
    def of(
        cls,
        *outputs: Tensor,
        model: Module | None = None,
        names: Mapping[str, Tensor] | None = None,
        trace: Trace | None = None,
        again: Callable[[], Trace] | None = None,
    ) -> Record:
        """What was recorded behind the outputs; a model names its parameters, and `names` other variables.

        Raises:
            GraphError: an output was not recorded, or its graph has been freed.
        """
        graph = Graph.of(*outputs, model=model, names=names)
        known = [*(names or {}).values(), *(model.parameters() if model is not None else ())]
        return cls(outputs, nodes_behind(*outputs), graph, known=known, trace=trace, again=again)

    def event(self, node: Node) -> Event | None:
        """The call that recorded a node, if it was traced."""
        return self.trace.of.get(node) if self.trace is not None else None

    @cached_property
    def values(self) -> dict[Node, Array]:
        """The values, as far as the trace, or else the graph for its backward pass, has kept them."""
        values = {x.node: x._data for x in self.known if x.node is not None}
        for node in self.nodes:
            event = self.event(node)
            if event is not None and hasattr(event.out, "dtype") and hasattr(event.out, "ndim"):
                values.setdefault(node, event.out)
            given = event.inputs if event is not None else kept_inputs(node)
            for parent, value in zip(node.parents, given, strict=False):
                if parent is not None and isinstance(value, (np.ndarray, np.generic)):
                    values.setdefault(parent, np.asarray(value))
            if node.plan is not None and node.saved and "out" in node.plan.saved_names:
                values.setdefault(node, np.asarray(node.saved[node.plan.saved_names.index("out")]))
        return {node: values[node] for node in self.nodes if node in values}

    @cached_property
    def value_facts(self) -> dict[Node, Statistics]:
        """The statistics of the values that are known and have elements."""
        return _facts(self.values)

    @cached_property
    def gradient_facts(self) -> dict[Node, Statistics]:
        """The same of the cotangents."""
        return _facts(self.backward.cotangents)

    @cached_property
    def forward_seconds(self) -> dict[Node, float]:
        """How long each op took, in a second run where there can be one: in the first, kernels may be compiled."""
        if self.trace is None:
            return {}
        if self.again is not None:
            second = self.again().of.values()
            if [event.op for event in second] == [event.op for event in self.trace.of.values()]:
                return {node: event.seconds for node, event in zip(self.trace.of, second, strict=True)}
        return {node: event.seconds for node, event in self.trace.of.items()}

    @cached_property
    def backward(self) -> Backward:
        """What a backward pass brings, from cotangents of ones: the derivatives of the sum of all outputs."""
        return Backward(self)

    @cached_property
    def backward_seconds(self) -> dict[Node, float]:
        """How long the rules of each op took, in a second backward pass: in the first, kernels may be compiled."""
        return Backward(self).seconds if self.backward.cotangents else {}

    @cached_property
    def kept(self) -> dict[Node, int]:
        """The bytes that each op keeps for its backward pass: parameters, inputs and what others keep not counted."""
        seen = {id(_memory(value)) for node, value in self.values.items() if isinstance(node, Leaf)}
        kept = {}
        for node in self.nodes:
            kept[node] = 0
            for array in _arrays(node.saved):
                memory = _memory(array)
                if id(memory) not in seen:
                    seen.add(id(memory))
                    kept[node] += memory.nbytes
        return kept


class Backward:
    """One backward pass, looked at.

    Attributes:
        cotangents: of each node that was reached.
        steps: at which step each was complete, 0 for the newest.
        seconds: how long the rules of each op took.
    """

    def __init__(self, record: Record) -> None:
        self.seconds: dict[Node, float] = {}
        last = perf_counter()

        def watch(node: Node, position: int, cotangent: Any) -> None:
            nonlocal last
            now = perf_counter()
            self.seconds[node] = self.seconds.get(node, 0.0) + now - last
            last = now

        seeds: dict[Node, Any] = {}
        for output in record.outputs:
            assert output.node is not None
            ones = np.ones(output.shape, output.dtype)
            seeds[output.node] = seeds[output.node] + ones if output.node in seeds else ones
        _require_graph(record)
        newest = sorted(record.nodes, key=lambda node: node.order, reverse=True)
        with override_state(recorder=None, watcher=None, gradient_watcher=watch), np.errstate(all="ignore"):
            reached = pull_back(seeds, newest, frozenset(newest), keep=True)
        self.cotangents: dict[Node, Array] = {n: g for n, g in reached.items() if isinstance(g, np.ndarray)}
        self.steps = {node: step for step, node in enumerate(_arrivals([node for node in newest if node in reached]))}


def _arrivals(newest: list[Node]) -> list[Node]:
    """The order in which cotangents are complete: each variable's right behind the last op that adds to it."""
    last = {parent: node for node in newest for parent in node.parents if parent is not None}
    complete: dict[Node, list[Node]] = {}
    for node in newest:
        if node.op is None and node in last:
            complete.setdefault(last[node], []).append(node)
    ops = [node for node in newest if node.op is not None or node not in last]
    return [node for op in ops for node in (op, *complete.get(op, ()))]


def _require_graph(record: Record) -> None:
    if any(node.saved is None for node in record.nodes):
        raise GraphError(
            "this graph has been freed by a backward pass since it was drawn: save the picture before, "
            "or pass retain_graph=True"
        )


def _facts(arrays: Mapping[Node, Array]) -> dict[Node, Statistics]:
    found = {node: statistics(array) for node, array in arrays.items()}
    return {node: facts for node, facts in found.items() if facts is not None}


def kept_inputs(node: Node) -> tuple[Any, ...]:
    """The inputs of an op as far as its rules ask for them; None for the others."""
    if node.plan is None or node.saved is None:
        return ()
    kept = dict(zip(getattr(node.plan, "saved_names", ()), node.saved, strict=False))
    if node.plan.op.variadic:
        return tuple(kept.get(node.plan.op.inputs[0]) or ())
    return tuple([kept.get(name) for name in node.plan.op.inputs])


def _arrays(saved: Any) -> Iterator[Array]:
    for value in saved or ():
        if isinstance(value, np.ndarray):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from _arrays(value)


def _memory(array: Array) -> Array:
    """The array that owns what a view shows."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array

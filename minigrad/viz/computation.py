"""`Computation`: a recorded computation with its values, gradients, times and memory.

It holds the recorded Tensors, so that everything can still be measured; a `Graph` holds none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from time import perf_counter
from types import MappingProxyType

import numpy as np

from minigrad.autograd.backward import pull_back
from minigrad.autograd.node import Leaf, Node, override_state
from minigrad.autograd.tensor import Tensor
from minigrad.autograd.trace import Event, Trace
from minigrad.errors import GraphError
from minigrad.graph import Graph, Kind, nodes_behind
from minigrad.nn import Module
from minigrad.typing import Array, Value
from minigrad.viz.array_statistics import ArrayStatistics, array_statistics
from minigrad.viz.constants import NotKept, names_of_constants, with_constants


class Computation:
    """All that was recorded to compute some outputs.

    Args:
        outputs: the recorded Tensors.
        nodes: the recorded nodes; number i of these is node number i of the graph.
        graph: the same as plain data.
        known: other Tensors whose values are known.
        trace: the trace of the run, if there was one.
        rerun: a function that runs the same once more, and returns its trace.
        constants: kinds and names of constants, by the id of the array.
    """

    def __init__(
        self,
        outputs: Sequence[Tensor],
        nodes: Sequence[Node],
        graph: Graph,
        *,
        known: Iterable[Tensor] = (),
        trace: Trace | None = None,
        rerun: Callable[[], Trace] | None = None,
        constants: Mapping[int, tuple[Kind, str]] = MappingProxyType({}),
    ) -> None:
        self.constants = constants
        self.outputs, self.nodes, self.graph, self.trace, self.rerun = tuple(outputs), nodes, graph, trace, rerun
        self.known = (*self.outputs, *known)

    @classmethod
    def of(
        cls,
        *outputs: Tensor,
        model: Module | None = None,
        names: Mapping[str, Tensor] | None = None,
        trace: Trace | None = None,
        rerun: Callable[[], Trace] | None = None,
    ) -> Computation:
        """The computation of recorded outputs, with the constants that are known of it.

        A model names its parameters, and `names` other variables.

        Raises:
            GraphError: an output was not recorded, or its graph has been freed.
        """
        graph = Graph.of(*outputs, model=model, names=names)
        known = [*(names or {}).values(), *(model.parameters() if model is not None else ())]
        constants = names_of_constants(model)
        graph, nodes = with_constants(graph, nodes_behind(*outputs), partial(known_inputs, trace), constants)
        return cls(outputs, nodes, graph, known=known, trace=trace, rerun=rerun, constants=constants)

    def event(self, node: Node) -> Event | None:
        """The call that recorded a node, if it was traced."""
        return self.trace.of.get(node) if self.trace is not None else None

    @cached_property
    def values(self) -> dict[Node, Array]:
        """The values that the trace has kept, or else the graph for its backward pass."""
        values = {x.node: x._data for x in self.known if x.node is not None}
        for node in self.nodes:
            event = self.event(node)
            if event is not None and hasattr(event.out, "dtype") and hasattr(event.out, "ndim"):
                values.setdefault(node, event.out)
            inputs = event.inputs if event is not None else saved_inputs(node)
            for parent, value in zip(node.parents, inputs, strict=False):
                if parent is not None and isinstance(value, (np.ndarray, np.generic)):
                    values.setdefault(parent, np.asarray(value))
            if node.plan is not None and node.saved and "out" in node.plan.saved_names:
                values.setdefault(node, np.asarray(node.saved[node.plan.saved_names.index("out")]))
        return {node: values[node] for node in self.nodes if node in values}

    @cached_property
    def value_statistics(self) -> dict[Node, ArrayStatistics]:
        """The statistics of the known values that have elements."""
        return _statistics(self.values)

    @cached_property
    def gradient_statistics(self) -> dict[Node, ArrayStatistics]:
        """The statistics of the cotangents that have elements."""
        return _statistics(self.backward.cotangents)

    @cached_property
    def forward_seconds(self) -> dict[Node, float]:
        """The time of each op, in a second run if there can be one: in the first one, kernels may be compiled."""
        if self.trace is None:
            return {}
        if self.rerun is not None:
            second = self.rerun().of.values()
            if [event.op for event in second] == [event.op for event in self.trace.of.values()]:
                return {node: event.seconds for node, event in zip(self.trace.of, second, strict=True)}
        return {node: event.seconds for node, event in self.trace.of.items()}

    @cached_property
    def backward(self) -> MeasuredBackward:
        """A backward pass from cotangents of ones: the gradients of the sum of all outputs."""
        return MeasuredBackward(self)

    @cached_property
    def backward_seconds(self) -> dict[Node, float]:
        """The time of the rules of each op, in a second backward pass: in the first one, kernels may be compiled."""
        return MeasuredBackward(self).seconds if self.backward.cotangents else {}

    @cached_property
    def kept_bytes(self) -> dict[Node, int]:
        """The bytes that each op keeps for its backward pass, without parameters, inputs and what others keep."""
        seen = {id(_owner(value)) for node, value in self.values.items() if isinstance(node, Leaf)}
        kept = {}
        for node in self.nodes:
            kept[node] = 0
            for array in _arrays(node.saved):
                memory = _owner(array)
                if id(memory) not in seen:
                    seen.add(id(memory))
                    kept[node] += memory.nbytes
        return kept


class MeasuredBackward:
    """One backward pass with the cotangent of every node and the time of every op.

    Attributes:
        cotangents: the cotangent of each node that was reached.
        steps: the step, counted from 0, at which the cotangent of a node was complete.
        seconds: the time of the rules of each op.
    """

    def __init__(self, computation: Computation) -> None:
        self.seconds: dict[Node, float] = {}
        last = perf_counter()

        def watch(node: Node, position: int, cotangent: Value) -> None:
            nonlocal last
            now = perf_counter()
            self.seconds[node] = self.seconds.get(node, 0.0) + now - last
            last = now

        seeds: dict[Node, Array] = {}
        for output in computation.outputs:
            assert output.node is not None
            ones = np.ones(output.shape, output.dtype)
            seeds[output.node] = seeds[output.node] + ones if output.node in seeds else ones
        _require_graph(computation)
        newest = sorted(computation.nodes, key=lambda node: node.order, reverse=True)
        with override_state(recorder=None, watcher=None, gradient_watcher=watch), np.errstate(all="ignore"):
            reached = pull_back(seeds, newest, frozenset(newest), keep=True)
        self.cotangents: dict[Node, Array] = {n: g for n, g in reached.items() if isinstance(g, np.ndarray)}
        order = _completion_order([node for node in newest if node in reached])
        self.steps = {node: step for step, node in enumerate(order)}


def _completion_order(newest: list[Node]) -> list[Node]:
    """The order in which cotangents are complete: a variable's comes right after the last op that adds to it."""
    last = {parent: node for node in newest for parent in node.parents if parent is not None}
    complete: dict[Node, list[Node]] = {}
    for node in newest:
        if node.op is None and node in last:
            complete.setdefault(last[node], []).append(node)
    ops = [node for node in newest if node.op is not None or node not in last]
    return [node for op in ops for node in (op, *complete.get(op, ()))]


def _require_graph(computation: Computation) -> None:
    if any(node.saved is None for node in computation.nodes):
        raise GraphError(
            "this graph has been freed by a backward pass since it was drawn: save the picture before, "
            "or pass retain_graph=True"
        )


def _statistics(arrays: Mapping[Node, Array]) -> dict[Node, ArrayStatistics]:
    found = {node: array_statistics(array) for node, array in arrays.items()}
    return {node: statistics for node, statistics in found.items() if statistics is not None}


def known_inputs(trace: Trace | None, node: Node) -> Sequence[Value | NotKept | None]:
    """The inputs of an op that its call in a trace had, or else those that its rules ask for; None for the others."""
    event = trace.of.get(node) if trace is not None else None
    if event is not None:
        return event.inputs
    inputs = saved_inputs(node)
    if node.plan is None or not (node.plan.op.elementwise or node.plan.op.variadic):
        return inputs
    return [NotKept() if value is None else value for value in inputs or [None] * len(node.parents)]


def saved_inputs(node: Node) -> tuple[Value | None, ...]:
    """The inputs of an op that its rules ask for; None for the others."""
    if node.plan is None or node.saved is None:
        return ()
    saved = dict(zip(getattr(node.plan, "saved_names", ()), node.saved, strict=False))
    if node.plan.op.variadic:
        return tuple(saved.get(node.plan.op.inputs[0]) or ())
    return tuple([saved.get(name) for name in node.plan.op.inputs])


def _arrays(saved: object) -> Iterator[Array]:
    """The arrays in nested tuples and lists."""
    if isinstance(saved, np.ndarray):
        yield saved
    elif isinstance(saved, (tuple, list)):
        for part in saved:
            yield from _arrays(part)


def _owner(array: Array) -> Array:
    """The array that owns the memory of a view."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array

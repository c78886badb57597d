"""`Graph`: what was recorded, as plain data, for all that draws, counts or exports it.

    Tensor -> Node -> Graph -> pictures, costs, exports

A Graph is a snapshot: it holds no arrays, and does not change when the Tensors do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, cast

from minigrad.autograd.backward import toposort
from minigrad.autograd.node import Leaf, Node, Scope
from minigrad.autograd.tensor import Tensor
from minigrad.errors import GraphError, UsageError
from minigrad.typing import Shape

if TYPE_CHECKING:
    from minigrad.nn import Module

Kind = Literal["variable", "parameter", "constant", "op"]


@dataclass(frozen=True)
class GraphNode:
    """One value of a computation.

    Attributes:
        id: its number in the graph; the inputs of an op have smaller ones.
        kind: "op" for an op's result, "parameter" for a model's, "variable" for another, or "constant".
        name: the op's name, the parameter's path, or "variable".
        shape: the shape of the value; of an op with several results, a tuple of their shapes.
        dtype: its dtype.
        settings: the op's settings by name.
        call: the number of the module call inside of which it was made, or None. A parameter belongs to the innermost
            call that contains all of its uses.
        site: file and line of the op's call, where these were noted (by `trace()` or `anomaly()`).
        recorded: whether gradients can flow through it.
        label: a note that pictures show beside the name.
    """

    id: int
    kind: Kind
    name: str
    shape: Shape
    dtype: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    call: int | None = None
    site: tuple[str, int] | None = None
    recorded: bool = True
    label: str = ""

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shapes of the op's results, or of the only value."""
        several = bool(self.shape) and isinstance(self.shape[0], tuple)
        return cast("tuple[Shape, ...]", self.shape if several else (self.shape,))


@dataclass(frozen=True)
class ModuleCall:
    """One call of a module.

    Attributes:
        id: its number in the graph.
        name: the module's attribute name.
        kind: the name of the module's class.
        path: the module's attribute path from the outermost module.
        outer: the number of the call around it, or None.
    """

    id: int
    name: str
    kind: str
    path: str
    outer: int | None


@dataclass(frozen=True)
class Graph:
    """Nodes, the edges between them, and the module calls that they were made in. Iterating gives the nodes.

    Attributes:
        nodes: the values, oldest first: node number i is `nodes[i]`.
        edges: triples (from, to, position): node `from` is input number `position` of node `to`.
        calls: the module calls, outer ones first: call number i is `calls[i]`.
        outputs: the numbers of the nodes that the graph was taken from.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> graph = Graph.of((x * x).sum(), names={"x": x})
    >>> [node.name for node in graph], graph.edges
    (['x', 'multiply', 'sum'], ((0, 1, 0), (0, 1, 1), (1, 2, 0)))
    """

    nodes: tuple[GraphNode, ...]
    edges: tuple[tuple[int, int, int], ...]
    calls: tuple[ModuleCall, ...]
    outputs: tuple[int, ...]

    @classmethod
    def of(cls, *outputs: Tensor, model: Module | None = None, names: Mapping[str, Tensor] | None = None) -> Graph:
        """Make the graph of all that was recorded to compute the outputs.

        Args:
            *outputs: recorded Tensors, before a backward pass has freed their graph.
            model: the module whose paths name its parameters (default: none, and they are called "variable").
            names: other variables by name; None (default) calls them "variable".

        Returns:
            The graph.

        Raises:
            GraphError: an output was not recorded, or its graph has been freed.
            UsageError: a name stands for something that is no Tensor.
        """
        ids = {node: i for i, node in enumerate(nodes_behind(*outputs))}
        labels = _names(model, names or {})
        calls = ModuleCalls()
        nodes = [_graph_node(i, node, labels, calls.number(node.scope)) for node, i in ids.items()]
        edges = [
            (ids[parent], i, position)
            for node, i in ids.items()
            for position, parent in enumerate(node.parents)
            if parent is not None
        ]
        _place_parameters(nodes, edges, calls.list)
        return cls(tuple(nodes), tuple(edges), tuple(calls.list), tuple(ids[_recorded(output)] for output in outputs))

    def enclosing(self, call: int | None) -> list[int]:
        """The numbers of a module call and of those around it, the innermost first.

        Args:
            call: the number of the call; None for outside of all, around which there are none.
        """
        found = []
        while call is not None:
            found.append(call)
            call = self.calls[call].outer
        return found

    def members(self) -> list[list[int]]:
        """For each call the numbers of its nodes, those of inner calls included."""
        found: list[list[int]] = [[] for _ in self.calls]
        for node in self.nodes:
            for call in self.enclosing(node.call):
                found[call].append(node.id)
        return found

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[GraphNode]:
        return iter(self.nodes)


def nodes_behind(*outputs: Tensor) -> list[Node]:
    """The recorded nodes that the outputs depend on, oldest first; number i of these is number i of their Graph.

    Raises:
        GraphError: an output was not recorded, or its graph has been freed.
    """
    return toposort([_recorded(output) for output in outputs])[::-1]


def _recorded(output: Tensor) -> Node:
    if output.node is None:
        raise GraphError(
            "there is no graph behind this Tensor: nothing in it requires gradients. "
            "Set requires_grad=True on an input, and compute outside of no_grad()"
        )
    if output.node.saved is None:
        raise GraphError("this graph was freed by backward: look at it before, or pass retain_graph=True")
    return output.node


def _names(model: Module | None, names: Mapping[str, Tensor]) -> dict[Node, tuple[Kind, str]]:
    labels: dict[Node, tuple[Kind, str]] = {}
    for name, tensor in names.items():
        if not isinstance(tensor, Tensor):
            raise UsageError(f"names: {name!r} stands for a {type(tensor).__name__}, and should stand for a Tensor")
        if tensor.node is not None:
            labels[tensor.node] = ("variable", name)
    for name, tensor in model.named_parameters() if model is not None else ():
        if tensor.node is not None:
            labels[tensor.node] = ("parameter", name)
    return labels


def _graph_node(i: int, node: Node, labels: Mapping[Node, tuple[Kind, str]], call: int | None) -> GraphNode:
    if node.op is None:
        default = node.name if isinstance(node, Leaf) and node.name else "variable"
        kind, name = labels.get(node, ("variable", default))
        return GraphNode(i, kind, name, node.shape, str(node.dtype), {}, None)
    site = getattr(node, "site", None)
    return GraphNode(i, "op", node.op.name, node.shape, str(node.dtype), dict(node.settings), call, site)


def _place_parameters(
    nodes: list[GraphNode], edges: Iterable[tuple[int, int, int]], calls: Sequence[ModuleCall]
) -> None:
    """Put each parameter into the innermost call that contains all of its uses."""
    inside: dict[int, int | None] = {}
    for start, end, _ in edges:
        if nodes[start].kind == "parameter":
            use = nodes[end].call
            inside[start] = use if start not in inside else _common(inside[start], use, calls)
    for i, call in inside.items():
        nodes[i] = replace(nodes[i], call=call)


def _common(a: int | None, b: int | None, calls: Sequence[ModuleCall]) -> int | None:
    """The innermost call that contains two calls."""
    while a != b:  # an inner call has a larger number than those around it
        if b is None or (a is not None and a > b):
            a, b = b, a
        b = calls[b].outer  # type: ignore[index]
    return a


class ModuleCalls:
    """The module calls of a graph in the making, numbered as they are met, outer ones first."""

    def __init__(self) -> None:
        self.list: list[ModuleCall] = []
        self.numbers: dict[Scope, int] = {}

    def number(self, scope: Scope | None) -> int | None:
        """The number of a call; None outside of all."""
        if scope is None:
            return None
        if scope not in self.numbers:
            outer = self.number(scope.outer)
            self.numbers[scope] = len(self.list)
            self.list.append(ModuleCall(len(self.list), scope.name, scope.kind, scope.path, outer))
        return self.numbers[scope]

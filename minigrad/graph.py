"""`Graph`: what was recorded, as plain data, for all that draws, counts or exports it.

    Tensor -> Node -> Graph -> pictures, costs, exports

A Graph is a snapshot: it holds no arrays, and nothing that is later done with the Tensors changes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from minigrad.autograd.backward import toposort
from minigrad.autograd.node import Leaf, Node, Scope
from minigrad.autograd.tensor import Tensor
from minigrad.errors import GraphError, UsageError

if TYPE_CHECKING:
    from minigrad.nn import Module

Kind = Literal["variable", "parameter", "constant", "op"]


@dataclass(frozen=True)
class GraphNode:
    """One value.

    Attributes:
        id: its number in the graph; the inputs of an op have smaller ones.
        kind: an op's result, a model's parameter, another variable, or a constant.
        name: the op's name, the parameter's path, or "variable".
        shape, dtype: of the value; of an op with several results, all their shapes.
        settings: the op's settings.
        call: the number of the module call inside of which it was made, or None. A parameter belongs to the innermost
            call that holds all of its uses.
        site: file and line of the op's call, where these were noted (by `trace()` or `anomaly()`).
        recorded: whether gradients can flow through it.
        label: what else is to be said of it in a picture.
    """

    id: int
    kind: Kind
    name: str
    shape: tuple[int, ...]
    dtype: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    call: int | None = None
    site: tuple[str, int] | None = None
    recorded: bool = True
    label: str = ""


@dataclass(frozen=True)
class Call:
    """One call of a module.

    Attributes:
        id: its number in the graph.
        name: the module's attribute name.
        kind: its class.
        path: its attribute path from the outermost module.
        outer: the number of the call around it, or None.
    """

    id: int
    name: str
    kind: str
    path: str
    outer: int | None


@dataclass(frozen=True)
class Graph:
    """Nodes, the edges between them, and the module calls that they were made in.

    Attributes:
        nodes: oldest first.
        edges: (from, to, position): node `from` is input number `position` of node `to`.
        calls: outer ones first.
        outputs: the numbers of the nodes that the graph was taken from.
    """

    nodes: tuple[GraphNode, ...]
    edges: tuple[tuple[int, int, int], ...]
    calls: tuple[Call, ...]
    outputs: tuple[int, ...]

    @classmethod
    def of(cls, *outputs: Tensor, model: Module | None = None, names: Mapping[str, Tensor] | None = None) -> Graph:
        """What was recorded behind the outputs.

        Args:
            outputs: recorded Tensors, before a backward pass has freed their graph.
            model: gives its parameters their paths as names.
            names: names for other variables.

        Raises:
            GraphError: an output was not recorded, or its graph has been freed.
            UsageError: a name stands for something that is no Tensor.
        """
        ids = {node: i for i, node in enumerate(nodes_behind(*outputs))}
        labels = _names(model, names or {})
        calls = Calls()
        nodes = [_graph_node(i, node, labels, calls.number(node.scope)) for node, i in ids.items()]
        edges = [
            (ids[parent], i, position)
            for node, i in ids.items()
            for position, parent in enumerate(node.parents)
            if parent is not None
        ]
        _place_parameters(nodes, edges, calls.list)
        return cls(tuple(nodes), tuple(edges), tuple(calls.list), tuple(ids[_recorded(output)] for output in outputs))

    def around(self, call: int | None) -> list[int]:
        """A call and those around it, the innermost first; none for None."""
        found = []
        while call is not None:
            found.append(call)
            call = self.calls[call].outer
        return found

    def members(self) -> list[list[int]]:
        """For each call the numbers of its nodes, those of inner calls included."""
        found: list[list[int]] = [[] for _ in self.calls]
        for node in self.nodes:
            for call in self.around(node.call):
                found[call].append(node.id)
        return found

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[GraphNode]:
        return iter(self.nodes)


def nodes_behind(*outputs: Tensor) -> list[Node]:
    """What was recorded behind the outputs, oldest first: node number i of their Graph comes from number i of these.

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


def _place_parameters(nodes: list[GraphNode], edges: Iterable[tuple[int, int, int]], calls: Sequence[Call]) -> None:
    """Put each parameter into the innermost call that holds all of its uses."""
    homes: dict[int, int | None] = {}
    for start, end, _ in edges:
        if nodes[start].kind == "parameter":
            use = nodes[end].call
            homes[start] = use if start not in homes else _common(homes[start], use, calls)
    for i, home in homes.items():
        nodes[i] = replace(nodes[i], call=home)


def _common(a: int | None, b: int | None, calls: Sequence[Call]) -> int | None:
    """The innermost call around two calls."""
    while a != b:  # an inner call has a larger number than those around it
        if b is None or (a is not None and a > b):
            a, b = b, a
        b = calls[b].outer  # type: ignore[index]
    return a


class Calls:
    """Numbers the module calls as they are met, outer ones first."""

    def __init__(self) -> None:
        self.list: list[Call] = []
        self.numbers: dict[Scope, int] = {}

    def number(self, scope: Scope | None) -> int | None:
        """The number of a call; None outside of all."""
        if scope is None:
            return None
        if scope not in self.numbers:
            outer = self.number(scope.outer)
            self.numbers[scope] = len(self.list)
            self.list.append(Call(len(self.list), scope.name, scope.kind, scope.path, outer))
        return self.numbers[scope]

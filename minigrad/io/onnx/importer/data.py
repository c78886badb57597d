"""An ONNX graph as plain data, which nothing of the file stands behind any more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from minigrad.typing import Array, DType

Attribute: TypeAlias = "float | int | str | Array | GraphData | tuple[float, ...] | tuple[int, ...] | tuple[str, ...]"
"""What an attribute of a node can be."""


@dataclass(frozen=True)
class NodeData:
    """One node.

    Attributes:
        operator: its operator's name.
        domain: where that is defined; "" is ONNX itself.
        opset: the version of the domain's operators.
        name: the node's own name, as messages show it.
        inputs: the names of values; "" for one that is left out.
        outputs: the names of its results; "" for one that nobody wants.
        attributes: by name.
        path: the names of the modules that it belongs to, from the outermost one.
    """

    operator: str
    domain: str
    opset: int
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        kind = f"{self.domain}.{self.operator}" if self.domain else self.operator
        return f"ONNX node {self.name!r} ({kind})"


@dataclass(frozen=True)
class InputData:
    """An input or output of a graph, as the file declares it.

    Attributes:
        name: of the value.
        dtype: the dtype; None if the file does not tell.
        shape: a size for each dimension, None for any; None altogether if the file does not tell.
    """

    name: str
    dtype: DType | None
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True)
class GraphData:
    """A graph: of a model, or of a branch.

    Attributes:
        nodes: in the order in which they run.
        inputs: what it takes, without those that have a value in the file.
        outputs: what it gives.
        initializers: the arrays of the file, by name; those of branches stand in the model's graph.
        marks: what the file says of initializers, by name: "constant", "buffer" or nothing.
    """

    nodes: tuple[NodeData, ...]
    inputs: tuple[InputData, ...]
    outputs: tuple[InputData, ...]
    initializers: Mapping[str, Array] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)

    def free_names(self) -> set[str]:
        """The names of values that it uses and that come from outside."""
        own = set(self.initializers) | {x.name for x in self.inputs}
        used = {x.name for x in self.outputs}
        for node in self.nodes:
            used |= names_used(node)
            own |= set(node.outputs)
        return used - own - {""}


@dataclass(frozen=True)
class ModelData:
    """What a file holds.

    Attributes:
        graph: the graph.
        metadata: texts by name.
        producer: the program that wrote it.
        opset: the version of ONNX's operators.
    """

    graph: GraphData
    metadata: Mapping[str, str]
    producer: str
    opset: int


def names_used(node: NodeData) -> set[str]:
    """The values that a node uses, those that its branches take from outside too."""
    used = {name for name in node.inputs if name}
    for value in node.attributes.values():
        if isinstance(value, GraphData):
            used |= value.free_names()
    return used

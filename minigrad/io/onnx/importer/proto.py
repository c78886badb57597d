"""From the messages of an ONNX file to plain data, with all checks that do not need the operators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from minigrad.errors import DataError, UsageError
from minigrad.io.onnx.importer.data import Attribute, GraphData, InputData, ModelData, NodeData
from minigrad.io.onnx.importer.functions import MAX_NODES, Functions
from minigrad.io.onnx.importer.narrow import KEPT
from minigrad.io.onnx.importer.tensors import dtype_of, read_tensor
from minigrad.typing import Array

if TYPE_CHECKING:
    from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

OLDEST_OPSET: Final = 7
"""The first that is read."""

TYPE_LIKE: Final = (("CastLike", 1, "to"), ("QuantizeLinear", 2, "output_dtype"))
"""Operators whose result is of the type of an input: which one, and the attribute that tells it here."""

MAX_DEPTH: Final = 16
"""How deep branches may be nested."""


class Reader:
    """Reads the messages of one model. The weights of branches become those of the model, too.

    Args:
        model: the message.
        folder: where files beside are; None if there are none.
        newest: the newest opset that the installed onnx knows.
    """

    def __init__(self, model: ModelProto, folder: Path | None, newest: int) -> None:
        self.model, self.folder, self.length = model, folder, model.ByteSize()
        self.opsets = self._opsets(newest)
        self.functions = Functions(model)
        self.count = 0
        self.weights: dict[str, Array] = {}
        self.marks: dict[str, str] = {}
        self.narrow: dict[str, int] = {}  # the types, by ONNX's number, of values that are kept in a wider one

    def read(self) -> ModelData:
        """All of the model.

        Raises:
            DataError: it is not well formed.
            UsageError: it needs what is not supported.
        """
        if not self.model.HasField("graph"):
            raise DataError("the file holds no ONNX graph: is it another kind of file?")
        graph = self._graph(self.model.graph, None, self.opsets, 0)
        graph = replace(graph, initializers=self.weights, marks=self.marks)
        metadata = {entry.key: entry.value for entry in self.model.metadata_props}
        return ModelData(graph, metadata, self.model.producer_name, self.opsets.get("", 0))

    def _opsets(self, newest: int) -> dict[str, int]:
        found: dict[str, int] = {}
        for entry in self.model.opset_import:
            domain = "" if entry.domain == "ai.onnx" else entry.domain
            if domain in found and found[domain] != entry.version:
                raise DataError(f"the file names two versions of the operators {domain or 'ai.onnx'!r}")
            found[domain] = entry.version
        if "" not in found and not found:
            raise DataError("the file does not tell the version (opset) of its operators")
        opset = found.get("", newest)
        if opset < OLDEST_OPSET:
            raise UsageError(
                f"the file is of opset {opset}, and {OLDEST_OPSET} is the oldest that is read: "
                "onnx.version_converter.convert_version(model, 13) makes a newer one of it"
            )
        if opset > newest:
            raise UsageError(f"the file is of opset {opset}, and the installed onnx knows {newest}: update onnx")
        return found

    # ---- graphs ----------------------------------------------------------------------------------------------

    def _graph(self, graph: GraphProto, outer: Names | None, opsets: Mapping[str, int], depth: int) -> GraphData:
        """A graph, whose nodes may use the names of the graphs around it."""
        if depth > MAX_DEPTH:
            raise UsageError(f"the graph has branches nested deeper than {MAX_DEPTH}")
        if graph.sparse_initializer:
            raise UsageError("the file has sparse weights, which are not supported: store them densely")
        for tensor in graph.initializer:
            if not tensor.name or tensor.name in self.weights or (outer is not None and tensor.name in outer):
                raise DataError(f"the file has no or two initializers of the name {tensor.name!r}")
            self.weights[tensor.name] = self._tensor(tensor, f"the initializer {tensor.name!r}")
            self.marks[tensor.name] = tensor.doc_string
            if tensor.data_type in KEPT:
                self.narrow[tensor.name] = tensor.data_type
        initializers = {tensor.name for tensor in graph.initializer}
        inputs = [self._value(x) for x in graph.input]
        _require_different([x.name for x in inputs])
        inputs = [x for x in inputs if x.name not in initializers]
        made = Names(initializers | {x.name for x in inputs}, outer)
        nodes = self.functions.inlined(graph.node)
        found = [self._node(node, made, opsets, depth) for node in nodes]
        outputs = [self._value(x) for x in graph.output]
        if not outputs:
            raise DataError("the graph has no outputs")
        missing = [x.name for x in outputs if x.name not in made]
        if missing:
            raise DataError(f"the output {missing[0]!r} of the graph is made by no node")
        return GraphData(tuple(found), tuple(inputs), tuple(outputs))

    def _tensor(self, tensor: TensorProto, what: str) -> Array:
        return read_tensor(tensor, what, self.folder, self.length)

    def _value(self, value: ValueInfoProto) -> InputData:
        if not value.name:
            raise DataError("an input or output of the graph has no name")
        kind = value.type.WhichOneof("value")
        if kind not in (None, "tensor_type"):
            raise UsageError(f"{value.name!r} is a {kind.removesuffix('_type')}, and only tensors are supported")
        tensor = value.type.tensor_type
        dtype = dtype_of(tensor.elem_type, f"{value.name!r}") if tensor.elem_type else None
        if tensor.elem_type in KEPT:
            self.narrow[value.name] = tensor.elem_type
        if not tensor.HasField("shape"):
            return InputData(value.name, dtype, None)
        sizes = tuple(d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None for d in tensor.shape.dim)
        return InputData(value.name, dtype, sizes)

    # ---- nodes -----------------------------------------------------------------------------------------------

    def _node(self, node: NodeProto, made: Names, opsets: Mapping[str, int], depth: int) -> NodeData:
        """A node, whose results are added to what has been made."""
        self.count += 1
        if self.count > MAX_NODES:
            raise UsageError(f"the file has more than {MAX_NODES:,} nodes")
        name = node.name or next(filter(None, node.output), "") or node.op_type
        domain = "" if node.domain == "ai.onnx" else node.domain
        what = f"ONNX node {name!r} ({node.op_type})"
        if domain not in opsets and domain == "":
            raise DataError(f"{what}: the file does not tell the version (opset) of ONNX's operators")
        for value in node.input:
            if value and value not in made:
                raise DataError(
                    f"{what} uses {value!r}, which no node before it makes: the graph has a cycle, is out of order, "
                    "or lacks a part"
                )
        attributes: dict[str, Attribute] = {}
        for attribute in node.attribute:
            if attribute.name in attributes:
                raise DataError(f"{what} has two attributes {attribute.name!r}")
            attributes[attribute.name] = self._attribute(attribute, what, made, opsets, depth)
        for out in filter(None, node.output):
            if out in made:
                raise DataError(f"{what} makes {out!r}, which is there already: names must differ")
            made.add(out)
        for operator, place, attribute in TYPE_LIKE:
            if node.op_type == operator and len(node.input) > place and node.input[place] in self.narrow:
                attributes[attribute] = self.narrow[node.input[place]]
        data = NodeData(node.op_type, domain, opsets.get(domain, 1), name, tuple(node.input), tuple(node.output), {})
        return replace(data, attributes=attributes, path=_scopes(node))

    def _attribute(
        self, attribute: AttributeProto, what: str, made: Names, opsets: Mapping[str, int], depth: int
    ) -> Attribute:
        what = f"{what}: its attribute {attribute.name!r}"
        kind = attribute.AttributeType.Name(attribute.type) if attribute.type in range(15) else "UNDEFINED"
        if attribute.ref_attr_name:
            raise DataError(f"{what} refers to {attribute.ref_attr_name!r}, which only functions have")
        if kind == "FLOAT":
            return float(attribute.f)
        if kind == "INT":
            return int(attribute.i)
        if kind == "STRING":
            return attribute.s.decode("utf-8", "replace")
        if kind == "TENSOR":
            return self._tensor(attribute.t, what)
        if kind == "GRAPH":
            return self._graph(attribute.g, made, opsets, depth + 1)
        if kind == "FLOATS":
            return tuple(map(float, attribute.floats))
        if kind == "INTS":
            return tuple(map(int, attribute.ints))
        if kind == "STRINGS":
            return tuple(text.decode("utf-8", "replace") for text in attribute.strings)
        raise UsageError(f"{what} is of the kind {kind}, which is not supported")


class Names:
    """The names of values that have been made, in a graph and in those around it.

    Args:
        names: of the graph itself.
        outer: those around it; None (default) for none.
    """

    def __init__(self, names: Iterable[str], outer: Names | None = None) -> None:
        self.names, self.outer = set(names), outer

    def __contains__(self, name: str) -> bool:
        return name in self.names or (self.outer is not None and name in self.outer)

    def add(self, name: str) -> None:
        """Add a name to those of the graph itself."""
        self.names.add(name)


def _require_different(names: list[str]) -> None:
    (name, count), *_ = Counter(names).most_common(1) or [("", 0)]
    if count > 1:
        raise DataError(f"the graph has two inputs {name!r}: names must differ")


def _scopes(node: NodeProto) -> tuple[str, ...]:
    """The modules that a node was made in, as PyTorch's exporters and minigrad's tell them.

    PyTorch's newer one writes a list of paths beside the node; its older one names it /layer1/layer1.0/conv/Conv, where
    a part that repeats the one before it goes on with it; minigrad's names it layer1.0.conv.Conv.
    """
    for entry in node.metadata_props:
        if entry.key == "pkg.torch.onnx.name_scopes":
            scopes = [text.strip(" '\"") for text in entry.value.strip("[]").split(",")]
            return tuple(scopes[-2].split(".")) if len(scopes) > 1 and scopes[-2] else ()
    if not node.name.startswith("/"):
        return tuple(node.name.split(".")[:-1])
    parts: list[str] = []
    for part in node.name.strip("/").split("/")[:-1]:
        if parts and part.startswith(f"{parts[-1]}."):
            parts[-1] = part
        else:
            parts.append(part)
    return tuple(name for part in parts for name in part.split("."))

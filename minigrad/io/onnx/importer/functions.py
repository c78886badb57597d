"""Functions of a model: operators that the file itself defines as graphs, whose calls are replaced by their bodies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from minigrad.errors import DataError, UsageError

if TYPE_CHECKING:
    from onnx import AttributeProto, FunctionProto, ModelProto, NodeProto

MAX_NODES: Final = 200_000
"""How many nodes a model may have, those in functions counted at each call."""

MAX_CALLS: Final = 32
"""How deep functions may call each other."""

Key: TypeAlias = tuple[str, str]


class Functions:
    """The functions of a model, by domain and name."""

    def __init__(self, model: ModelProto) -> None:
        self.by_name: dict[Key, FunctionProto] = {}
        for function in model.functions:
            key = (function.domain, function.name)
            if key in self.by_name:
                raise DataError(f"the file has two functions {function.name!r}")
            self.by_name[key] = function
        self.calls = self.nodes = 0

    def inlined(self, nodes: Iterable[NodeProto]) -> Iterator[NodeProto]:
        """The nodes, with the bodies of functions in place of their calls, under new names.

        Args:
            nodes: of a graph.

        Raises:
            DataError, UsageError: a function calls itself, or there are too many nodes.
        """
        if not self.by_name:
            return iter(nodes)
        return self._inlined(nodes, ())

    def _inlined(self, nodes: Iterable[NodeProto], outer: tuple[Key, ...]) -> Iterator[NodeProto]:
        for node in nodes:
            self.nodes += 1
            if self.nodes > MAX_NODES:
                raise UsageError(f"the file has more than {MAX_NODES:,} nodes, with its functions written out")
            key = (node.domain, node.op_type)
            function = self.by_name.get(key)
            if function is None:
                yield node
                continue
            if key in outer or len(outer) > MAX_CALLS:
                raise DataError(f"the function {node.op_type!r} of the file calls itself, or is nested too deeply")
            yield from self._inlined(self._body(node, function), (*outer, key))

    def _body(self, call: NodeProto, function: FunctionProto) -> Iterator[NodeProto]:
        """The nodes of a function with the names of one call."""
        from onnx import NodeProto

        self.calls += 1
        if len(call.input) > len(function.input) or len(call.output) > len(function.output):
            raise DataError(f"the function {call.op_type!r} is called with more values than it has")
        names = dict.fromkeys(function.input, "") | dict(zip(function.input, call.input, strict=False))
        results = dict(zip(function.output, call.output, strict=False))
        given = {a.name: a for a in function.attribute_proto} | {a.name: a for a in call.attribute}
        prefix = f"{call.name or call.op_type}#{self.calls}."
        for node in function.node:
            copy = NodeProto()
            copy.CopyFrom(node)
            if any(a.HasField("g") for a in node.attribute):
                raise UsageError(f"the function {call.op_type!r} of the file has branches, which are not supported")
            for out in node.output:
                if out and out not in results:
                    results[out] = prefix + out
            copy.input[:] = [names.get(x, results.get(x, x)) for x in node.input]
            copy.output[:] = [results[x] if x else "" for x in node.output]
            copy.name = f"{call.name}.{node.name}" if call.name else node.name
            _resolve(copy, given)
            yield copy


def _resolve(node: NodeProto, given: Mapping[str, AttributeProto]) -> None:
    """Put the values of a call in place of references to them; what the call leaves out is left out."""
    kept = []
    for attribute in node.attribute:
        if not attribute.ref_attr_name:
            kept.append(attribute)
        elif attribute.ref_attr_name in given:
            name = attribute.name
            attribute.CopyFrom(given[attribute.ref_attr_name])
            attribute.name = name
            kept.append(attribute)
    copies = [type(a).FromString(a.SerializeToString()) for a in kept]
    del node.attribute[:]
    node.attribute.extend(copies)

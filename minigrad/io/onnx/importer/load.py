"""`from_onnx`: an ONNX file as a module."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.errors import DataError, MinigradError, MissingExtraError, UsageError
from minigrad.io.atomic import PathLike
from minigrad.io.onnx.importer import names, plan
from minigrad.io.onnx.importer.data import GraphData, ModelData, NodeData, names_used
from minigrad.io.onnx.importer.model import MAX_ELEMENTS, OnnxBlock, OnnxModel, block_class
from minigrad.io.onnx.importer.proto import Reader
from minigrad.io.onnx.importer.registry import OPERATORS
from minigrad.io.onnx.operators.constants import constant_value
from minigrad.nn import Parameter
from minigrad.typing import Array

if TYPE_CHECKING:
    from onnx import ModelProto

FAMILIES: Final = (
    "activations", "attention", "constants", "control", "convolution", "elementwise", "indexing", "linear", "losses",
    "normalization", "pooling", "quantization", "recurrent", "reductions", "resize", "shapes",
)  # fmt: skip

for _family in FAMILIES:
    import_module(f"minigrad.io.onnx.operators.{_family}")  # each registers its operators

LARGEST_FILE: Final = 2**31
"""Bytes: a protobuf message is below 2 GB."""

REARRANGING: Final = frozenset({
    "Cast", "Concat", "Expand", "Flatten", "Identity", "Reshape", "Shape", "Slice", "Squeeze", "Transpose",
    "Unsqueeze",
})  # fmt: skip
"""Operators that a module is not named after if it has others."""

MAX_NAMES: Final = 3
"""How many operators make a name."""

TOO_LARGE_TO_TRAIN: Final = 1e30
"""Numbers of this size are masks, and no weights."""


def from_onnx(
    source: PathLike | ModelProto, *, trainable: Iterable[str] | None = None, max_elements: int = MAX_ELEMENTS
) -> OnnxModel:
    """Make a module of an ONNX file: it runs, trains, draws and is summarized like any other.

    Weights are parameters under the names that the file gives them (`features.0.weight`), and nodes are in modules as
    their names or weights tell. What depends on shapes alone stays plain integers. The module is in evaluation mode;
    after `.train()` Dropout drops and BatchNormalization uses and moves its statistics, as those of `minigrad.nn` do.

    A file is data: all sizes are checked against the bytes that are there, files beside it must be in its folder, and
    values that a graph makes may not be larger than `max_elements`.

    Args:
        source: the path of the file, or an `onnx.ModelProto`.
        trainable: the names of the weights to train; None (default) for all floating weights with dimensions, but for
            settings (such as limits, scales or running statistics) and masks with numbers of 1e30 and more.
        max_elements: how many elements a value of the graph may have, and a sixteenth of what all may have in one run
            (default 268435456, which in float32 is 1 GB).

    Shapes: as the file has them; the first size is free.

    Returns:
        The module.

    Raises:
        MissingExtraError: the package onnx is missing.
        DataError: the file cannot be read, or is damaged or hostile.
        UsageError: it needs an operator or feature that is not supported, which the message names; or there is no
            weight of a name in `trainable`.

    Source: the ONNX standard, https://onnx.ai/onnx/operators.

    >>> from minigrad import nn
    >>> from minigrad.io import to_onnx
    >>> exported = to_onnx(nn.Sequential(nn.Linear(3, 2), nn.ReLU()), np.zeros((1, 3), np.float32))
    >>> model = from_onnx(exported)
    >>> [name for name, _ in model.named_parameters()], model(np.ones((5, 3), np.float32)).shape
    (['0.weight', '0.bias'], (5, 2))
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("onnx", extra="onnx", purpose="minigrad.io.from_onnx") from error
    proto, folder, title = _message(source)
    try:
        data = Reader(proto, folder, onnx.defs.onnx_opset_version()).read()
        return _made(data, trainable, max_elements)
    except MinigradError as error:
        error.args = (f"{title}: {error}", *error.args[1:])
        raise
    except (ValueError, TypeError, OverflowError, MemoryError, RecursionError) as error:  # of a message's fields
        raise DataError(f"{title} is damaged: {type(error).__name__}: {error}") from error


def _message(source: PathLike | ModelProto) -> tuple[ModelProto, Path | None, str]:
    """The message of a file, its folder, and what messages call it."""
    import onnx

    if isinstance(source, onnx.ModelProto):
        return source, None, "the ONNX model"
    if not isinstance(source, (str, os.PathLike)):
        raise UsageError(f"from_onnx: takes a path or an onnx.ModelProto, not a {type(source).__name__}")
    path = Path(source)
    try:
        size = path.stat().st_size
        if not path.is_file() or size > LARGEST_FILE:
            raise DataError(f"{path} is no ONNX file: " + ("it is larger than 2 GB" if path.is_file() else "no file"))
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(content)
    except Exception as error:  # protobuf's DecodeError, whose package has no types
        raise DataError(f"{path} is no ONNX file, or is damaged: {error}") from error
    return proto, path.parent, str(path)


def _made(data: ModelData, trainable: Iterable[str] | None, max_elements: int) -> OnnxModel:
    constants, nodes = _folded(data.graph, _used(data.graph))
    for node in _all_nodes(nodes):
        _require_known(node)
    arrays = {**constants, **data.graph.initializers}
    parameters, buffers = _roles(data, nodes, arrays, None if trainable is None else set(trainable))
    model = OnnxModel(
        data.graph.inputs, data.graph.outputs, data.metadata, data.producer, data.opset, max_elements
    )  # fmt: skip
    paths = names.Paths({*dir(model), *vars(model)})
    scoped = [replace(node, path=paths.module(node.path)) for node in nodes]
    for name in (*parameters, *buffers):
        paths.module(names.split(name)[:-1])
    tensors = {name: Parameter(arrays[name]) for name in parameters} | {name: Tensor(arrays[name]) for name in buffers}
    variables = {name: paths.variable(name) for name in arrays if name in tensors}
    others = {name: array for name, array in arrays.items() if name not in variables}
    planner = plan.Planner(variables, others, [x.name for x in data.graph.outputs])
    planner.plan(plan.placed(scoped, variables), [x.name for x in data.graph.inputs])
    _build(model, planner, tensors)
    return model.eval()


def _used(graph: GraphData) -> list[NodeData]:
    """The nodes that outputs depend on."""
    wanted, kept = {x.name for x in graph.outputs}, []
    for node in reversed(graph.nodes):
        if not wanted.isdisjoint(node.outputs):
            kept.append(node)
            wanted |= names_used(node)
    return kept[::-1]


def _folded(graph: GraphData, nodes: Iterable[NodeData]) -> tuple[dict[str, Array], list[NodeData]]:
    """The values of Constant nodes, and the other nodes."""
    constants, others = {}, []
    for node in nodes:
        if (node.domain, node.operator) == ("", "Constant") and len(node.outputs) == 1 and node.outputs[0]:
            constants[node.outputs[0]] = constant_value(node)
        else:
            others.append(node)
    return constants, others


def _all_nodes(nodes: Iterable[NodeData]) -> Iterator[NodeData]:
    """Nodes, and those of their branches."""
    for node in nodes:
        yield node
        for value in node.attributes.values():
            if isinstance(value, GraphData):
                yield from _all_nodes(value.nodes)


def _require_known(node: NodeData) -> None:
    """Refuse operators that are not there, and wrong numbers of inputs."""
    operator = OPERATORS.get((node.domain, node.operator))
    if operator is None:
        home = f", domain={node.domain!r}" if node.domain else ""
        raise UsageError(
            f"{node} is not supported: register what it computes by "
            f"@minigrad.io.onnx_operator({node.operator!r}{home}), or export the model with other operators; "
            "minigrad.io.onnx_operators() lists those that there are"
        )
    given = len(node.inputs)
    most = len(operator.parameters)
    if given < operator.required or (given > most and not operator.variadic):
        raise DataError(f"{node} has {given} inputs, and takes {operator.required} to {most}")
    if "" in node.inputs[: operator.required]:
        raise DataError(f"{node} leaves out its input {operator.parameter(node.inputs.index(''))!r}")


def _roles(
    data: ModelData, nodes: Iterable[NodeData], arrays: Mapping[str, Array], trainable: set[str] | None
) -> tuple[list[str], list[str]]:
    """The names of parameters, and those of buffers."""
    if trainable is not None and (unknown := trainable - {n for n, a in arrays.items() if a.dtype.kind == "f"}):
        raise UsageError(f"trainable: the file has no floating weight {sorted(unknown)[0]!r}")
    trained: dict[str, None] = {}
    kept: dict[str, None] = {}
    marks = {name: mark for name, mark in data.graph.marks.items() if mark} if data.producer == "minigrad" else {}
    kept.update((name, None) for name, mark in marks.items() if mark == "buffer")
    for node in _all_nodes(nodes):
        operator = OPERATORS[node.domain, node.operator]
        for position, name in enumerate(node.inputs):
            parameter = operator.parameter(position)
            if name not in data.graph.initializers or arrays[name].dtype.kind != "f":
                continue
            if parameter in operator.buffers:
                kept[name] = None
            elif parameter not in operator.constants:
                trained[name] = None
    if trainable is None:
        weights = [
            name for name in trained if (marks[name] == "parameter" if name in marks else _is_weight(arrays[name]))
        ]
    else:
        weights = [name for name in arrays if name in trainable]
    chosen = set(weights)
    return weights, [name for name in kept if name not in chosen]


def _is_weight(array: Array) -> bool:
    """Whether an array is one to train: not a single number, and not a mask. (What minigrad wrote tells it itself.)"""
    return array.ndim > 0 and bool(np.all(np.abs(array) < TOO_LARGE_TO_TRAIN))


def _block(plans: Iterable[plan.Plan]) -> OnnxBlock:
    """An empty module, named after the operators of which it mainly is, if these are few."""
    found = dict.fromkeys(name for each in plans for name in _operators_on_the_way(each))
    names = [name for name in found if name not in REARRANGING] or list(found)
    name = "_".join(names)
    return block_class(name)() if 0 < len(names) <= MAX_NAMES and name.isidentifier() else OnnxBlock()


def _operators_on_the_way(chosen: plan.Plan) -> Iterator[str]:
    """Those that compute something of the inputs, but not those that prepare weights; no name for a module."""
    reached = set(chosen.inputs)
    for step in chosen.steps:
        node = step.node if isinstance(step, plan.NodeStep) else None
        if reached & (names_used(node) if node is not None else set(step.inputs)):  # type: ignore[union-attr]
            reached.update((node or step).outputs)  # type: ignore[union-attr]
            yield node.operator if node is not None else "a module"


def _build(model: OnnxModel, planner: plan.Planner, tensors: Mapping[str, Tensor]) -> None:
    """Make the tree of modules, and put plans and variables into it."""
    modules: dict[names.Path, OnnxBlock] = {(): model}

    def module(path: names.Path) -> OnnxBlock:
        for n in range(1, len(path) + 1):
            if path[:n] not in modules:
                modules[path[:n]] = _block(planner.plans.get(path[:n], []))
                modules[path[: n - 1]].add_module(path[n - 1], modules[path[:n]])
        return modules[path]

    for path, plans in planner.plans.items():
        module(path)._plans = tuple(plans)
    for name, path in planner.variables.items():
        owner, tensor = module(path[:-1]), tensors[name]
        if tensor.requires_grad:
            owner.register_parameter(path[-1], tensor)
        else:
            owner.register_buffer(path[-1], tensor)

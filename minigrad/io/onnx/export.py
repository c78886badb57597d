"""`to_onnx`: a model as an ONNX file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.errors import MissingExtraError, UsageError
from minigrad.io.atomic import PathLike, write_atomically
from minigrad.io.onnx import capture, table, whole_modules
from minigrad.io.onnx.builder import Builder, require_opset
from minigrad.io.onnx.capture import Recording
from minigrad.io.onnx.values import BATCH_SIZES, Call, Size, Value
from minigrad.io.onnx.views import Weight
from minigrad.nn import Module
from minigrad.typing import Array, ArrayLike

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto, ValueInfoProto

OLDEST_OPSET: Final = 18
"""The first in which all reductions take their axes as an input."""

LARGEST_FILE: Final = 2**31 - 2**20
"""Bytes of weights: a protobuf message has to stay below 2 GB."""

for _family in ("activations", "attention", "elementwise", "indexing", "networks", "recurrent", "reductions", "shapes"):
    import_module(f"minigrad.io.onnx.{_family}")  # each registers its converters


def to_onnx(
    model: Module,
    *inputs: ArrayLike,
    path: PathLike | None = None,
    opset: int = 20,
    dynamic_batch: bool = False,
    external_data: bool = False,
    metadata: Mapping[str, str] | None = None,
) -> ModelProto:
    """Make an ONNX model of a module: what it computes in evaluation mode, with its weights.

    The module runs twice, with these inputs and with others made of them, so that what does not come from ops is
    noticed. Values that depend on neither inputs nor parameters are computed once and stored; what no output needs is
    left out. What is computed from parameters alone, such as their sum, is written with them, so that they can be
    trained by whoever reads the file.
    Weights are named by their paths (`features.0.weight`), and the result has passed ONNX's checker with its inference
    of shapes. The module's mode is put back at the end.

    Args:
        model: the module.
        *inputs: examples of what it takes; their shapes and dtypes are those of the file's inputs.
        path: where to write the file (default None: it is only returned).
        opset: the version of ONNX's operators, at least 18 (default 20).
        dynamic_batch: whether the first dimension of all inputs is free, and called "N" (default False: the file takes
            the shapes of the examples).
        external_data: whether the weights are in a second file, PATH.data (default False: only if they are larger than
            2 GB, which one file cannot hold).
        metadata: texts by name, such as the classes (default None: none).

    Shapes: inputs as the model takes them, with a dynamic batch (N, ...).

    Returns:
        The `onnx.ModelProto`.

    Raises:
        MissingExtraError: the package onnx is missing.
        UsageError: something has no form in ONNX, which the message names with its line; no inputs, another opset, or
            external data without a path.
        DataError: the file cannot be written.

    Source: the ONNX standard, https://onnx.ai/onnx/operators.

    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    >>> exported = to_onnx(net, np.zeros((1, 3), np.float32), dynamic_batch=True)
    >>> [node.op_type for node in exported.graph.node], [weight.name for weight in exported.graph.initializer]
    (['Gemm', 'Relu'], ['0.weight', '0.bias'])
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("onnx", extra="onnx", purpose="minigrad.io.to_onnx") from error
    require_opset(opset, OLDEST_OPSET, onnx.defs.onnx_opset_version())
    if not inputs:
        raise UsageError("to_onnx: the model's inputs are missing: give an example of each after the model")
    if external_data and path is None:
        raise UsageError("to_onnx: external_data needs a path")
    arrays = [(x if isinstance(x, Tensor) else Tensor(x))._data for x in inputs]
    recording = _record(model, _runs(arrays, dynamic_batch))
    exported = _model(model, recording, opset, dict(metadata or {}))
    large = sum(weight.ByteSize() for weight in exported.graph.initializer) > LARGEST_FILE
    _finish(exported, path, external_data or large, large)
    return exported


def _runs(arrays: Sequence[Array], dynamic_batch: bool) -> tuple[list[Array], list[Array]]:
    """The inputs of the two runs."""
    if not dynamic_batch:
        return [x.copy() for x in arrays], [_others(x) for x in arrays]
    for x in arrays:
        if not x.ndim or not len(x):
            raise UsageError(f"to_onnx: dynamic_batch needs inputs with a first dimension, got the shape {x.shape}")
    first, second = ([x[np.arange(size) % len(x)] for x in arrays] for size in BATCH_SIZES)
    return first, [_others(x) for x in second]


def _others(x: Array) -> Array:
    """Other values of the same kind: in another order, and floating numbers smaller, too."""
    turned = x.reshape(-1)[::-1].reshape(x.shape)
    return np.asarray(turned * x.dtype.type(0.75) if x.dtype.kind == "f" else turned.copy(), order="C")


def _record(model: Module, runs: tuple[list[Array], list[Array]]) -> Recording:
    modes = {module: module.training for module in model.modules()}
    try:
        model.eval()
        return capture.record(model, *runs, [p._data for p in model.parameters()])
    finally:
        for module, training in modes.items():
            module.training = training


def _model(model: Module, recording: Recording, opset: int, metadata: dict[str, str]) -> ModelProto:
    from onnx import helper

    names = [f"input_{i}" for i in range(len(recording.inputs))] if len(recording.inputs) > 1 else ["input"]
    weights: dict[int, Weight] = {}
    for path, tensor in [*model.named_parameters(), *model.named_buffers()]:
        weights.setdefault(id(tensor._data), (path, tensor._data))
    b = Builder(opset, weights, names)
    for value, name in zip(recording.inputs, names, strict=True):
        value.names[value.dtype.name] = name
    calls = whole_modules.joined(model, recording.calls)
    for call in _needed(calls, recording.outputs.values()):
        if call.constant:
            _convert_if_possible(b, call)
        else:
            table.convert(b, call)
    outputs = b.outputs(recording.outputs)
    _mark(model, b.initializers)
    graph = helper.make_graph(
        b.nodes,
        type(model).__name__,
        [_info(name, value) for name, value in zip(names, recording.inputs, strict=True)],
        [_info(name, value) for name, value in zip(outputs, recording.outputs.values(), strict=True)],
        list(b.initializers.values()),
    )
    opsets = [helper.make_opsetid("", opset)]
    exported = helper.make_model(
        graph, opset_imports=opsets, ir_version=helper.find_min_ir_version_for(opsets), producer_name="minigrad",
        producer_version=version("minigrad"),
    )  # fmt: skip
    helper.set_model_props(exported, metadata)
    return exported


def _convert_if_possible(b: Builder, call: Call) -> None:
    """Write what is computed from parameters alone; where there is no form in ONNX, its result is a constant."""
    try:
        table.convert(b, call)
    except UsageError:
        for value in call.outs:
            value.names.clear()


def _mark(model: Module, initializers: Mapping[str, TensorProto]) -> None:
    """Note for `from_onnx` which initializers are parameters, which are buffers, and which are neither."""
    parameters, buffers = (dict(tensors) for tensors in (model.named_parameters(), model.named_buffers()))
    for name, tensor in initializers.items():
        tensor.doc_string = "parameter" if name in parameters else "buffer" if name in buffers else "constant"


def _needed(calls: Sequence[Call], outputs: Iterable[Value]) -> list[Call]:
    """The calls that outputs depend on."""
    wanted = set(map(id, outputs))
    found = []
    for call in reversed(calls):
        if any(id(out) in wanted for out in call.outs):
            found.append(call)
            wanted |= {id(x) for x in (*call.inputs, call.index) if x is not None}
    return found[::-1]


def _info(name: str, value: Value) -> ValueInfoProto:
    from onnx import helper

    return helper.make_tensor_value_info(
        name, helper.np_dtype_to_tensor_dtype(value.dtype), [_dimension(size) for size in value.sizes]
    )


def _dimension(size: Size) -> int | str | None:
    """A fixed size, or "N", or None for another that depends on it."""
    return size.first if size.fixed else "N" if size == BATCH_SIZES else None


def _finish(exported: ModelProto, path: PathLike | None, external: bool, large: bool) -> None:
    """Check the model, and write it."""
    import onnx

    if not large:
        _check(exported)
    if path is None:
        return
    if not external:
        write_atomically(path, exported.SerializeToString())
        return
    copy = onnx.ModelProto()
    copy.CopyFrom(exported)
    onnx.save_model(copy, str(path), save_as_external_data=True, location=f"{Path(path).name}.data")
    _check(str(path))


def _check(model: ModelProto | str) -> None:
    """ONNX's checker, with its inference of shapes.

    Raises:
        UsageError: an operator does not take what it is given.
    """
    from onnx.checker import ValidationError, check_model
    from onnx.shape_inference import InferenceError

    try:
        check_model(model, full_check=True)
    except (ValidationError, InferenceError) as error:
        raise UsageError(
            f"ONNX: its checker refuses the model; many operators take float32 only, so cast with astype: {error}"
        ) from error

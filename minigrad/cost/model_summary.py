"""`summary`: run a model once, and add up its costs by layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from minigrad.autograd.node import STATE, Leaf, override_state
from minigrad.autograd.precision import warned_of_float64
from minigrad.autograd.tensor import Tensor, default_dtype, record, wrap
from minigrad.cost.op_costs import costs
from minigrad.cost.summary_table import Summary, SummaryRow
from minigrad.errors import UsageError
from minigrad.graph import Graph
from minigrad.kernels.jit import numpy_only
from minigrad.nn.container import UncalledContainer
from minigrad.nn.module import Module
from minigrad.typing import Array, ArrayLike, DTypeLike, Shape


def summary(
    model: Module,
    input_shape: Sequence[int] | Sequence[Sequence[int]] | None = None,
    *,
    inputs: ArrayLike | tuple[ArrayLike, ...] | None = None,
    dtype: DTypeLike | None = None,
) -> Summary:
    """Run a model once, in evaluation mode, and tabulate the parameters, multiply-adds and memory of each layer.

    The model is left as it was: its mode, its buffers, and which parameters are frozen. What runs under `no_grad` is
    not recorded, so it is not counted; the table names such layers. An op that makes float64 of float32 is warned of.

    Args:
        model: the module.
        input_shape: the shape of its input, with the batch, such as (1, 3, 32, 32), or a list of shapes for several
            inputs; None (default) if the inputs are given.
        inputs: the input itself (an array or a Tensor), or a tuple of several; None (default) if shapes are given.
        dtype: the dtype of inputs that are made from shapes (default: `default_dtype()`): random numbers in [0, 1), or
            zeros for an integer dtype.

    Returns:
        The table: print it, show it in a notebook, or read its `rows`.

    Raises:
        UsageError: `model` is no Module; neither shapes nor inputs are given, or both; or a shape is not one of
            integers.

    >>> from minigrad import nn
    >>> table = summary(nn.Sequential(nn.Linear(4, 3), nn.ReLU()), (2, 4))
    >>> [(row.path, row.kind, row.output_shapes, row.parameters, row.mult_adds) for row in table.rows]
    [('', 'Sequential', ((2, 3),), 0, 0), ('0', 'Linear', ((2, 3),), 15, 24), ('1', 'ReLU', ((2, 3),), 0, 0)]
    """
    if not isinstance(model, Module):
        raise UsageError(f"summary: takes a Module, not a {type(model).__name__}: nn.Lambda(f) makes one of a function")
    given = _inputs(input_shape, inputs, dtype)
    paths = {module: path for path, module in model.named_modules()}
    rows = {
        path: SummaryRow(path, type(module).__name__, path.count(".") + bool(path)) for module, path in paths.items()
    }
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    uncounted: list[str] = []
    with _prepared(model), ExitStack() as hooks:
        calls = _CallRecorder(rows, paths)
        for module in paths:
            hooks.callback(module.register_forward_pre_hook(calls.before, prepend=True, with_kwargs=True).remove)
            hooks.callback(module.register_forward_hook(calls.after).remove)
        with warned_of_float64(), numpy_only():  # one pass is over before Numba would be imported
            calls.keep(model(*[_variable(x) for x in given]))
        if calls.recorded:
            uncounted = _count_ops(Graph.of(*calls.recorded, model=model), rows, calls.owners, trained)
        uncounted += [f"{row.path} {row.kind}" for row in rows.values() if row.path in calls.unrecorded]
    _count_parameters(paths, rows)
    parameter_bytes = sum(p._data.nbytes for p in model.parameters())
    return Summary(tuple(rows.values()), parameter_bytes, sum(_array(x).nbytes for x in given), tuple(uncounted))


def _inputs(
    shapes: object, inputs: ArrayLike | tuple[ArrayLike, ...] | None, dtype: DTypeLike | None
) -> list[ArrayLike]:
    if (shapes is None) == (inputs is None):
        raise UsageError("summary: give either input_shape, such as (1, 3, 32, 32), or inputs=")
    if inputs is not None:
        return list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
    listed = list(shapes) if isinstance(shapes, Sequence) else []
    several = bool(listed) and isinstance(listed[0], Sequence)
    each = [_checked(shape) for shape in (listed if several else [shapes])]
    kind, rng = np.dtype(dtype or default_dtype()), np.random.default_rng(0)
    return [rng.random(shape).astype(kind) if kind.kind == "f" else np.zeros(shape, kind) for shape in each]


def _checked(shape: object) -> Shape:
    sizes = tuple(shape) if isinstance(shape, Sequence) else ()
    if not sizes or not all(hasattr(n, "__index__") and n >= 0 for n in sizes):
        raise UsageError(f"summary: a shape is made of integers, batch first, such as (1, 3, 32, 32), not {shape!r}")
    return sizes


def _array(x: ArrayLike) -> Array:
    return x._data if isinstance(x, Tensor) else np.asarray(x)


def _variable(x: ArrayLike) -> ArrayLike:
    """An input as a variable, so that everything that is computed from it is recorded."""
    array = _array(x)
    return wrap(array, Leaf(array.shape, array.dtype)) if array.dtype.kind == "f" else x


class _CallRecorder:
    """Hooks that note the shapes of each module's first call, which scope belongs to which module, and the results.

    Attributes:
        owners: the path of the module, by the path of its scope.
        unrecorded: the paths of layers that ran under `no_grad`.
        recorded: the recorded results, from which the graph can be taken.
    """

    def __init__(self, rows: dict[str, SummaryRow], paths: dict[Module, str]) -> None:
        self.rows, self.paths = rows, paths
        self.owners: dict[str, str] = {}
        self.unrecorded: set[str] = set()
        self.recorded: list[Tensor] = []

    def before(self, module: Module, inputs: tuple[Any, ...], settings: dict[str, Any]) -> None:
        """Note the inputs of a call."""
        row = self.rows[self.paths[module]]
        row.calls += 1
        if STATE.recorder is None and not any(module.children()):
            self.unrecorded.add(row.path)
        if STATE.scope is not None:
            self.owners[STATE.scope.path] = row.path
        if row.calls == 1:
            row.input_shapes = tuple([x.shape for x in _leaves([*inputs, *settings.values()])])

    def after(self, module: Module, inputs: tuple[Any, ...], output: Any) -> None:
        """Note the output of a call."""
        row = self.rows[self.paths[module]]
        if row.output_shapes is None:
            row.output_shapes = tuple([x.shape for x in _leaves(output)])
        self.keep(output)

    def keep(self, output: Any) -> None:
        """Note what of an output was recorded."""
        self.recorded += [x for x in _leaves(output) if isinstance(x, Tensor) and x.node is not None]


def _leaves(values: object) -> list[Tensor | Array]:
    """The Tensors and arrays in nested tuples, lists and dicts."""
    if isinstance(values, (tuple, list, dict)):
        parts = values.values() if isinstance(values, dict) else values
        return [leaf for part in parts for leaf in _leaves(part)]
    return [values] if isinstance(values, (Tensor, np.ndarray)) else []


@contextmanager
def _prepared(model: Module) -> Iterator[None]:
    """Put the model into evaluation mode with all parameters recorded and scopes named by the tree; then restore it."""
    modes = {module: (module.training, module._name) for module in model.modules()}
    frozen = [p for p in model.parameters() if p.node is None and p.dtype.kind in "fc"]
    buffers = {buffer: buffer._data for buffer in model.buffers()}
    model.eval()
    _name_by_tree(model, "", set())
    for p in frozen:
        p.node = Leaf(p.shape, p.dtype)
    try:
        with override_state(scope=None, recorder=record):
            yield
    finally:
        for module, (training, name) in modes.items():
            module.__dict__.update(training=training, _name=name)
        for p in frozen:
            p.node = None
        for buffer, array in buffers.items():
            buffer._data = array


def _name_by_tree(module: Module, prefix: str, seen: set[Module]) -> None:
    """Name modules by their place in the tree, which differs from their name where a module was moved."""
    seen.add(module)
    if not isinstance(module, UncalledContainer):
        module.__dict__["_name"], prefix = prefix, ""
    for name, child in module.named_children():
        if child not in seen:
            _name_by_tree(child, f"{prefix}.{name}" if prefix else name, seen)


def _count_ops(graph: Graph, rows: dict[str, SummaryRow], owners: dict[str, str], trained: set[str]) -> list[str]:
    """Add the cost of each op to the row of the module that it ran in; name those that could not be counted."""
    uncounted = []
    for number, cost in costs(graph, trained).items():
        node = graph.nodes[number]
        row = rows[owners.get(graph.calls[node.call].path, "") if node.call is not None else ""]
        row.forward += cost.forward
        row.backward += cost.backward
        row.mult_adds += cost.mult_adds or 0
        if cost.mult_adds is None:
            uncounted.append(f"{node.name} in {row.path} {row.kind}".replace("  ", " "))
    return list(dict.fromkeys(uncounted))


def _count_parameters(paths: dict[Module, str], rows: dict[str, SummaryRow]) -> None:
    """Count each parameter once, where it comes first."""
    seen = set()
    for module, path in paths.items():
        for p in module.parameters(recurse=False):
            if p not in seen:
                seen.add(p)
                rows[path].parameters += p.size
                if p.requires_grad:
                    rows[path].trainable += p.size
                    rows[path].backward += p._data.nbytes

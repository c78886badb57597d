"""`OnnxModel`: a module that runs the nodes of an ONNX file, and `OnnxBlock`, a part of it."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, MutableMapping, Sequence
from functools import cache
from typing import Self

import numpy as np

from minigrad.autograd.tensor import Tensor
from minigrad.errors import DataError, DTypeError, MinigradError, ShapeError, UsageError
from minigrad.io.onnx.importer.data import GraphData, InputData, NodeData
from minigrad.io.onnx.importer.names import Path
from minigrad.io.onnx.importer.node import Node, Run
from minigrad.io.onnx.importer.plan import ModuleStep, Plan
from minigrad.io.onnx.importer.registry import OPERATORS, Operator
from minigrad.nn import Module
from minigrad.shapes import shape_of
from minigrad.typing import ArrayLike, DType, DTypeLike, Shape, Value

MAX_ELEMENTS = 2**28
"""How many elements a value may have unless told otherwise: 1 GB of float32."""


class OnnxBlock(Module):
    """A part of an ONNX model: the nodes whose names or weights say that they belong together.

    It runs where the model calls it; one that is called several times has a plan for each call.
    """

    def __init__(self) -> None:
        self._plans: tuple[Plan, ...] = ()

    def forward(self, *inputs: Value, number: int = 0, run: Run | None = None) -> Value:
        """Shapes: as the file has them."""
        plan = self._plans[number]
        outs = self._run(plan, inputs, run or Run(MAX_ELEMENTS))
        return outs[0] if len(outs) == 1 else outs

    def extra_repr(self) -> str:
        """The operators of its own nodes, if its class is not named after one."""
        if type(self) is not OnnxBlock and not isinstance(self, OnnxModel):
            return ""
        names = [step.node.operator for plan in self._plans for step in plan.steps if not isinstance(step, ModuleStep)]
        return ", ".join(names[:3] + ["..."] * (len(names) > 3))

    def _run(self, plan: Plan, inputs: Sequence[Value], run: Run) -> tuple[Value, ...]:
        values: dict[str, Value] = dict(plan.constants)
        values.update((name, self._variable(path)) for name, path in plan.variables.items())
        values.update(zip(plan.inputs, inputs, strict=True))
        for step in plan.steps:
            if isinstance(step, ModuleStep):
                child = self.__dict__[step.child]
                given = [values[name] for name in step.inputs]
                outs = child(*given, number=step.number, run=run)
                values.update(zip(step.outputs, outs if len(step.outputs) != 1 else (outs,), strict=True))
            else:
                self._run_node(step.node, values, run)
            for name in step.drop:
                values.pop(name, None)
        return tuple(values[name] for name in plan.outputs)

    def _variable(self, path: Path) -> Tensor:
        owner: Module = self
        for part in path[:-1]:
            owner = owner.__dict__[part]
        found: Tensor = owner.__dict__[path[-1]]
        return found

    def _run_node(self, data: NodeData, values: MutableMapping[str, Value], run: Run) -> None:
        """Compute the results of a node, and put them among the values."""

        def branch(graph: GraphData, inputs: Sequence[Value]) -> tuple[Value, ...]:
            inner = ChainMap(dict(zip([x.name for x in graph.inputs], inputs, strict=True)), values)
            for below in graph.nodes:
                self._run_node(below, inner, run)
            return tuple(inner[x.name] for x in graph.outputs)

        operator = OPERATORS[data.domain, data.operator]
        given = [values[name] if name else None for name in data.inputs]
        node = Node(data, run, self.training, branch)
        try:
            outs = _computed(operator, node, given)
        except MinigradError as error:
            if str(data) not in str(error):
                error.args = (f"{data}: {error}", *error.args[1:])
            raise
        except (ValueError, IndexError) as error:
            raise ShapeError(f"{data}: {error}") from error
        except Exception as error:  # whatever NumPy says of attributes and values that do not go together
            raise DataError(f"{data}: {type(error).__name__}: {error}") from error
        values.update((name, out) for name, out in zip(data.outputs, outs, strict=False) if name)


def _reduced(block: OnnxBlock) -> tuple[object, ...]:
    """What copies and pickles make a block of, whose class nobody can import."""
    return _empty_block, (type(block).__name__,), block.__dict__


@cache
def block_class(operator: str) -> type[OnnxBlock]:
    """The class of a block of this one operator, whose name tables and pictures then show."""
    return type(operator, (OnnxBlock,), {"__module__": __name__, "__doc__": OnnxBlock.__doc__, "__reduce__": _reduced})


def _empty_block(operator: str) -> OnnxBlock:
    cls = block_class(operator)
    return cls.__new__(cls)


def _computed(operator: Operator, node: Node, given: Sequence[Value]) -> tuple[Value, ...]:
    shapes = [shape_of(x) for x in given if x is not None]
    if operator.broadcasts:
        node.require_size(np.broadcast_shapes(*shapes))
    found = operator.function(node, *given)
    outs = found if isinstance(found, tuple) else (found,)
    if len(outs) < len(node.data.outputs):
        raise DataError(f"{node.data} gives {len(outs)} results here, and the file wants {len(node.data.outputs)}")
    if any(isinstance(x, Tensor) for x in given) and not operator.numbers:
        outs = tuple(x if x is None or isinstance(x, Tensor) else Tensor(x) for x in outs)
    else:
        outs = tuple(x if x is None or isinstance(x, Tensor) else np.asarray(x) for x in outs)
    node.count(outs)
    return outs


class OnnxModel(OnnxBlock):
    """A module made of an ONNX file by `from_onnx`, which fills it with nodes. Its arguments are its attributes.

    Args:
        inputs: their names, dtypes and shapes, as the file has them, None for a size that is free (default ()).
        outputs: those of the outputs (default ()).
        metadata: texts by name, such as the classes; none unless given.
        producer: the program that wrote the file (default "").
        opset: the version of the operators (default 0).
        max_elements: how many elements a value may have (default 268435456).

    Shapes: as the file has them; the first size is free.
    """

    def __init__(
        self,
        inputs: Sequence[InputData] = (),
        outputs: Sequence[InputData] = (),
        metadata: Mapping[str, str] | None = None,
        producer: str = "",
        opset: int = 0,
        max_elements: int = MAX_ELEMENTS,
    ) -> None:
        super().__init__()
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)
        self.metadata, self.producer, self.opset = dict(metadata or {}), producer, opset
        self.max_elements = max_elements
        self._floating: DType | None = None

    def forward(self, *inputs: ArrayLike) -> Value:  # type: ignore[override]  # it is called from outside
        """Run the graph.

        Args:
            *inputs: as `self.inputs` tells them.

        Shapes: as the file has them; the first size is free.

        Returns:
            The output, or a tuple of several.

        Raises:
            UsageError: there are more or fewer inputs.
            ShapeError, DTypeError: one is of another shape or kind.
            DataError: the graph would make values that are too large, or does not fit together.
        """
        if len(inputs) != len(self.inputs):
            names = ", ".join(x.name for x in self.inputs)
            raise UsageError(f"the ONNX model takes {len(self.inputs)} inputs ({names}), got {len(inputs)}")
        values = [_checked(x, declared) for x, declared in zip(inputs, self.inputs, strict=True)]
        outs = self._run(self._plans[0], values, Run(self.max_elements, self._floating))
        outs = tuple(x if isinstance(x, Tensor) else Tensor(x) for x in outs)
        return outs[0] if len(outs) == 1 else outs

    def astype(self, dtype: DTypeLike) -> Self:
        """Convert all floating parameters and buffers to another floating dtype, in place, and casts to float32, too.

        Args:
            dtype: such as "float64".

        Raises:
            DTypeError: it is not floating.
        """
        super().astype(dtype)
        self._floating = np.dtype(dtype)
        return self

    @property
    def input_shape(self) -> Shape:
        """The sizes of one sample of the only input; () if there are several, or one is free."""
        shape = self.inputs[0].shape if len(self.inputs) == 1 else None
        sizes = tuple(n for n in (shape or ())[1:] if n is not None)
        return sizes if shape and len(sizes) == len(shape) - 1 else ()


def _checked(x: ArrayLike, declared: InputData) -> Tensor:
    """An input as a Tensor, if it is one that the file takes."""
    value = x if isinstance(x, Tensor) else Tensor(x)
    what = f"the ONNX model's input {declared.name!r}"
    if declared.dtype is not None and (value.dtype.kind == "f") != (declared.dtype.kind == "f"):
        raise DTypeError(f"{what} must be of {declared.dtype}, got {value.dtype}: use .astype({declared.dtype.name!r})")
    sizes = declared.shape
    if sizes is not None:
        wrong = any(n is not None and n != m for n, m in zip(sizes[1:], value.shape[1:], strict=False))
        if wrong or len(sizes) != len(value.shape):
            text = ", ".join("any" if n is None or i == 0 else str(n) for i, n in enumerate(sizes))
            raise ShapeError(f"{what} must be of shape ({text}), got {value.shape}")
    return value
